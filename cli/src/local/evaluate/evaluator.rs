//! What functions are answered from, and what has been answered already.

use std::collections::HashMap;
use std::rc::Rc;

use host::definition::ACCOUNT;
use uuid::Uuid;

use super::Context;
use super::call::View;
use super::fault::{Fault, Result};
use super::resource::Resource;
use super::value::{Data, Field, Value};
use crate::stack::template::{self, Entry, Node, Position, Template};

/// Deeper than any sensible template, and shallow enough for the stack of a thread: values within
/// values, also through references from one resource to the next.
const MAX_DEPTH: usize = 200;

/// What the section that is evaluated may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Rules,
    Conditions,
    Stack,
}

/// A condition or a resource that is evaluated when it is asked for the first time.
#[derive(Debug)]
pub(super) struct Slot<'t, T> {
    pub(super) entry: &'t Entry,
    pub(super) state: State<T>,
}

#[derive(Clone, Debug)]
pub(super) enum State<T> {
    Unknown,
    InProgress,
    Known(T),
    /// The resource's condition does not hold.
    Absent,
}

#[derive(Debug)]
pub(super) struct Evaluator<'t> {
    pub(super) context: &'t Context,
    pub(super) parameters: HashMap<&'t str, Value<'t>>,
    pub(super) mappings: &'t [Entry],
    pub(super) conditions: HashMap<&'t str, Slot<'t, bool>>,
    pub(super) resources: HashMap<&'t str, Slot<'t, Rc<Resource<'t>>>>,
    pub(super) section: Section,
    /// The conditions, and then the resources, that are in progress.
    pub(super) path: Vec<&'t str>,
    depth: usize,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(
        template: &'t Template,
        context: &'t Context,
        parameters: HashMap<&'t str, Value<'t>>,
    ) -> Result<Self> {
        let root = template.root();
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
            section: Section::Rules,
            path: Vec::new(),
            depth: 0,
        })
    }

    /// What stands there with all functions answered; `None` where it is `AWS::NoValue`.
    pub(super) fn resolve(&mut self, view: impl Into<View<'t>>) -> Result<Option<Value<'t>>> {
        let view = view.into();
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(view.at, "this leads too deep to be evaluated"));
        }
        self.depth += 1;
        let value = self.resolve_here(view);
        self.depth -= 1;
        value
    }

    fn resolve_here(&mut self, view: View<'t>) -> Result<Option<Value<'t>>> {
        if let Some(call) = view.call()? {
            return self.answer(call);
        }
        if view.is_null() {
            return Err(Fault::new(view.at, "there is no value here"));
        }
        let data = match view.value {
            template::Value::Scalar { text, plain } => Data::Text {
                text: text.as_str().into(),
                plain: *plain,
            },
            template::Value::Sequence(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(self.resolve(item)?);
                }
                Data::List(list)
            }
            template::Value::Mapping(entries) => Data::Map(self.fields(entries)?),
        };
        Ok(Some(Value { at: view.at, data }))
    }

    fn fields(&mut self, entries: &'t [Entry]) -> Result<Vec<Field<'t>>> {
        let mut fields = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(value) = self.resolve(&entry.value)? {
                fields.push(Field {
                    name: &entry.key,
                    value,
                });
            }
        }
        Ok(fields)
    }

    /// What stands there, where `AWS::NoValue` is none of the choices.
    pub(super) fn value(&mut self, view: impl Into<View<'t>>, who: &str) -> Result<Value<'t>> {
        let view = view.into();
        self.resolve(view)?
            .ok_or_else(|| Fault::new(view.at, format!("{who} takes no `AWS::NoValue` here")))
    }

    /// The pseudo parameter of that name.
    pub(super) fn pseudo_parameter(&self, name: &str, at: Position) -> Option<Value<'t>> {
        Some(match name {
            "AWS::AccountId" => Value::text(at, ACCOUNT),
            "AWS::NotificationARNs" => Value::list(at, std::iter::empty::<&str>()),
            "AWS::Partition" => Value::text(at, "aws"),
            "AWS::Region" => Value::text(at, self.context.region.as_str()),
            "AWS::StackId" => Value::text(at, stack_id(self.context)),
            "AWS::StackName" => Value::text(at, self.context.stack.as_str()),
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
        state: State::Unknown,
    };
    entries
        .iter()
        .map(|entry| (entry.key.as_str(), slot(entry)))
        .collect()
}
