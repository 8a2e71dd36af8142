//! Intrinsic functions as they are written: `!Sub text` and `Fn::Sub: text` are the same call.

use super::fault::{Fault, Result, suggestion};
use crate::stack::template::{Entry, Node, Position, Value};

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
            let function = Function::named(tag, &format!("!{tag}"), self.at)?;
            let argument = Self { tag: None, ..self };
            return Ok(Some(Call {
                function,
                at: self.at,
                argument,
            }));
        }
        let entries = self.mapping().unwrap_or_default();
        let is_function = |entry: &&Entry| entry.key == "Ref" || entry.key.starts_with("Fn::");
        match (entries, entries.iter().find(is_function)) {
            ([entry], Some(_)) => {
                let name = entry.key.strip_prefix("Fn::").unwrap_or(&entry.key);
                Ok(Some(Call {
                    function: Function::named(name, &entry.key, entry.at)?,
                    at: entry.at,
                    argument: Self::from(&entry.value),
                }))
            }
            (_, Some(entry)) if entry.key != "Ref" => {
                let what = format!("`{}` stands beside other keys", entry.key);
                Err(Fault::new(entry.at, what))
            }
            _ => Ok(None),
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
        format!("`{}`", self.function.description().0)
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
        let (name, usage) = self.function.description();
        Fault::new(self.argument.at, format!("`{name}` is written as {usage}"))
    }
}

/// The functions that are answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Cidr,
    Condition,
    Equals,
    FindInMap,
    GetAtt,
    GetAzs,
    If,
    Join,
    Not,
    Or,
    Ref,
    Select,
    Split,
    Sub,
}

impl Function {
    const ALL: [Self; 15] = [
        Self::And,
        Self::Cidr,
        Self::Condition,
        Self::Equals,
        Self::FindInMap,
        Self::GetAtt,
        Self::GetAzs,
        Self::If,
        Self::Join,
        Self::Not,
        Self::Or,
        Self::Ref,
        Self::Select,
        Self::Split,
        Self::Sub,
    ];

    /// The name in the long form, and what it takes.
    const fn description(self) -> (&'static str, &'static str) {
        match self {
            Self::And => ("Fn::And", "a list of 2 to 10 conditions"),
            Self::Cidr => ("Fn::Cidr", "`[range, count, bits]`"),
            Self::Condition => ("Condition", "the name of a condition"),
            Self::Equals => ("Fn::Equals", "`[value, value]`"),
            Self::FindInMap => ("Fn::FindInMap", "`[map, key, key]`"),
            Self::GetAtt => (
                "Fn::GetAtt",
                "`Resource.Attribute` or `[Resource, Attribute]`",
            ),
            Self::GetAzs => ("Fn::GetAZs", "one value"),
            Self::If => ("Fn::If", "`[condition, value, other value]`"),
            Self::Join => ("Fn::Join", "`[delimiter, [text, ...]]`"),
            Self::Not => ("Fn::Not", "a list of one condition"),
            Self::Or => ("Fn::Or", "a list of 2 to 10 conditions"),
            Self::Ref => ("Ref", "the name of a parameter or a resource"),
            Self::Select => ("Fn::Select", "`[index, [value, ...]]`"),
            Self::Split => ("Fn::Split", "`[delimiter, text]`"),
            Self::Sub => ("Fn::Sub", "a text, or `[text, {name: value}]`"),
        }
    }

    /// The name in the short form, without its `!`.
    fn short(self) -> &'static str {
        let (name, _) = self.description();
        name.strip_prefix("Fn::").unwrap_or(name)
    }

    /// The function of this short name, which is written as `written` at `at`. CloudFormation's
    /// others belong to transforms, to other stacks or to rules alone.
    fn named(name: &str, written: &str, at: Position) -> Result<Self> {
        let known = Self::ALL.into_iter();
        let found = known.clone().find(|function| {
            let (key, _) = function.description();
            function.short() == name && (written.starts_with('!') || written == key)
        });
        found.ok_or_else(|| {
            let near = suggestion(name, known.map(Self::short));
            let what = format!("`{written}` is no function that is there with `--local`{near}");
            Fault::new(at, what)
        })
    }
}
