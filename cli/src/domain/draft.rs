//! What it takes to create an entity: typed, or a row of a file; checked by the rules by which the
//! publisher judges it.

use clap::ArgMatches;
use pattern::error::Invalid;
use pattern::id::IdempotencyKey;
use pattern::json::Fields;
use pattern::schema::Ordered;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Domain, FieldOption, InvalidArgument};

/// The member of the payload that makes repeating safe.
pub(crate) const KEY: &str = "idempotencyKey";

/// A draft that keeps the rules. Serialises to the publisher's payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    fields: Ordered,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Serialize for Draft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.fields.0.iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.clone()));
        let key = self.key.as_ref();
        let key = key.map(|key| (KEY, Value::from(key.as_str())));
        serializer.collect_map(fields.chain(key))
    }
}

impl Domain {
    /// Reads the publisher's payload of a create.
    pub(crate) fn draft_of(&self, payload: Value) -> Result<Draft, Invalid> {
        let mut fields = Fields::of(payload, "the command")?;
        match fields.take("command") {
            None => {}
            Some(Value::String(name)) if name == "create" => {}
            Some(_) => return Err(fields.invalid("command", "must be create")),
        }
        let values = self.draft.take(&mut fields)?;
        let key = fields.text(KEY)?;
        fields.finish()?;
        Ok(self.ordered(values, key))
    }

    /// Reads what was typed.
    pub(crate) fn draft_typed(
        &self,
        matches: &ArgMatches,
        key: IdempotencyKey,
    ) -> Result<Draft, InvalidArgument> {
        let mut values = Map::new();
        for field in &self.draft.fields {
            if let Some(value) = FieldOption(field).typed(matches)? {
                values.insert(field.name.clone(), value);
            }
        }
        Ok(self.ordered(values, Some(key)))
    }

    /// What must be given of the first example, as it is typed: ` --client 42 --product abc`.
    pub(crate) fn example(&self) -> String {
        let example = self.examples.first();
        let required = self.draft.fields.iter().filter(|field| field.required);
        let options = required.filter_map(|field| {
            let value = example?.get(&field.name)?;
            Some(FieldOption(field).example(Some(value)))
        });
        options.collect()
    }

    fn ordered(&self, mut values: Map<String, Value>, key: Option<IdempotencyKey>) -> Draft {
        let fields = self.draft.fields.iter();
        let fields = fields.filter_map(|f| values.remove_entry(&f.name));
        Draft {
            fields: Ordered(fields.collect()),
            key,
        }
    }
}
