//! Intrinsic functions as they are written: `!Sub text` and `Fn::Sub: text` are the same call.

use super::fault::{Fault, Result};
use crate::stack::template::{Entry, Node, Position, Value, nearest};

/// A node, or what a tagged one is without its tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'t> {
    tag: Option<&'t str>,
    pub(super) value: &'t Value,
    pub(super) at: Position,
}

impl<'t> From<&'t Node> for View<'t> {
    fn from(node: &'t Node) -> Self {
        Self {
            tag: node.tag.as_deref(),
            value: &node.value,
            at: node.at,
        }
    }
}

impl<'t> View<'t> {
    /// A scalar's text, where no function stands here.
    pub(super) fn text(self) -> Option<&'t str> {
        match self.value {
            Value::Scalar { text, .. } if self.tag.is_none() && !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// A list's items, where no function stands here.
    pub(super) fn list(self) -> Option<&'t [Node]> {
        match self.value {
            Value::Sequence(items) if self.tag.is_none() => Some(items),
            _ => None,
        }
    }

    /// A mapping's entries, where no function stands here in its short form.
    pub(super) fn mapping(self) -> Option<&'t [Entry]> {
        match self.value {
            Value::Mapping(entries) if self.tag.is_none() => Some(entries),
            _ => None,
        }
    }

    /// YAML's `null`, which CloudFormation takes nowhere.
    pub(super) fn is_null(self) -> bool {
        matches!(self.value, Value::Scalar { text, plain: true }
            if self.tag.is_none() && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The function that stands here.
    pub(super) fn call(self) -> Result<Option<Call<'t>>> {
        if let Some(tag) = self.tag {
            let function = Function::from_short(tag).ok_or_else(|| {
                let what = format!("`!{tag}` is no function{}", Function::near(tag));
                Fault::new(self.at, what)
            })?;
            let argument = Self { tag: None, ..self };
            return Ok(Some(Call {
                function,
                at: self.at,
                argument,
            }));
        }
        let Some(entries) = self.mapping() else {
            return Ok(None);
        };
        match entries {
            [entry] => Function::from_entry(entry),
            _ => match entries.iter().find(|entry| entry.key.starts_with("Fn::")) {
                Some(entry) => {
                    let what = format!("`{}` stands beside other keys", entry.key);
                    Err(Fault::new(entry.at, what))
                }
                None => Ok(None),
            },
        }
    }
}

/// A function and what it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'t> {
    pub(super) function: Function,
    pub(super) at: Position,
    pub(super) argument: View<'t>,
}

impl<'t> Call<'t> {
    /// The function's name, for messages.
    pub(super) fn name(&self) -> String {
        format!("`{}`", self.function.key())
    }

    /// The arguments of a function that takes this many.
    pub(super) fn arguments<const N: usize>(&self) -> Result<&'t [Node; N]> {
        self.list()?.try_into().map_err(|_| self.misshapen())
    }

    /// The arguments of a function that takes a list of them.
    pub(super) fn list(&self) -> Result<&'t [Node]> {
        self.argument.list().ok_or_else(|| self.misshapen())
    }

    /// It was not given what it takes.
    pub(super) fn misshapen(&self) -> Fault {
        let what = format!("{} is written as {}", self.name(), self.function.usage());
        Fault::new(self.argument.at, what)
    }
}

/// All of CloudFormation's functions, with those that nothing here can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Base64,
    Cidr,
    Condition,
    Contains,
    EachMemberEquals,
    EachMemberIn,
    Equals,
    FindInMap,
    ForEach,
    GetAtt,
    GetAzs,
    GetStackOutput,
    If,
    ImportValue,
    Join,
    Length,
    Not,
    Or,
    Ref,
    RefAll,
    Select,
    Split,
    Sub,
    ToJsonString,
    Transform,
    ValueOf,
    ValueOfAll,
}

impl Function {
    const ALL: [Self; 28] = [
        Self::And,
        Self::Base64,
        Self::Cidr,
        Self::Condition,
        Self::Contains,
        Self::EachMemberEquals,
        Self::EachMemberIn,
        Self::Equals,
        Self::FindInMap,
        Self::ForEach,
        Self::GetAtt,
        Self::GetAzs,
        Self::GetStackOutput,
        Self::If,
        Self::ImportValue,
        Self::Join,
        Self::Length,
        Self::Not,
        Self::Or,
        Self::Ref,
        Self::RefAll,
        Self::Select,
        Self::Split,
        Self::Sub,
        Self::ToJsonString,
        Self::Transform,
        Self::ValueOf,
        Self::ValueOfAll,
    ];

