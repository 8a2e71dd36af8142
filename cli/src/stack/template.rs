//! The project's template, as far as it can be judged without AWS.
//!
//! Reads the file into a tree that keeps tags and positions, takes the parameters out of it, and
//! checks what a user gives for them by the template's own rules, so that a mistake is said before
//! anything is sent. Nothing here knows AWS: the tree serves whoever evaluates the template.

mod json;
mod parameter;
mod sent;
mod yaml;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use self::parameter::{KMS_KEY, Parameter, ParameterGroup};
pub(crate) use self::yaml::{Entry, Node, Position, Value};
use crate::error::{Explain, Kind};

/// CloudFormation's limit for a template that is part of the request.
const MAX_SIZE: usize = 51_200;

/// The parameters that say where the code is; their values are known only after packaging.
const SET_BY_TOOL: [&str; 4] = [
    "ArtifactBucket",
    "PublisherCodeKey",
    "SubscriberCodeKey",
    "QueryCodeKey",
];

/// Why the template cannot be deployed as it is, or not with these parameters.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// Name the project that has one.
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// See the cause; a directory, a missing permission, or bytes that are no text.
    #[error("`{}` cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// Shorten it: CloudFormation would refuse it.
    #[error(
        "`{}` is {size} bytes without comments and spaces, and CloudFormation takes at most \
         {MAX_SIZE}",
        path.display()
    )]
    TooLarge { path: PathBuf, size: usize },
    /// Correct the file where the position says.
    #[error("{}:{}: {what}", path.display(), at)]
    Invalid {
        path: PathBuf,
        at: Position,
        what: String,
    },
    /// Use the name that was meant.
    #[error("the template has no parameter `{name}`")]
    UnknownParameter {
        name: String,
        similar: Option<String>,
    },
    /// Leave it out.
    #[error("the parameter `{0}` is set by this tool")]
    SetByTool(String),
    /// Give a value that keeps the rule.
    #[error("the parameter `{parameter}` {rule}{}", remark(description))]
    BadValue {
        parameter: String,
        rule: String,
        description: Option<String>,
    },
    /// Give these values.
    #[error("the template needs a value for {}", .0.join(", "))]
    MissingParameters(Vec<String>),
}

/// What the template's author says about a parameter's rules.
fn remark(description: &Option<String>) -> String {
    description
        .as_ref()
        .map(|text| format!(" ({text})"))
        .unwrap_or_default()
}

impl Explain for TemplateError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing(_) => "name the project's folder with `--project DIR`".to_owned(),
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::Invalid { .. } => return None,
            Self::UnknownParameter {
                similar: Some(similar),
                ..
            } => {
                format!("did you mean `{similar}`?")
            }
            Self::UnknownParameter { similar: None, .. } => {
                "`cqrs deploy --guided` asks for all parameters by name".to_owned()
            }
            Self::SetByTool(name) if name == SET_BY_TOOL[0] => {
                "choose another bucket with `--artifact-bucket NAME`".to_owned()
            }
            Self::SetByTool(_) => {
                "leave it out; `--prebuilt DIR` deploys finished binaries".to_owned()
            }
            Self::BadValue { parameter, .. } => {
                format!("give another with `--parameter {parameter}=VALUE`, or in cqrs.toml")
            }
            Self::MissingParameters(names) => {
                let flags: Vec<_> = names
                    .iter()
                    .map(|name| format!("`--parameter {name}=VALUE`"))
                    .collect();
                format!("add {}, or run `cqrs deploy --guided`", flags.join(" "))
            }
        })
    }
}

/// A template that CloudFormation would at least accept as one.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    path: PathBuf,
    text: String,
    root: Node,
    parameters: Vec<Parameter>,
}

