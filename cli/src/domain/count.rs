//! How many entities a part of the stack holds, as far as that is known, under the domain's own word.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Domain;

/// Shown as `2 tickets`; as JSON it is the member `"tickets":2` of what it is said of.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    domain: Domain,
    count: Option<u64>,
}

impl Domain {
    pub(crate) fn count(&self, count: impl Into<Option<u64>>) -> Count {
        Count {
            domain: self.clone(),
            count: count.into(),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => f.write_str(&self.domain.counted(count)),
            None => write!(f, "{} (how many is not known)", self.domain.plural),
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.domain.plural, &self.count)?;
        map.end()
    }
}