    /// The name in the long form.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::And => "Fn::And",
            Self::Base64 => "Fn::Base64",
            Self::Cidr => "Fn::Cidr",
            Self::Condition => "Condition",
            Self::Contains => "Fn::Contains",
            Self::EachMemberEquals => "Fn::EachMemberEquals",
            Self::EachMemberIn => "Fn::EachMemberIn",
            Self::Equals => "Fn::Equals",
            Self::FindInMap => "Fn::FindInMap",
            Self::ForEach => "Fn::ForEach",
            Self::GetAtt => "Fn::GetAtt",
            Self::GetAzs => "Fn::GetAZs",
            Self::GetStackOutput => "Fn::GetStackOutput",
            Self::If => "Fn::If",
            Self::ImportValue => "Fn::ImportValue",
            Self::Join => "Fn::Join",
            Self::Length => "Fn::Length",
            Self::Not => "Fn::Not",
            Self::Or => "Fn::Or",
            Self::Ref => "Ref",
            Self::RefAll => "Fn::RefAll",
            Self::Select => "Fn::Select",
            Self::Split => "Fn::Split",
            Self::Sub => "Fn::Sub",
            Self::ToJsonString => "Fn::ToJsonString",
            Self::Transform => "Fn::Transform",
            Self::ValueOf => "Fn::ValueOf",
            Self::ValueOfAll => "Fn::ValueOfAll",
        }
    }

    const fn usage(self) -> &'static str {
        match self {
            Self::And | Self::Or => "a list of 2 to 10 conditions",
            Self::Not => "a list of one condition",
            Self::Equals => "`[value, value]`",
            Self::Cidr => "`[range, count, bits]`",
            Self::Condition => "the name of a condition",
            Self::Contains => "`[[text, ...], text]`",
            Self::EachMemberEquals => "`[[text, ...], text]`",
            Self::EachMemberIn => "`[[text, ...], [text, ...]]`",
            Self::FindInMap => "`[map, key, key]`",
            Self::GetAtt => "`Resource.Attribute` or `[Resource, Attribute]`",
            Self::If => "`[condition, value, other value]`",
            Self::Join => "`[delimiter, [text, ...]]`",
            Self::Ref => "the name of a parameter or a resource",
            Self::Select => "`[index, [value, ...]]`",
            Self::Split => "`[delimiter, text]`",
            Self::Sub => "a text, or `[text, {name: value}]`",
            Self::Base64
            | Self::ForEach
            | Self::GetAzs
            | Self::GetStackOutput
            | Self::ImportValue
            | Self::Length
            | Self::RefAll
            | Self::ToJsonString
            | Self::Transform
            | Self::ValueOf
            | Self::ValueOfAll => "one value",
        }
    }

    fn short(self) -> &'static str {
        let key = self.key();
        key.strip_prefix("Fn::").unwrap_or(key)
    }

    fn from_short(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.short() == name)
    }

    /// The function that may have been meant by this name, in its long form.
    fn near(name: &str) -> String {
        let near = nearest(name, Self::ALL.iter().map(|known| known.short()));
        near.and_then(Self::from_short)
            .map(|near| format!("; did you mean `{}`?", near.key()))
            .unwrap_or_default()
    }

    /// The long form. `Condition` has one in conditions only, since it is also a key of its own.
    fn from_entry(entry: &Entry) -> Result<Option<Call<'_>>> {
        let key = entry.key.as_str();
        let function = match key.strip_prefix("Fn::") {
            None if key == "Ref" => Some(Self::Ref),
            None => return Ok(None),
            Some(name) if name.starts_with("ForEach::") => Some(Self::ForEach),
            Some(name) => Self::from_short(name).filter(|known| known.key() == key),
        };
        let function = function.ok_or_else(|| {
            let name = key.strip_prefix("Fn::").unwrap_or(key);
            let what = format!("`{key}` is no function{}", Self::near(name));
            Fault::new(entry.at, what)
        })?;
        Ok(Some(Call {
            function,
            at: entry.at,
            argument: View::from(&entry.value),
        }))
    }
}
