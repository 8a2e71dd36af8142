//! The orders of this run that can be shipped and read: the newest, so that a long run needs no
//! more memory than a short one.

use std::collections::VecDeque;

use orders::ids::OrderId;

const KEPT: usize = 1000;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Recent {
    placed: VecDeque<OrderId>,
    created: VecDeque<OrderId>,
}

impl Recent {
    pub(super) fn add(&mut self, id: OrderId) {
        push(&mut self.placed, id.clone());
        push(&mut self.created, id);
    }

    pub(super) fn can_ship(&self) -> bool {
        !self.placed.is_empty()
    }

    pub(super) fn can_get(&self) -> bool {
        !self.created.is_empty()
    }

    /// The oldest that was not shipped.
    pub(super) fn next_to_ship(&mut self) -> Option<OrderId> {
        self.placed.pop_front()
    }

    /// Any of them.
    pub(super) fn any(&self) -> Option<OrderId> {
        let at = fastrand::usize(..self.created.len().max(1));
        self.created.get(at).cloned()
    }
}

fn push(orders: &mut VecDeque<OrderId>, id: OrderId) {
    if orders.len() == KEPT {
        orders.pop_front();
    }
    orders.push_back(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_is_shipped_once_and_only_the_newest_are_kept() {
        let mut recent = Recent::default();
        assert!(!recent.can_ship() && !recent.can_get());
        assert_eq!(recent.any(), None);
        for number in 0..=KEPT {
            recent.add(OrderId::new(number.to_string()).unwrap());
        }
        let shipped = std::iter::from_fn(|| recent.next_to_ship());
        let shipped: Vec<_> = shipped.map(|id| id.to_string()).collect();
        let newest: Vec<_> = (1..=KEPT).map(|number| number.to_string()).collect();
        assert_eq!(shipped, newest);
        assert!(!recent.can_ship() && recent.can_get());
        assert_ne!(recent.any().unwrap().as_str(), "0");
    }
}
