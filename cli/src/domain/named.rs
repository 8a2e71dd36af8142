//! What stands under a name of the entity's own in JSON that the tool prints: `"orderId":"…"`.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value under its name, to be flattened into what it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<T> {
    name: String,
    pub(crate) value: T,
}

impl<T> Named<T> {
    pub(crate) fn new(name: &str, value: T) -> Self {
        let name = name.to_owned();
        Self { name, value }
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.name, &self.value)?;
        map.end()
    }
}
