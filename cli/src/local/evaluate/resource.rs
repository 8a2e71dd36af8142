//! Resources: when they are evaluated, what they are called, and what attributes they have.

use std::rc::Rc;

use host::definition::{ACCOUNT, queue_arn};

use super::Context;
use super::call::View;
use super::catalogue::{self, Counterpart};
use super::evaluator::{Evaluator, State, stable_id};
use super::fault::{Fault, Result, choices, suggestion};
use super::property::Properties;
use super::value::{Data, Value};
use crate::stack::template::{Entry, Node, Position};

/// What a resource may have beside its properties.
const KEYS: [&str; 9] = [
    "Type",
    "Properties",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "Metadata",
];

/// A resource with nothing left to resolve.
#[derive(Debug)]
pub(super) struct Resource<'t> {
    pub(super) id: &'t str,
    pub(super) at: Position,
    pub(super) kind: Kind,
    pub(super) resource_type: &'t str,
    pub(super) properties: Value<'t>,
    /// The name that it is given, or gets from its stack and its logical id.
    pub(super) name: String,
}

/// What this machine makes of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Table,
    Function,
    Mapping,
    Queue,
    ReplicationGroup,
    LeftOut(Option<&'static Counterpart>),
}

impl Kind {
    fn of(resource_type: &str) -> Self {
        match resource_type {
            "AWS::DynamoDB::Table" => Self::Table,
            "AWS::Lambda::Function" => Self::Function,
            "AWS::Lambda::EventSourceMapping" => Self::Mapping,
            "AWS::SQS::Queue" => Self::Queue,
            "AWS::ElastiCache::ReplicationGroup" => Self::ReplicationGroup,
            other => Self::LeftOut(catalogue::find(other)),
        }
    }

    const fn name_property(self) -> Option<&'static str> {
        match self {
            Self::Table => Some("TableName"),
            Self::Function => Some("FunctionName"),
            Self::Queue => Some("QueueName"),
            Self::ReplicationGroup => Some("ReplicationGroupId"),
            Self::LeftOut(Some(counterpart)) => counterpart.name_property,
            Self::Mapping | Self::LeftOut(None) => None,
        }
    }
}

impl<'t> Evaluator<'t> {
    /// Finds out which resources there are: those whose condition holds.
    pub(super) fn find_resources(&mut self, entries: &'t [Entry]) -> Result<()> {
        for entry in entries {
            let present = self
                .is_present(entry)
                .map_err(|fault| fault.within("resource", &entry.key))?;
            if !present && let Some(slot) = self.resources.get_mut(entry.key.as_str()) {
                slot.state = State::Absent;
            }
        }
        Ok(())
    }

    /// Whether the resource of this name is there and its condition holds.
    pub(super) fn is_in_stack(&self, name: &str) -> bool {
        let slot = self.resources.get(name);
        slot.is_some_and(|slot| !matches!(slot.state, State::Absent))
    }

    fn is_present(&mut self, entry: &'t Entry) -> Result<bool> {
        if entry.key.starts_with("Fn::") {
            let what = "`Fn::ForEach` is not there with `--local`";
            return Err(Fault::new(entry.at, what));
        }
        let id_fits = entry.key.chars().all(|c| c.is_ascii_alphanumeric());
        if !id_fits || entry.key.is_empty() {
            let what = "a logical id is made of letters and digits only";
            return Err(Fault::new(entry.at, what));
        }
        let Some(keys) = View::from(&entry.value).mapping() else {
            return Err(Fault::new(
                entry.value.at,
                "a resource is a mapping with a `Type`",
            ));
        };
        for key in keys {
            if !KEYS.contains(&key.key.as_str()) {
                let near = suggestion(&key.key, KEYS);
                let what = format!("a resource has no `{}`{near}", key.key);
                return Err(Fault::new(key.at, what));
            }
        }
        let holds = self.condition_of(&entry.value)?;
        if !holds && let Some(properties) = entry.value.get("Properties") {
            self.check_unused(properties.into())?;
        }
        Ok(holds)
    }

