//! The document of an item that comes as DynamoDB's JSON, read in one pass from the text.
//!
//! For what comes often, a stream's images: there is no item in between, and texts are copied only
//! into the document. Which fields there are and what they may hold the entity's type says, as
//! everywhere. What this refuses is read again as an item, by [`super::document`], which says what
//! is wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer,
    MapAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::attribute;
use crate::document::{Document, is_id_name};
use crate::entity::Entity;
use crate::id::Id;
use crate::timestamp::Timestamp;

/// The document of an image.
pub(crate) struct Image<E>(pub(crate) Document<E>);

/// A string that borrows where JSON has no escape in it. `Option<Cow<str>>` would always copy.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// An attribute's value. What is bytes no field can hold.
#[derive(Deserialize)]
enum Value<'a> {
    S(#[serde(borrow)] Text<'a>),
    N(#[serde(borrow)] Text<'a>),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    L(#[serde(borrow)] Vec<Value<'a>>),
    M(#[serde(borrow)] BTreeMap<Text<'a>, Value<'a>>),
    #[serde(rename = "SS")]
    Texts(#[serde(borrow)] Vec<Text<'a>>),
    #[serde(rename = "NS")]
    Numbers(#[serde(borrow)] Vec<Text<'a>>),
    #[serde(rename = "B", alias = "BS")]
    Bytes(IgnoredAny),
}

impl<'de, E: Entity> Deserialize<'de> for Image<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes<E>(PhantomData<E>);
        impl<'de, E: Entity> Visitor<'de> for Attributes<E> {
            type Value = Image<E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an image")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Image<E>, A::Error> {
                let mut fields = Fields::<A, E> {
                    map,
                    value: None,
                    id: None,
                    version: 1,
                    created_at: Timestamp::EPOCH,
                    updated_at: Timestamp::EPOCH,
                    entity: PhantomData,
                };
                let entity = E::deserialize(MapAccessDeserializer::new(&mut fields))?;
                let id = fields.id.ok_or_else(|| A::Error::missing_field("id"))?;
                Ok(Image(Document {
                    id,
                    entity,
                    version: fields.version,
                    created_at: fields.created_at,
                    updated_at: fields.updated_at,
                }))
            }
        }
        deserializer.deserialize_map(Attributes(PhantomData))
    }
}

/// The fields of the entity among an image's attributes; what the library adds is kept aside.
struct Fields<'de, A, E> {
    map: A,
    /// Of the field whose name was given last.
    value: Option<Value<'de>>,
    id: Option<Id>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    entity: PhantomData<E>,
}

impl<'de, A: MapAccess<'de>, E: Entity> MapAccess<'de> for Fields<'de, A, E> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(name)) = self.map.next_key()? {
            if name == attribute::APPLIED_KEYS {
                self.map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = self.map.next_value()?;
            match &*name {
                // As if it were not there.
                _ if matches!(value, Value::Null(_)) => {}
                attribute::VERSION => match read(value)? {
                    0 => return Err(A::Error::custom("version 0")),
                    version => self.version = version,
                },
                attribute::CREATED_AT => self.created_at = read(value)?,
                attribute::UPDATED_AT => self.updated_at = read(value)?,
                name if is_id_name(name, E::NAME) => self.id = Some(read(value)?),
                _ => {
                    self.value = Some(value);
                    return seed.deserialize(name.into_deserializer()).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let value = self.value.take();
        let value = value.ok_or_else(|| A::Error::custom("a value before its name"))?;
        seed.deserialize(value.into_deserializer())
    }
}

fn read<T: DeserializeOwned, E: Error>(value: Value<'_>) -> Result<T, E> {
    T::deserialize(value.into_deserializer())
}

/// Reads what is asked for from a value.
struct OfValue<'de, E>(Value<'de>, PhantomData<E>);

impl<'de, E: Error> IntoDeserializer<'de, E> for Value<'de> {
    type Deserializer = OfValue<'de, E>;

    fn into_deserializer(self) -> OfValue<'de, E> {
        OfValue(self, PhantomData)
    }
}

impl<'de, E: Error> IntoDeserializer<'de, E> for Text<'de> {
    type Deserializer = <Cow<'de, str> as IntoDeserializer<'de, E>>::Deserializer;

    fn into_deserializer(self) -> Self::Deserializer {
        self.0.into_deserializer()
    }
}

