//! What functions are answered from, and what has been answered already.

use std::collections::HashMap;
use std::rc::Rc;

use host::definition::ACCOUNT;
use uuid::Uuid;

use super::Context;
use super::call::View;
use super::fault::{Fault, Result};
use super::parameters::ByName;
use super::resource::Resource;
use super::value::{Data, Value};
use crate::stack::template::{self, Entry, Node, Position};

/// Deeper than any sensible template, and shallow enough for the stack of a thread: values within
/// values, also through references from one resource to the next.
const MAX_DEPTH: usize = 200;
/// Conditions, or resources, that refer to one another in a row: more than any sensible template has.
const MAX_CHAIN: usize = 60;

/// A condition or a resource that is evaluated when it is asked for the first time.
#[derive(Debug)]
pub(super) struct Slot<'t, T> {
    pub(super) entry: &'t Entry,
    pub(super) answer: Option<T>,
}

#[derive(Debug)]
pub(super) struct Evaluator<'t> {
    pub(super) context: &'t Context,
    pub(super) parameters: ByName<'t>,
    pub(super) mappings: &'t [Entry],
    pub(super) conditions: HashMap<&'t str, Slot<'t, bool>>,
    /// The answer is `None` where the resource's condition does not hold.
    pub(super) resources: HashMap<&'t str, Slot<'t, Option<Rc<Resource>>>>,
    /// The conditions, and then the resources, that are in progress.
    path: Vec<&'t str>,
    depth: usize,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(
        root: &'t Node,
        context: &'t Context,
        parameters: ByName<'t>,
    ) -> Result<Self> {
        if let Some(transform) = root.get("Transform") {
            let what = "transforms are not there with `--local`";
            return Err(Fault::new(transform.at, what));
        }
        Ok(Self {
            context,
            parameters,
            mappings: section(root, "Mappings")?,
            conditions: slots(section(root, "Conditions")?),
            resources: slots(section(root, "Resources")?),
            path: Vec::new(),
            depth: 0,
        })
    }

    /// What stands there with all functions answered; `None` where it is `AWS::NoValue`.
    pub(super) fn resolve(&mut self, view: impl Into<View<'t>>) -> Result<Option<Value>> {
        let view = view.into();
        if self.depth == MAX_DEPTH {
            return Err(too_deep(view.at));
        }
        self.depth += 1;
        let value = self.resolve_here(view);
        self.depth -= 1;
        value
    }

    fn resolve_here(&mut self, view: View<'t>) -> Result<Option<Value>> {
        if let Some(call) = view.call()? {
            return self.answer(call);
        }
        if view.is_null() {
            return Err(Fault::new(view.at, "there is no value here"));
        }
        let data = match view.value {
            template::Value::Scalar { text, plain } => Data::Text(scalar(text, *plain).to_owned()),
            template::Value::Sequence(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(self.resolve(item)?);
                }
                Data::List(list)
            }
            template::Value::Mapping(entries) => {
                let mut fields = Vec::with_capacity(entries.len());
                for entry in entries {
                    if let Some(value) = self.resolve(&entry.value)? {
                        fields.push((entry.key.clone(), value));
                    }
                }
                Data::Map(fields)
            }
        };
        Ok(Some(Value { at: view.at, data }))
    }

    /// What stands there, where `AWS::NoValue` is none of the choices.
    pub(super) fn value(&mut self, view: impl Into<View<'t>>, who: &str) -> Result<Value> {
        let view = view.into();
        self.resolve(view)?
            .ok_or_else(|| Fault::new(view.at, format!("{who} takes no `AWS::NoValue` here")))
    }

    /// Evaluates a condition or a resource, which must not lead back to itself.
    pub(super) fn once<T>(
        &mut self,
        name: &'t str,
        at: Position,
        evaluate: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if let Some(from) = self.path.iter().position(|known| *known == name) {
            let circle = self.path.get(from..).unwrap_or_default().join(" -> ");
            return Err(Fault::new(
                at,
                format!("this is a circle: {circle} -> {name}"),
            ));
        }
        if self.path.len() == MAX_CHAIN {
            return Err(too_deep(at));
        }
        self.path.push(name);
        let answer = evaluate(self);
        self.path.pop();
        answer
    }

    /// The pseudo parameter of that name.
    pub(super) fn pseudo_parameter(&self, name: &str, at: Position) -> Option<Value> {
        Some(match name {
            "AWS::AccountId" => Value::text(at, ACCOUNT),
            "AWS::NotificationARNs" => Value::list(at, std::iter::empty::<&str>()),
            "AWS::Partition" => Value::text(at, "aws"),
            "AWS::Region" => Value::text(at, &self.context.region),
            "AWS::StackId" => Value::text(at, stack_id(self.context)),
            "AWS::StackName" => Value::text(at, &self.context.stack),
            "AWS::URLSuffix" => Value::text(at, "amazonaws.com"),
            _ => return None,
        })
    }
}

/// All but `AWS::NoValue`, which has none.
pub(super) const PSEUDO_PARAMETERS: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// What stands for nothing: it removes the property or the item that it is given for.
pub(super) const NO_VALUE: &str = "AWS::NoValue";

/// Without quotes, YAML 1.1, which CloudFormation reads, has more words for true and false.
fn scalar(text: &str, plain: bool) -> &str {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" if plain => "true",
        "no" | "No" | "NO" | "off" | "Off" | "OFF" if plain => "false",
        _ => text,
    }
}

fn too_deep(at: Position) -> Fault {
    Fault::new(at, "this leads too deep to be evaluated")
}

/// An id that stays as long as the stack's and the thing's names do.
pub(super) fn stable_id(context: &Context, name: &str) -> Uuid {
    let name = format!("{}/{}/{name}", context.region, context.stack);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

fn stack_id(context: &Context) -> String {
    let Context { region, stack, .. } = context;
    let id = stable_id(context, "");
    format!("arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack}/{id}")
}

/// The entries of a section of the template; none where it is not there.
pub(super) fn section<'t>(root: &'t Node, name: &str) -> Result<&'t [Entry]> {
    match root.get(name) {
        None => Ok(&[]),
        Some(node) => View::from(node)
            .mapping()
            .ok_or_else(|| Fault::new(node.at, format!("`{name}` is a mapping"))),
    }
}

fn slots<T>(entries: &[Entry]) -> HashMap<&str, Slot<'_, T>> {
    let slot = |entry| Slot {
        entry,
        answer: None,
    };
    entries
        .iter()
        .map(|entry| (entry.key.as_str(), slot(entry)))
        .collect()
}