    /// Whether the condition of a resource or an output holds; without one, it does.
    pub(super) fn condition_of(&mut self, node: &'t Node) -> Result<bool> {
        let Some(condition) = node.get("Condition") else {
            return Ok(true);
        };
        let Some(name) = condition.text() else {
            return Err(Fault::new(
                condition.at,
                "`Condition` is the name of a condition",
            ));
        };
        self.condition(name, condition.at)
    }

    /// The resource of this name, which somebody at `at` refers to.
    pub(super) fn resource(&mut self, name: &'t str, at: Position) -> Result<Rc<Resource<'t>>> {
        self.check_resource(name, at)?;
        let Some(slot) = self.resources.get_mut(name) else {
            return Err(Fault::new(at, format!("there is no resource `{name}`")));
        };
        match &slot.state {
            State::Known(resource) => return Ok(Rc::clone(resource)),
            State::InProgress => return Err(self.cycle(name, at)),
            State::Absent => {
                let what = format!("`{name}` is not there, since its condition does not hold");
                return Err(Fault::new(at, what));
            }
            State::Unknown => slot.state = State::InProgress,
        }
        let entry = slot.entry;
        self.enter(&entry.key, at)?;
        let resource = self
            .evaluated(entry)
            .map_err(|fault| fault.within("resource", name))?;
        self.path.pop();
        let resource = Rc::new(resource);
        if let Some(slot) = self.resources.get_mut(name) {
            slot.state = State::Known(Rc::clone(&resource));
        }
        Ok(resource)
    }

    fn evaluated(&mut self, entry: &'t Entry) -> Result<Resource<'t>> {
        let node = &entry.value;
        let resource_type = match node.get("Type") {
            Some(kind) => kind
                .text()
                .ok_or_else(|| Fault::new(kind.at, "`Type` is a text"))?,
            None => return Err(Fault::new(entry.at, "there is no `Type`")),
        };
        if let Some(names) = node.get("DependsOn") {
            self.dependencies(names)?;
        }
        let properties = match node.get("Properties") {
            Some(properties) => self.value(properties, "`Properties`")?,
            None => Value {
                at: entry.at,
                data: Data::Map(Vec::new()),
            },
        };
        let kind = Kind::of(resource_type);
        let given = Properties::of(&properties)?;
        let name = kind.name_property().map(|property| given.text(property));
        let name = match name.transpose()?.flatten() {
            Some(name) => name.to_owned(),
            None => self.made_up_name(&entry.key, kind),
        };
        Ok(Resource {
            id: &entry.key,
            at: entry.at,
            kind,
            resource_type,
            properties,
            name,
        })
    }

    /// What `DependsOn` names must be in the template, and is waited for if it is in the stack.
    fn dependencies(&mut self, names: &'t Node) -> Result<()> {
        let list = match View::from(names).list() {
            Some(items) => items,
            None => std::slice::from_ref(names),
        };
        for node in list {
            let Some(name) = node.text() else {
                let what = "`DependsOn` is the name of a resource, or a list of such names";
                return Err(Fault::new(node.at, what));
            };
            self.check_resource(name, node.at)?;
            if self.is_in_stack(name) {
                self.resource(name, node.at)?;
            }
        }
        Ok(())
    }

    /// As CloudFormation's, but without its random end, so that it stays.
    fn made_up_name(&self, id: &str, kind: Kind) -> String {
        let name = format!("{}-{id}", self.context.stack);
        let lower_case = match kind {
            Kind::ReplicationGroup => true,
            Kind::LeftOut(Some(counterpart)) => counterpart.lower_case,
            _ => false,
        };
        if lower_case {
            name.to_lowercase()
        } else {
            name
        }
    }
}

impl<'t> Resource<'t> {
    /// What `Ref` gives.
    pub(super) fn reference(&self, context: &Context) -> String {
        match self.kind {
            Kind::Table | Kind::Function | Kind::ReplicationGroup | Kind::LeftOut(None) => {
                self.name.clone()
            }
            Kind::Mapping => self.uuid(context),
            Kind::Queue => host::queue::url(&context.endpoint, &self.name),
            Kind::LeftOut(Some(counterpart)) => {
                catalogue::fill(counterpart.reference, self, context)
            }
        }
    }

    /// The id of a mapping, which stays as long as its name in the template does.
    pub(super) fn uuid(&self, context: &Context) -> String {
        stable_id(context, self.id).to_string()
    }

    /// What `Fn::GetAtt` gives.
    pub(super) fn attribute(
        &self,
        attribute: &str,
        at: Position,
        context: &Context,
    ) -> Result<Value<'t>> {
        let region = &context.region;
        let name = &self.name;
        let text = match (self.kind, attribute) {
            (Kind::Table, "Arn") => table_arn(region, name),
            (Kind::Table, "StreamArn") => return self.stream(at, context),
            (Kind::Function, "Arn") => {
                format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}")
            }
            (Kind::Mapping, "Id") => self.uuid(context),
            (Kind::Mapping, "EventSourceMappingArn") => {
                let id = self.uuid(context);
                format!("arn:aws:lambda:{region}:{ACCOUNT}:event-source-mapping:{id}")
            }
            (Kind::Queue, "Arn") => queue_arn(region, name),
            (Kind::Queue, "QueueName") => name.clone(),
            (Kind::Queue, "QueueUrl") => host::queue::url(&context.endpoint, name),
            // The local cache is one node, and so each of the endpoints of a group without shards.
            (Kind::ReplicationGroup, "PrimaryEndPoint.Address" | "ReaderEndPoint.Address") => {
                context.cache.host.clone()
            }
            (Kind::ReplicationGroup, "PrimaryEndPoint.Port" | "ReaderEndPoint.Port") => {
                context.cache.port.to_string()
            }
            (Kind::LeftOut(Some(counterpart)), _) if counterpart.has(attribute) => {
                return self.made_up(counterpart, attribute, at, context);
            }
            (Kind::LeftOut(None), _) => {
                if attribute.ends_with("Arn") {
                    let service = self
                        .resource_type
                        .split("::")
                        .nth(1)
                        .unwrap_or("cloudformation");
                    let service = service.to_lowercase();
                    format!("arn:aws:{service}:{region}:{ACCOUNT}:{name}")
                } else {
                    name.clone()
                }
            }
            _ => return Err(self.unknown_attribute(attribute, at)),
        };
        Ok(Value::text(at, text))
    }

