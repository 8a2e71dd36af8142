//! The ids that a log line names, as long as they are few.
//!
//! A batch of the stream is most often of one entity or some; a line that names them lets `cqrs
//! logs` find it. Of a large batch the line has the count alone, or it would cost more to keep than
//! what it is about.

use crate::id::Id;

/// The most ids that a line names: a few hundred bytes.
const MOST: usize = 10;

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FewIds(Vec<Id>);

impl FewIds {
    /// Adds an id, unless it is there or there are too many already.
    pub fn add(&mut self, id: &Id) {
        if self.0.len() <= MOST && !self.0.contains(id) {
            self.0.push(id.clone());
        }
    }

    /// The ids as one text; none where there are none, or too many.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let ids: Vec<&str> = self.0.iter().map(Id::as_str).collect();
        (1..=MOST).contains(&ids.len()).then(|| ids.join(" "))
    }
}

impl<'a> Extend<&'a Id> for FewIds {
    fn extend<I: IntoIterator<Item = &'a Id>>(&mut self, ids: I) {
        ids.into_iter().for_each(|id| self.add(id));
    }
}

impl<'a> FromIterator<&'a Id> for FewIds {
    fn from_iter<I: IntoIterator<Item = &'a Id>>(ids: I) -> Self {
        let mut few = Self::default();
        few.extend(ids);
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(count: usize) -> Option<String> {
        let ids: Vec<Id> = (0..count)
            .map(|at| Id::new(format!("o{at}")).unwrap())
            .collect();
        // Each comes twice, as with what is created and changed in one batch.
        ids.iter().chain(&ids).collect::<FewIds>().text()
    }

    #[test]
    fn few_ids_are_named_each_once_and_many_are_not() {
        assert_eq!(text(0), None);
        assert_eq!(text(2).as_deref(), Some("o0 o1"));
        assert_eq!(text(10).map(|text| text.split(' ').count()), Some(10));
        assert_eq!(text(11), None);
        assert_eq!(text(500), None);
    }
}
