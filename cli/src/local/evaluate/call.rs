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
            let function = Function::named(tag, &format!("!{tag}"), self.at)?;
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

/// Each with its name in the long form, and what it takes.
const FUNCTIONS: [(Function, &str, &str); 15] = [
    (Function::And, "Fn::And", "a list of 2 to 10 conditions"),
    (Function::Cidr, "Fn::Cidr", "`[range, count, bits]`"),
    (Function::Condition, "Condition", "the name of a condition"),
    (Function::Equals, "Fn::Equals", "`[value, value]`"),
    (Function::FindInMap, "Fn::FindInMap", "`[map, key, key]`"),
    (
        Function::GetAtt,
        "Fn::GetAtt",
        "`Resource.Attribute` or `[Resource, Attribute]`",
    ),
    (Function::GetAzs, "Fn::GetAZs", "one value"),
    (Function::If, "Fn::If", "`[condition, value, other value]`"),
    (Function::Join, "Fn::Join", "`[delimiter, [text, ...]]`"),
    (Function::Not, "Fn::Not", "a list of one condition"),
    (Function::Or, "Fn::Or", "a list of 2 to 10 conditions"),
    (
        Function::Ref,
        "Ref",
        "the name of a parameter or a resource",
    ),
    (Function::Select, "Fn::Select", "`[index, [value, ...]]`"),
    (Function::Split, "Fn::Split", "`[delimiter, text]`"),
    (
        Function::Sub,
        "Fn::Sub",
        "a text, or `[text, {name: value}]`",
    ),
];

/// CloudFormation's others: those of a transform, of other stacks, of rules alone, and `Base64`.
const NOT_HERE: [&str; 13] = [
    "Base64",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "ForEach",
    "GetStackOutput",
    "ImportValue",
    "Length",
    "RefAll",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
];

impl Function {
    fn of(self) -> (&'static str, &'static str) {
        let found = FUNCTIONS.iter().find(|(function, ..)| *function == self);
        found.map_or(("", ""), |(_, key, usage)| (*key, *usage))
    }

    /// The name in the long form.
    pub(super) fn key(self) -> &'static str {
        self.of().0
    }

    fn usage(self) -> &'static str {
        self.of().1
    }

    /// The function of this short name, which is written as `written` at `at`.
    fn named(name: &str, written: &str, at: Position) -> Result<Self> {
        let short = |key: &'static str| key.strip_prefix("Fn::").unwrap_or(key);
        let known = FUNCTIONS.iter().find(|(_, key, _)| short(key) == name);
        if let Some((function, ..)) = known {
            return Ok(*function);
        }
        let plain = name.split("::").next().unwrap_or_default();
        if NOT_HERE.contains(&plain) {
            let what = format!("`Fn::{plain}` is not there with `--local`");
            return Err(Fault::new(at, what));
        }
        let keys = FUNCTIONS.map(|(_, key, _)| key);
        let near = nearest(name, keys.map(short));
        let near = near.and_then(|near| keys.into_iter().find(|key| short(key) == near));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Err(Fault::new(at, format!("`{written}` is no function{near}")))
    }

    /// The long form. `Condition` has one in conditions only, since it is also a key of its own.
    fn from_entry(entry: &Entry) -> Result<Option<Call<'_>>> {
        let key = entry.key.as_str();
        let function = match key.strip_prefix("Fn::") {
            None if key == "Ref" => Self::Ref,
            None => return Ok(None),
            // These two have no `Fn::`.
            Some(name @ ("Ref" | "Condition")) => {
                let what = format!("`{key}` is no function; did you mean `{name}`?");
                return Err(Fault::new(entry.at, what));
            }
            Some(name) => Self::named(name, key, entry.at)?,
        };
        Ok(Some(Call {
            function,
            at: entry.at,
            argument: View::from(&entry.value),
        }))
    }
}
