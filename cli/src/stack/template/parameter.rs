//! The template's parameters: what they are, and what values they take.

use regex_lite::Regex;

use super::sent::INTERFACE;
use super::yaml::{Entry, Node, Value};
use super::{Invalid, TemplateError};

/// The parameter that names the stack's KMS key, by ARN.
pub(crate) const KMS_KEY: &str = "KmsKeyArn";

/// One entry of the template's `Parameters`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// CloudFormation's type: `String`, `Number`, `CommaDelimitedList` or one of AWS's own.
    pub(crate) kind: String,
    pub(crate) default: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) constraint_description: Option<String>,
    /// Empty where any value is allowed.
    pub(crate) allowed_values: Vec<String>,
    pub(crate) allowed_pattern: Option<String>,
    pub(crate) min_length: Option<usize>,
    pub(crate) max_length: Option<usize>,
    pub(crate) min_value: Option<f64>,
    pub(crate) max_value: Option<f64>,
    /// The value is a secret and is not to be shown.
    pub(crate) no_echo: bool,
}

/// Parameters that a prompt asks for together.
#[derive(Clone, Debug)]
pub(crate) struct ParameterGroup<'a> {
    pub(crate) label: Option<&'a str>,
    pub(crate) parameters: Vec<&'a Parameter>,
}

/// Reads the section `Parameters`.
pub(super) fn read(section: &Node) -> Result<Vec<Parameter>, Invalid> {
    if !matches!(section.value, Value::Mapping(_)) {
        return Err(Invalid::new(
            section.at,
            "`Parameters` is a mapping of names to parameters",
        ));
    }
    section.entries().iter().map(Parameter::read).collect()
}

/// Sorts `parameters` into the groups that the template's metadata names.
pub(super) fn groups<'a>(
    root: &'a Node,
    mut parameters: Vec<&'a Parameter>,
) -> Vec<ParameterGroup<'a>> {
    let interface = root.get("Metadata").and_then(|m| m.get(INTERFACE));
    let named = interface.and_then(|interface| interface.get("ParameterGroups"));
    let mut groups = Vec::new();
    for group in named.map(Node::items).unwrap_or_default() {
        let label = group
            .get("Label")
            .and_then(|label| label.get("default")?.text());
        let names = group.get("Parameters").map(Node::items).unwrap_or_default();
        let mut members = Vec::new();
        for name in names.iter().filter_map(Node::text) {
            if let Some(at) = parameters
                .iter()
                .position(|parameter| parameter.name == name)
            {
                members.push(parameters.remove(at));
            }
        }
        if !members.is_empty() {
            groups.push(ParameterGroup {
                label,
                parameters: members,
            });
        }
    }
    if !parameters.is_empty() {
        groups.push(ParameterGroup {
            label: None,
            parameters,
        });
    }
    groups
}

impl Parameter {
    fn read(entry: &Entry) -> Result<Self, Invalid> {
        let node = &entry.value;
        let name = &entry.key;
        let text = |key: &str| -> Result<Option<String>, Invalid> {
            match node.get(key) {
                None => Ok(None),
                Some(value) => match (&value.value, &value.tag) {
                    (Value::Scalar { text, .. }, None) => Ok(Some(text.clone())),
                    _ => Err(Invalid::new(
                        value.at,
                        format!("`{key}` of `{name}` is a plain value"),
                    )),
                },
            }
        };
        let Some(kind) = text("Type")? else {
            return Err(Invalid::new(
                entry.at,
                format!("the parameter `{name}` has no `Type`"),
            ));
        };
        let allowed = node
            .get("AllowedValues")
            .map(Node::items)
            .unwrap_or_default();
        Ok(Self {
            name: name.clone(),
            kind,
            default: text("Default")?,
            description: text("Description")?,
            constraint_description: text("ConstraintDescription")?,
            allowed_values: allowed
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
            allowed_pattern: text("AllowedPattern")?,
            min_length: number(node, "MinLength")?,
            max_length: number(node, "MaxLength")?,
            min_value: number(node, "MinValue")?,
            max_value: number(node, "MaxValue")?,
            no_echo: text("NoEcho")?.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// Whether CloudFormation would take this value. A list's rules hold for each of its items.
    pub(crate) fn check(&self, value: &str) -> Result<(), TemplateError> {
        let is_list = self.kind == "CommaDelimitedList" || self.kind.starts_with("List<");
        let broken = if is_list {
            value
                .split(',')
                .find_map(|item| self.broken_rule(item.trim()))
        } else {
            self.broken_rule(value)
        };
        match broken {
            None => Ok(()),
            Some(rule) => Err(TemplateError::BadValue {
                parameter: self.name.clone(),
                rule,
                description: self.constraint_description.clone(),
            }),
        }
    }

    /// The rule that the value does not keep, in words that a secret is not among.
    fn broken_rule(&self, value: &str) -> Option<String> {
        let shown = match self.no_echo {
            true => "a secret".to_owned(),
            false => format!("`{value}`"),
        };
        if !self.allowed_values.is_empty() && !self.allowed_values.iter().any(|a| a == value) {
            let allowed = self.allowed_values.join(", ");
            return Some(format!("is {shown}, and allowed are: {allowed}"));
        }
        let length = value.chars().count();
        if let Some(min) = self.min_length.filter(|min| length < *min) {
            return Some(format!("has {length} characters, and needs at least {min}"));
        }
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            return Some(format!("has {length} characters, and takes at most {max}"));
        }
        if matches!(self.kind.as_str(), "Number" | "List<Number>") {
            let number = value.parse::<f64>().ok().filter(|n| n.is_finite());
            let Some(number) = number else {
                return Some(format!("is {shown}, which is no number"));
            };
            if let Some(min) = self.min_value.filter(|min| number < *min) {
                return Some(format!("is {shown}, and at least {min} is needed"));
            }
            if let Some(max) = self.max_value.filter(|max| number > *max) {
                return Some(format!("is {shown}, and at most {max} is allowed"));
            }
        }
        let pattern = self.allowed_pattern.as_ref()?;
        // CloudFormation matches the whole value, in Java's dialect. What only that one knows, such
        // as a look-ahead, is left for CloudFormation to judge.
        let regex = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        (!regex.is_match(value)).then(|| format!("is {shown}, which does not match `{pattern}`"))
    }
}

fn number<T: std::str::FromStr>(parameter: &Node, key: &str) -> Result<Option<T>, Invalid> {
    let Some(node) = parameter.get(key) else {
        return Ok(None);
    };
    match node.text().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Invalid::new(node.at, format!("`{key}` is a number"))),
    }
}
