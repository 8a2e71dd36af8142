//! What the values of a field may be.

use serde_json::{Map, Value};

use crate::date::Date;
use crate::json::{kind, not_whole, shown};
use crate::list::check_length;
use crate::text::{self, PRINTABLE, PRINTABLE_LINES};
use crate::timestamp::Timestamp;

/// What the values of a field may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A text.
    Text {
        /// The fewest characters.
        min: usize,
        /// The most.
        max: usize,
        /// Which characters.
        characters: Characters,
    },
    /// A point in time, as RFC 3339 writes it.
    Time,
    /// A day.
    Date,
    /// One of some names.
    Choice(Vec<Choice>),
    /// A whole number.
    Whole {
        /// The smallest.
        min: i128,
        /// The largest.
        max: i128,
    },
    /// A number.
    Number {
        /// The smallest, if there is one.
        min: Option<f64>,
        /// The largest, if there is one.
        max: Option<f64>,
    },
    /// True or false.
    Boolean,
    /// An array.
    Array {
        /// What its elements may be; `None` where the domain's type judges them alone.
        of: Option<Box<Kind>>,
        /// The fewest elements.
        min: usize,
        /// The most.
        max: usize,
    },
    /// An object, whose members the domain's type judges.
    Object,
}

/// Which characters a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// Those that can be seen, in one line.
    Printable,
    /// Those that can be seen, in any number of lines.
    Lines,
    /// All.
    Any,
}

/// One name of a [`Kind::Choice`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The name.
    pub name: String,
    /// What it means, where the domain says.
    pub help: Option<String>,
}

/// Keywords that say something about a field and are no rule, or are read by [`super::Field`].
const WITHOUT_RULE: [&str; 7] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "aliases",
];

impl Kind {
    /// Reads what `schema` says of the values. Null is one of any kind, and counts as absent.
    pub(super) fn parse(schema: &Map<String, Value>) -> Result<Self, String> {
        if let Some(inner) = without_null(schema)? {
            return Self::parse(&inner);
        }
        if schema.contains_key("enum") || schema.contains_key("oneOf") {
            return Ok(Self::Choice(choices(schema)?));
        }
        let format = schema.get("format").and_then(Value::as_str);
        let (kind, rules): (_, &[&str]) = match schema.get("type").and_then(Value::as_str) {
            Some("string") if schema.contains_key("const") => {
                (Self::Choice(choices(schema)?), &["const"])
            }
            Some("string") if format == Some("date-time") => (Self::Time, &["format"]),
            Some("string") if format == Some("date") => (Self::Date, &["format"]),
            Some("string") => {
                let characters = match format {
                    Some(PRINTABLE) => Characters::Printable,
                    Some(PRINTABLE_LINES) => Characters::Lines,
                    None => Characters::Any,
                    Some(other) => return Err(format!("has the unknown format {other}")),
                };
                let text = Self::Text {
                    min: length(schema, "minLength")?.unwrap_or(0),
                    max: length(schema, "maxLength")?.unwrap_or(usize::MAX),
                    characters,
                };
                (text, &["format", "minLength", "maxLength"])
            }
            Some("integer") => {
                let (min, max) = integers(format)?;
                let whole = Self::Whole {
                    min: whole(schema, "minimum")?.unwrap_or(min),
                    max: whole(schema, "maximum")?.unwrap_or(max),
                };
                (whole, &["format", "minimum", "maximum"])
            }
            Some("number") => {
                let bound = |name| schema.get(name).and_then(Value::as_f64);
                let number = Self::Number {
                    min: bound("minimum"),
                    max: bound("maximum"),
                };
                (number, &["format", "minimum", "maximum"])
            }
            Some("boolean") => (Self::Boolean, &[]),
            Some("array") => {
                let of = match schema.get("items") {
                    Some(Value::Object(element)) => Some(Box::new(Self::parse(element)?)),
                    _ => None,
                };
                let array = Self::Array {
                    of,
                    min: length(schema, "minItems")?.unwrap_or(0),
                    max: length(schema, "maxItems")?.unwrap_or(usize::MAX),
                };
                (array, &["items", "minItems", "maxItems"])
            }
            Some("object") => return Ok(Self::Object),
            Some(other) => return Err(format!("has the unknown type {other}")),
            None => return Err("has no type".to_owned()),
        };
        let known = |keyword: &&String| {
            *keyword == "type"
                || rules.contains(&keyword.as_str())
                || WITHOUT_RULE.contains(&keyword.as_str())
        };
        match schema.keys().find(|keyword| !known(keyword)) {
            Some(keyword) => Err(format!("has the rule {keyword}, which nothing checks")),
            None => Ok(kind),
        }
    }