impl Template {
    /// Reads and parses the file.
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => TemplateError::Missing(path.to_owned()),
            _ => TemplateError::Unreadable {
                path: path.to_owned(),
                source,
            },
        };
        let text = crate::text::read(path).map_err(unreadable)?;
        let template = Self::from_text(path, text)?;
        if let Some(Invalid { at, what }) = foreign_character(&template.root) {
            return Err(TemplateError::Invalid {
                path: path.to_owned(),
                at,
                what,
            });
        }
        let size = template.body().len();
        if size > MAX_SIZE {
            return Err(TemplateError::TooLarge {
                path: path.to_owned(),
                size,
            });
        }
        Ok(template)
    }

    /// Parses `text`, which came from the file `path`; whether CloudFormation takes it is not judged.
    pub(crate) fn from_text(path: &Path, text: String) -> Result<Self, TemplateError> {
        let (root, parameters) =
            parse(&text).map_err(|Invalid { at, what }| TemplateError::Invalid {
                path: path.to_owned(),
                at,
                what,
            })?;
        Ok(Self {
            path: path.to_owned(),
            text,
            root,
            parameters,
        })
    }

    /// The file that it came from, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The whole document.
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The whole document, to be changed by a test.
    #[cfg(test)]
    pub(crate) fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    /// The section `Parameters`, in the file's order.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The file as it is.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What CloudFormation gets, which makes the same stack.
    pub(crate) fn body(&self) -> String {
        json::write(&sent::sent(self.root.clone()))
    }

    /// The same with the version of the tool that deploys it, where there is room for that.
    pub(crate) fn body_deployed_by(&self, version: &str) -> String {
        let root = sent::sent(self.root.clone());
        let body = json::write(&sent::described(root, version));
        if body.len() > MAX_SIZE {
            return self.body();
        }
        body
    }

    /// How many resources are of this type, whatever their conditions.
    pub(crate) fn count(&self, resource_type: &str) -> usize {
        let resources = self.root.get("Resources").map(Node::entries);
        let types = resources.unwrap_or_default().iter();
        types
            .filter_map(|entry| entry.value.get("Type")?.text())
            .filter(|found| *found == resource_type)
            .count()
    }

    /// How many metrics all alarms look at, whatever their conditions.
    pub(crate) fn alarm_metrics(&self) -> usize {
        fn count(node: &Node) -> usize {
            let entries = node.entries().iter();
            let own = entries.clone().filter(|entry| entry.key == "MetricName");
            let items = node.items().iter();
            own.count()
                + entries.map(|entry| count(&entry.value)).sum::<usize>()
                + items.map(count).sum::<usize>()
        }
        let resources = self.root.get("Resources").map(Node::entries);
        let is_alarm = |entry: &&Entry| {
            let found = entry.value.get("Type").and_then(Node::text);
            found == Some("AWS::CloudWatch::Alarm")
        };
        let alarms = resources.unwrap_or_default().iter().filter(is_alarm);
        alarms.map(|entry| count(&entry.value)).sum()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
    }

    /// The parameters that a user can give, in the groups and the order that the template's
    /// `AWS::CloudFormation::Interface` has for prompts; what is in no group comes last.
    pub(crate) fn groups(&self) -> Vec<ParameterGroup<'_>> {
        let askable: Vec<_> = self
            .parameters
            .iter()
            .filter(|p| !SET_BY_TOOL.contains(&p.name.as_str()))
            .collect();
        parameter::groups(&self.root, askable)
    }

    /// Whether the template has these parameters and takes their values.
    pub(crate) fn check(&self, given: &BTreeMap<String, String>) -> Result<(), TemplateError> {
        for (name, value) in given {
            if SET_BY_TOOL.contains(&name.as_str()) {
                return Err(TemplateError::SetByTool(name.clone()));
            }
            let Some(parameter) = self.parameter(name) else {
                let known = self.parameters.iter().map(|known| known.name.as_str());
                return Err(TemplateError::UnknownParameter {
                    name: name.clone(),
                    similar: nearest(name, known).map(str::to_owned),
                });
            };
            parameter.check(value)?;
        }
        Ok(())
    }

    /// Whether every parameter without a default is among those that `has` knows a value for.
    pub(crate) fn check_complete(&self, has: impl Fn(&str) -> bool) -> Result<(), TemplateError> {
        let missing: Vec<_> = self
            .parameters
            .iter()
            .filter(|parameter| parameter.default.is_none() && !has(&parameter.name))
            .map(|parameter| parameter.name.clone())
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(TemplateError::MissingParameters(missing))
        }
    }
}

/// CloudFormation keeps characters outside of ASCII as question marks, without a word.
fn foreign_character(node: &Node) -> Option<Invalid> {
    let complaint = |text: &str, at: Position| {
        let found = text.chars().find(|c| !c.is_ascii())?;
        let what = format!("CloudFormation makes `?` of `{found}`: it keeps ASCII only");
        Some(Invalid::new(at, what))
    };
    match &node.value {
        Value::Scalar { text, .. } => complaint(text, node.at),
        Value::Sequence(items) => items.iter().find_map(foreign_character),
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            complaint(&entry.key, entry.at).or_else(|| foreign_character(&entry.value))
        }),
    }
}

fn parse(text: &str) -> Result<(Node, Vec<Parameter>), Invalid> {
    let root = yaml::parse(text)?;
    let Some(resources) = root.entries().iter().find(|entry| entry.key == "Resources") else {
        return Err(Invalid::new(root.at, "there is no `Resources` section"));
    };
    if resources.value.entries().is_empty() {
        return Err(Invalid::new(resources.at, "`Resources` holds none"));
    }
    let parameters = match root.get("Parameters") {
        Some(section) => parameter::read(section)?,
        None => Vec::new(),
    };
    Ok((root, parameters))
}

/// The name among `known` that a mistyped one is nearest to, if it is near at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&name, &known.to_lowercase());
            (distance, known)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= name.len().max(3) / 3)
        .map(|(_, known)| known)
}

/// What is wrong where, before the file's name is added.
#[derive(Debug)]
struct Invalid {
    at: Position,
    what: String,
}

impl Invalid {
    fn new(at: Position, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}

#[cfg(test)]
mod tests;
