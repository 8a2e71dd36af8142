//! YAML as CloudFormation reads it: a tree of texts, lists and mappings, each with its tag and
//! its place in the file.
//!
//! Scalars stay the text they were written as, since their meaning depends on where they stand: an
//! account id such as `000000000000` is no number. What CloudFormation does not take, such as
//! anchors, is refused here with its place.

use std::borrow::Cow;
use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::Invalid;

/// Deeper than any sensible template, and shallow enough for functions that visit the whole tree.
const MAX_DEPTH: usize = 100;

/// A place in the file; both numbers start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<Marker> for Position {
    fn from(marker: Marker) -> Self {
        Self {
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

/// A value in the file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The tag without its `!`: `Ref`, `Sub`, `GetAtt` and so on.
    pub(crate) tag: Option<String>,
    pub(crate) value: Value,
    pub(crate) at: Position,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text as written; `plain` where it stood without quotes, so that it may mean a number, a
    /// boolean or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    /// In the file's order, each key once.
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) value: Node,
}

impl Node {
    /// A mapping's value for this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// A mapping's entries; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            Value::Scalar { .. } | Value::Sequence(_) => &[],
        }
    }

    /// A list's items; none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            Value::Scalar { .. } | Value::Mapping(_) => &[],
        }
    }

    /// A scalar's text, where it has no tag and is not empty or `null`.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, plain } if self.tag.is_none() => {
                let null = *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                (!null).then_some(text)
            }
            _ => None,
        }
    }
}

/// A list or mapping whose end has not come yet.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<(String, Position)>,
}

/// Parses a file of one document.
pub(super) fn parse(text: &str) -> Result<Node, Invalid> {
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Invalid::new((*error.marker()).into(), error.info()))?;
        let at = Position::from(span.start);
        let finished = match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_anchor(anchor, at)?;
                Some(scalar(text, style, tag, at))
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_anchor(anchor, at)?;
                begin(&mut open, Value::Sequence(Vec::new()), tag, at)?;
                None
            }
            Event::MappingStart(anchor, tag) => {
                refuse_anchor(anchor, at)?;
                begin(&mut open, Value::Mapping(Vec::new()), tag, at)?;
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| open.node),
            Event::Alias(_) => return Err(Invalid::new(at, "CloudFormation takes no aliases")),
            Event::DocumentStart(_) if root.is_some() => {
                return Err(Invalid::new(
                    at,
                    "a template is one document, and here starts another",
                ));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => None,
        };
        if let Some(node) = finished {
            match open.last_mut() {
                Some(parent) => parent.add(node)?,
                None => root = Some(node),
            }
        }
    }
    root.ok_or_else(|| Invalid::new(Position { line: 1, column: 1 }, "the file is empty"))
}

fn refuse_anchor(anchor: usize, at: Position) -> Result<(), Invalid> {
    if anchor == 0 {
        Ok(())
    } else {
        Err(Invalid::new(at, "CloudFormation takes no anchors"))
    }
}

fn begin(
    open: &mut Vec<Open>,
    value: Value,
    tag: Option<Cow<'_, Tag>>,
    at: Position,
) -> Result<(), Invalid> {
    if open.len() == MAX_DEPTH {
        return Err(Invalid::new(at, "the template is nested too deep"));
    }
    open.push(Open {
        node: Node {
            tag: own_tag(tag.as_deref()),
            value,
            at,
        },
        key: None,
    });
    Ok(())
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<Cow<'_, Tag>>, at: Position) -> Node {
    let forced = tag
        .as_ref()
        .is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    let plain = style == ScalarStyle::Plain && !forced;
    let value = Value::Scalar {
        text: text.into_owned(),
        plain,
    };
    Node {
        tag: own_tag(tag.as_deref()),
        value,
        at,
    }
}

/// YAML's own tags, such as `!!str`, only say how to read a scalar.
fn own_tag(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| !tag.is_yaml_core_schema())
        .map(|tag| tag.suffix.clone())
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), Invalid> {
        match &mut self.node.value {
            Value::Sequence(items) => items.push(node),
            Value::Mapping(entries) => match self.key.take() {
                Some((key, at)) => entries.push(Entry {
                    key,
                    at,
                    value: node,
                }),
                None => {
                    let at = node.at;
                    let Value::Scalar { text, .. } = node.value else {
                        return Err(Invalid::new(at, "a key is a text, not a list or a mapping"));
                    };
                    if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                        let what =
                            format!("`{text}` is here twice, first in line {}", first.at.line);
                        return Err(Invalid::new(at, what));
                    }
                    self.key = Some((text, at));
                }
            },
            // Only lists and mappings are ever open.
            Value::Scalar { .. } => {}
        }
        Ok(())
    }
}