impl<'de, E: Error> Deserializer<'de> for OfValue<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Value::S(Text(Cow::Borrowed(text))) => visitor.visit_borrowed_str(text),
            Value::S(Text(Cow::Owned(text))) => visitor.visit_string(text),
            Value::N(Text(number)) => {
                if let Ok(number) = number.parse() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = number.parse() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(number.parse().map_err(E::custom)?)
                }
            }
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Null(true) => visitor.visit_unit(),
            Value::Null(false) => Err(E::custom("no null")),
            Value::Bytes(_) => Err(E::custom("bytes")),
            Value::L(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Value::M(values) => visitor.visit_map(MapDeserializer::new(values.into_iter())),
            Value::Texts(texts) => {
                visitor.visit_seq(SeqDeserializer::new(texts.into_iter().map(Value::S)))
            }
            Value::Numbers(numbers) => {
                visitor.visit_seq(SeqDeserializer::new(numbers.into_iter().map(Value::N)))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Value::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        match self.0 {
            Value::S(text) => visitor.visit_enum(text.into_deserializer()),
            Value::M(values) => {
                let values = MapDeserializer::new(values.into_iter());
                visitor.visit_enum(MapAccessDeserializer::new(values))
            }
            _ => Err(E::custom("no variant")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use serde_dynamo::{AttributeValue, from_attribute_value};
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Dot,
        Line(u8),
        Box { width: f64, name: Option<String> },
    }

    fn at_once<T: DeserializeOwned>(attribute: &serde_json::Value) -> Option<T> {
        let text = attribute.to_string();
        let value: Value<'_> = serde_json::from_str(&text).ok()?;
        read::<T, serde_json::Error>(value).ok()
    }

    fn as_item<T: DeserializeOwned>(attribute: &serde_json::Value) -> Option<T> {
        let value: AttributeValue = serde_json::from_value(attribute.clone()).ok()?;
        from_attribute_value(value).ok()
    }

    #[test]
    fn a_value_is_what_it_is_of_an_item() {
        for attribute in [
            json!({"S": "c\"\u{e9}"}),
            json!({"S": ""}),
            json!({"N": "0"}),
            json!({"N": "-7"}),
            json!({"N": "18446744073709551615"}),
            json!({"N": "1.5e3"}),
            json!({"BOOL": true}),
            json!({"NULL": true}),
            json!({"L": [{"S": "a"}, {"L": []}, {"NULL": true}]}),
            json!({"M": {"b": {"N": "1"}, "a": {"M": {"c\n": {"BOOL": false}}}}}),
            json!({"SS": ["b", "a"]}),
            json!({"NS": ["2", "-1.5"]}),
        ] {
            let expected: Option<serde_json::Value> = as_item(&attribute);
            assert!(expected.is_some(), "{attribute}");
            assert_eq!(at_once(&attribute), expected, "{attribute}");
        }
    }

    #[test]
    fn a_type_takes_from_a_value_what_it_takes_from_that_of_an_item() {
        for attribute in [
            json!({"S": "dot"}),
            json!({"S": "ball"}),
            json!({"M": {"line": {"N": "3"}}}),
            json!({"M": {"line": {"N": "300"}}}),
            json!({"M": {"box": {"M": {"width": {"N": "2"}, "name": {"NULL": true}}}}}),
            json!({"M": {"box": {"M": {"width": {"N": "2"}, "name": {"S": "n"}}}}}),
            json!({"N": "1"}),
        ] {
            let shape: Option<Shape> = as_item(&attribute);
            assert_eq!(at_once(&attribute), shape, "{attribute}");
        }
        assert_eq!(
            at_once(&json!({"M": {"line": {"N": "3"}}})),
            Some(Shape::Line(3))
        );
    }

    #[test]
    fn what_is_no_value_is_none() {
        for attribute in [
            json!({"B": "AA=="}),
            json!({"S": 1}),
            json!({"N": "many"}),
            json!({"S": "a", "N": "1"}),
            json!({}),
            json!(["S", "a"]),
        ] {
            assert_eq!(
                at_once::<serde_json::Value>(&attribute),
                None,
                "{attribute}"
            );
        }
    }
}
