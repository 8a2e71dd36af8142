//! What this run created and can be changed and read: the newest, so that a long run needs no
//! more memory than a short one.

use std::collections::VecDeque;

const KEPT: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Recent {
    unchanged: VecDeque<String>,
    created: VecDeque<String>,
}

impl Recent {
    pub(super) fn add(&mut self, id: String) {
        push(&mut self.unchanged, id.clone());
        push(&mut self.created, id);
    }

    pub(super) fn can_change(&self) -> bool {
        !self.unchanged.is_empty()
    }

    pub(super) fn can_get(&self) -> bool {
        !self.created.is_empty()
    }

    /// The oldest that was not changed.
    pub(super) fn next_to_change(&mut self) -> Option<String> {
        self.unchanged.pop_front()
    }

    /// Any of them.
    pub(super) fn any(&self) -> Option<String> {
        let at = fastrand::usize(..self.created.len().max(1));
        self.created.get(at).cloned()
    }
}

fn push(ids: &mut VecDeque<String>, id: String) {
    if ids.len() == KEPT {
        ids.pop_front();
    }
    ids.push_back(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_changed_once_and_only_the_newest_are_kept() {
        let mut recent = Recent::default();
        assert_eq!((recent.can_change(), recent.any()), (false, None));
        (0..=KEPT).for_each(|number| recent.add(number.to_string()));
        let changed: Vec<_> = std::iter::from_fn(|| recent.next_to_change()).collect();
        let newest: Vec<_> = (1..=KEPT).map(|number| number.to_string()).collect();
        assert_eq!(changed, newest);
        assert!(!recent.can_change() && recent.can_get());
        assert_ne!(recent.any().unwrap(), "0");
    }
}
