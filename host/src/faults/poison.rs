//! Records that the function cannot read: their images are spoiled on the way, each time they come.
//! The stream itself is left as it is, so that they can be read again when the fault is cleared.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::mapping::Batch;
use crate::store::{Record, Sequence};

/// What the pattern's version becomes: no number.
const VERSION: &str = "version";
/// Of poisoned records so many are known at once.
const MOST: usize = 10_000;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Poison {
    poisoned: BTreeSet<Sequence>,
    /// The newest record that was looked at: those after it are new.
    newest: Sequence,
}

impl Poison {
    pub(super) fn holds_some(&self) -> bool {
        !self.poisoned.is_empty()
    }

    /// The batch's event. Of the records that come for the first time those are poisoned for which `one`
    /// more is to be.
    pub(super) fn event(&mut self, batch: &Batch, mut one: impl FnMut() -> bool) -> Bytes {
        for record in &batch.records {
            let is_new = record.sequence > self.newest && batch.failures == 0;
            if is_new && self.poisoned.len() < MOST && one() {
                self.poisoned.insert(record.sequence);
            }
            self.newest = self.newest.max(record.sequence);
        }
        let is_poisoned = |record: &Record| self.poisoned.contains(&record.sequence);
        if !batch.records.iter().any(is_poisoned) {
            return batch.event();
        }
        batch.event_of(|record| match is_poisoned(record) {
            true => spoiled(&record.json),
            false => record.json.clone(),
        })
    }
}

fn spoiled(record: &str) -> Box<str> {
    let Ok(mut value) = serde_json::from_str::<Value>(record) else {
        return record.into();
    };
    for image in ["NewImage", "OldImage"] {
        if let Some(image) = value
            .get_mut("dynamodb")
            .and_then(|change| change.get_mut(image))
            && image.is_object()
        {
            image[VERSION] = json!({"S": "poisoned on purpose"});
        }
    }
    value.to_string().into()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn batch(numbers: &[i64]) -> Batch {
        let record = |number: &i64| Record {
            sequence: Sequence(*number),
            key: "{}".into(),
            arrived_ms: 0,
            json: r#"{"dynamodb":{"NewImage":{"version":{"N":"1"}}}}"#.into(),
        };
        let mut waiting: VecDeque<_> = numbers.iter().map(record).collect();
        Batch::form(&mut waiting, numbers.len()).unwrap()
    }

    fn spoiled_in(event: &Bytes) -> Vec<bool> {
        let event: Value = serde_json::from_slice(event).unwrap();
        let records = event["Records"].as_array().unwrap().iter();
        let version = |record: &Value| record["dynamodb"]["NewImage"]["version"].clone();
        records
            .map(|record| version(record).get("S").is_some())
            .collect()
    }

    #[test]
    fn what_is_poisoned_is_so_each_time_it_comes_and_nothing_else_is() {
        let mut poison = Poison::default();
        assert_eq!(
            spoiled_in(&poison.event(&batch(&[1, 2]), || false)),
            [false, false]
        );
        let mut left = 2;
        let mut one = || {
            left -= 1;
            left >= 0
        };
        // Those that came before are not the next ones.
        let event = poison.event(&batch(&[2, 3, 4, 5]), &mut one);
        assert_eq!(spoiled_in(&event), [false, true, true, false]);
        let event = poison.event(&batch(&[4, 5, 6]), &mut one);
        assert_eq!(spoiled_in(&event), [true, false, false]);
    }
}