    /// Checks `value`.
    ///
    /// # Errors
    /// The rule that it breaks: `must be …`.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let is_not = |rule: &str| Err(format!("must be {rule}, not {}", kind(value)));
        match (self, value) {
            (
                Self::Text {
                    min,
                    max,
                    characters,
                },
                Value::String(text),
            ) => match characters {
                Characters::Any => text::check_length(text, *min, *max),
                Characters::Printable => text::check(text, *min, *max, false),
                Characters::Lines => text::check(text, *min, *max, true),
            }
            .map_err(|rule| rule.to_string()),
            (Self::Time, Value::String(text)) => match Timestamp::parse(text) {
                Ok(_) => Ok(()),
                Err(rule) => Err(rule.to_string()),
            },
            (Self::Date, Value::String(text)) => match text.parse::<Date>() {
                Ok(_) => Ok(()),
                Err(rule) => Err(rule.to_string()),
            },
            (Self::Choice(choices), Value::String(text)) => {
                if choices.iter().any(|choice| choice.name == *text) {
                    return Ok(());
                }
                let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
                Err(format!("must be one of {}", names.join(", ")))
            }
            (Self::Text { .. } | Self::Time | Self::Date | Self::Choice(_), _) => {
                is_not("a string")
            }
            (Self::Whole { min, max }, value) => {
                let number = value.as_i64().map(i128::from);
                let number = number.or_else(|| value.as_u64().map(i128::from));
                match number {
                    Some(number) if (*min..=*max).contains(&number) => Ok(()),
                    _ => Err(not_whole(*min, *max, value)),
                }
            }
            (Self::Number { min, max }, value) => match value.as_f64() {
                Some(number)
                    if min.is_none_or(|min| number >= min)
                        && max.is_none_or(|max| number <= max) =>
                {
                    Ok(())
                }
                _ => {
                    let range = match (min, max) {
                        (Some(min), Some(max)) => format!(" from {min} to {max}"),
                        (Some(min), None) => format!(" of at least {min}"),
                        (None, Some(max)) => format!(" of at most {max}"),
                        (None, None) => String::new(),
                    };
                    Err(format!("must be a number{range}, not {}", shown(value)))
                }
            },
            (Self::Array { of, min, max }, Value::Array(elements)) => {
                check_length(elements.len(), *min, *max).map_err(|rule| rule.to_string())?;
                each(of.as_deref(), elements, |kind, element| kind.check(element))?;
                Ok(())
            }
            (Self::Boolean, Value::Bool(_)) | (Self::Object, Value::Object(_)) => Ok(()),
            (Self::Boolean, _) => is_not("true or false"),
            (Self::Array { .. }, _) => is_not("an array"),
            (Self::Object, _) => is_not("an object"),
        }
    }

    /// Reads what somebody typed, or a cell of a table holds, as a value of this kind. A `|` parts
    /// the elements of an array, unless it is written as JSON.
    ///
    /// # Errors
    /// The rule that it breaks: `must be …`.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let typed = || Value::String(text.to_owned());
        let value = match self {
            Self::Text { .. } | Self::Time | Self::Date | Self::Choice(_) => typed(),
            Self::Array { .. } if text.is_empty() => Value::Array(Vec::new()),
            Self::Array { .. } if !text.starts_with('[') => {
                return self.read_each(text.split('|').map(str::trim));
            }
            _ if text.trim() != text => typed(),
            // Whatever is no JSON is a text, which the check then refuses by what it must be.
            _ => serde_json::from_str(text).unwrap_or_else(|_| typed()),
        };
        self.check(&value).map_err(|rule| {
            let quoted = || format!("not \"{}\"", text.escape_debug());
            match rule.strip_suffix("not a string") {
                Some(rule) => format!("{rule}{}", quoted()),
                None => rule,
            }
        })?;
        Ok(value)
    }

    /// Reads the elements of an array, each as somebody typed it.
    ///
    /// # Errors
    /// The rule that one of them breaks, or all together.
    pub fn read_each<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<Value, String> {
        let of = match self {
            Self::Array { of, .. } => of.as_deref(),
            _ => None,
        };
        let texts: Vec<&str> = texts.into_iter().collect();
        let elements = each(of, &texts, |kind, text| kind.read(text))?;
        let elements = elements.unwrap_or_else(|| texts.into_iter().map(Value::from).collect());
        let value = Value::Array(elements);
        self.check(&value)?;
        Ok(value)
    }

    /// Whether there can be a list of each value: a single one, which the cache's scripts read from
    /// a document as it is. Their numbers lose digits above 2^53.
    #[must_use]
    pub fn has_lists(&self) -> bool {
        const EXACT: i128 = 1 << 53;
        match self {
            Self::Array { .. } | Self::Object | Self::Number { .. } => false,
            Self::Whole { min, max } => *min >= -EXACT && *max <= EXACT,
            Self::Text { .. } | Self::Time | Self::Date | Self::Choice(_) | Self::Boolean => true,
        }
    }
}