    fn stream(&self, at: Position, context: &Context) -> Result<Value<'t>> {
        if Properties::of(&self.properties)?
            .get("StreamSpecification")
            .is_none()
        {
            let what = format!("the table `{}` has no `StreamSpecification`", self.id);
            return Err(Fault::new(at, what));
        }
        Ok(match context.streams.get(self.id) {
            Some(arn) => Value::text(at, arn.clone()),
            None => {
                let table = table_arn(&context.region, &self.name);
                Value::text(at, format!("{table}/stream/pending"))
            }
        })
    }

    /// An attribute of a resource that is not made: one of its properties, or a plausible text.
    fn made_up(
        &self,
        counterpart: &Counterpart,
        attribute: &str,
        at: Position,
        context: &Context,
    ) -> Result<Value<'t>> {
        if let Some(value) = Properties::of(&self.properties)?.get(attribute) {
            return Ok(value.clone().moved_to(at));
        }
        let pattern = counterpart.pattern(attribute).unwrap_or("{name}");
        let text = catalogue::fill(pattern, self, context);
        Ok(Value::text(at, text))
    }

    fn unknown_attribute(&self, attribute: &str, at: Position) -> Fault {
        let known: Vec<&str> = match self.kind {
            Kind::Table => vec!["Arn", "StreamArn"],
            Kind::Function => vec!["Arn"],
            Kind::Mapping => vec!["Id", "EventSourceMappingArn"],
            Kind::Queue => vec!["Arn", "QueueName", "QueueUrl"],
            Kind::ReplicationGroup => vec![
                "PrimaryEndPoint.Address",
                "PrimaryEndPoint.Port",
                "ReaderEndPoint.Address",
                "ReaderEndPoint.Port",
            ],
            Kind::LeftOut(Some(counterpart)) => counterpart.attributes().collect(),
            Kind::LeftOut(None) => Vec::new(),
        };
        let (id, kind) = (self.id, self.resource_type);
        let known = choices(known);
        let what = format!("`{id}` ({kind}) has no attribute `{attribute}`; known are: {known}");
        Fault::new(at, what)
    }
}

pub(super) fn table_arn(region: &str, name: &str) -> String {
    format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}")
}