/// What `of` makes of each of `elements`; `None` where it is not known what they may be.
fn each<T, R>(
    of: Option<&Kind>,
    elements: &[T],
    make: impl Fn(&Kind, &T) -> Result<R, String>,
) -> Result<Option<Vec<R>>, String> {
    let Some(kind) = of else {
        return Ok(None);
    };
    let numbered = (1..).zip(elements);
    let made = numbered.map(|(number, element)| {
        make(kind, element).map_err(|rule| format!("value {number} {rule}"))
    });
    made.collect::<Result<_, _>>().map(Some)
}

/// The schema of what is not null, where `schema` also allows null.
fn without_null(schema: &Map<String, Value>) -> Result<Option<Map<String, Value>>, String> {
    if let Some(Value::Array(types)) = schema.get("type") {
        let mut inner = schema.clone();
        let rest: Vec<&Value> = types.iter().filter(|name| *name != "null").collect();
        let [only] = rest.as_slice() else {
            return Err("must have one type".to_owned());
        };
        inner.insert("type".to_owned(), (*only).clone());
        if let Some(Value::Array(names)) = inner.get_mut("enum") {
            names.retain(|name| !name.is_null());
        }
        return Ok(Some(inner));
    }
    let Some(Value::Array(any)) = schema.get("anyOf") else {
        return Ok(None);
    };
    let is_null = |schema: &&Value| schema.get("type").is_some_and(|name| name == "null");
    let rest: Vec<&Value> = any.iter().filter(|schema| !is_null(schema)).collect();
    match rest.as_slice() {
        [Value::Object(only)] => Ok(Some(only.clone())),
        _ => Err("must be of one kind".to_owned()),
    }
}

/// The names of an `enum`, a `const`, or a `oneOf` of these.
fn choices(schema: &Map<String, Value>) -> Result<Vec<Choice>, String> {
    let name = |value: &Value, help: Option<&Value>| match value {
        Value::String(name) => Ok(Choice {
            name: name.clone(),
            help: help.and_then(Value::as_str).map(str::to_owned),
        }),
        _ => Err("must have names as its choices".to_owned()),
    };
    if let Some(value) = schema.get("const") {
        return Ok(vec![name(value, schema.get("description"))?]);
    }
    if let Some(Value::Array(names)) = schema.get("enum") {
        return names.iter().map(|value| name(value, None)).collect();
    }
    let Some(Value::Array(variants)) = schema.get("oneOf") else {
        return Err("must have names as its choices".to_owned());
    };
    let mut all = Vec::new();
    for variant in variants {
        let Value::Object(variant) = variant else {
            return Err("must have names as its choices".to_owned());
        };
        all.extend(choices(variant)?);
    }
    Ok(all)
}

/// The integers of a format, where no bounds are given.
fn integers(format: Option<&str>) -> Result<(i128, i128), String> {
    Ok(match format {
        None | Some("int64" | "int") => (i64::MIN.into(), i64::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("uint64" | "uint") => (0, u64::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint8") => (0, u8::MAX.into()),
        Some(other) => return Err(format!("has the unknown format {other}")),
    })
}

fn whole(schema: &Map<String, Value>, name: &str) -> Result<Option<i128>, String> {
    match schema.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from))
            .map(Some)
            .ok_or_else(|| format!("has a {name} that is no whole number")),
    }
}

fn length(schema: &Map<String, Value>, name: &str) -> Result<Option<usize>, String> {
    whole(schema, name)?
        .map(|length| usize::try_from(length).map_err(|_| format!("has a {name} out of range")))
        .transpose()
}
