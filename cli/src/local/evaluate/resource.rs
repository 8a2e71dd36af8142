//! Resources: when they are evaluated, what they are called, and what attributes they have.

use std::rc::Rc;

use host::definition::{ACCOUNT, bucket_arn, queue_arn};

use super::call::View;
use super::evaluator::{Evaluator, stable_id};
use super::fault::{Fault, Result, choices, suggestion};
use super::property::Properties;
use super::value::{Data, Value};
use super::{Context, stand_in};
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
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) at: Position,
    pub(super) kind: Kind,
    pub(super) resource_type: String,
    pub(super) properties: Value,
    /// The name that it is given, or gets from its stack and its logical id.
    pub(super) name: String,
}

/// What this machine makes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Table,
    Function,
    Mapping,
    Queue,
    Bucket,
    /// The cache of this machine, whose program and address the tool is given.
    Cache,
    NotMade,
}

impl Kind {
    fn of(resource_type: &str) -> Self {
        match resource_type {
            "AWS::DynamoDB::Table" => Self::Table,
            "AWS::Lambda::Function" => Self::Function,
            "AWS::Lambda::EventSourceMapping" => Self::Mapping,
            "AWS::SQS::Queue" => Self::Queue,
            "AWS::S3::Bucket" => Self::Bucket,
            "AWS::ElastiCache::ReplicationGroup" => Self::Cache,
            _ => Self::NotMade,
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
                slot.answer = Some(None);
            }
        }
        Ok(())
    }

    /// Whether the resource of this name is there and its condition holds.
    pub(super) fn is_in_stack(&self, name: &str) -> bool {
        let slot = self.resources.get(name);
        slot.is_some_and(|slot| !matches!(slot.answer, Some(None)))
    }

    fn is_present(&mut self, entry: &'t Entry) -> Result<bool> {
        let id_fits = entry.key.chars().all(|c| c.is_ascii_alphanumeric());
        if !id_fits || entry.key.is_empty() {
            let what = "a logical id is made of letters and digits only";
            return Err(Fault::new(entry.at, what));
        }
        let Some(keys) = View::from(&entry.value).mapping() else {
            let what = "a resource is a mapping with a `Type`";
            return Err(Fault::new(entry.value.at, what));
        };
        for key in keys {
            if !KEYS.contains(&key.key.as_str()) {
                let near = suggestion(&key.key, KEYS);
                let what = format!("a resource has no `{}`{near}", key.key);
                return Err(Fault::new(key.at, what));
            }
        }
        self.condition_of(&entry.value)
    }

    pub(super) fn check_resource(&self, name: &str, at: Position) -> Result<()> {
        if self.resources.contains_key(name) {
            return Ok(());
        }
        let near = suggestion(name, self.resources.keys().copied());
        let what = format!("there is no resource `{name}`{near}");
        Err(Fault::new(at, what))
    }

    /// The resource of this name, which is referred to at `at`.
    pub(super) fn resource(&mut self, name: &'t str, at: Position) -> Result<Rc<Resource>> {
        self.check_resource(name, at)?;
        let slot = self.resources.get(name);
        match slot.and_then(|slot| slot.answer.as_ref()) {
            Some(Some(resource)) => return Ok(Rc::clone(resource)),
            Some(None) => {
                let what = format!("`{name}` is not there, since its condition does not hold");
                return Err(Fault::new(at, what));
            }
            None => {}
        }
        let entry = slot.map(|slot| slot.entry);
        let resource = self.once(name, at, |evaluator| {
            let Some(entry) = entry else {
                return Err(Fault::new(at, format!("there is no resource `{name}`")));
            };
            let resource = evaluator.evaluated(entry);
            resource.map_err(|fault| fault.within("resource", name))
        })?;
        let resource = Rc::new(resource);
        if let Some(slot) = self.resources.get_mut(name) {
            slot.answer = Some(Some(Rc::clone(&resource)));
        }
        Ok(resource)
    }

    fn evaluated(&mut self, entry: &'t Entry) -> Result<Resource> {
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
        let given_name = given_name(resource_type, &Properties::of(&properties)?)?;
        let name = given_name.unwrap_or_else(|| {
            // As CloudFormation's, but without its random end, so that it stays.
            let name = format!("{}-{}", self.context.stack, entry.key);
            let in_lower_case = resource_type.starts_with("AWS::ElastiCache::")
                || resource_type == "AWS::S3::Bucket";
            match in_lower_case {
                true => name.to_lowercase(),
                false => name,
            }
        });
        Ok(Resource {
            id: entry.key.clone(),
            at: entry.at,
            kind: Kind::of(resource_type),
            resource_type: resource_type.to_owned(),
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
}

/// A resource's own name: the property that is called after its type, such as `TableName` or
/// `ReplicationGroupId`.
fn given_name(resource_type: &str, given: &Properties<'_>) -> Result<Option<String>> {
    let word = resource_type.rsplit("::").next().unwrap_or_default();
    for property in [
        format!("{word}Name"),
        format!("{word}Id"),
        format!("Cache{word}Name"),
    ] {
        if let Some(name) = given.text(&property)? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

impl Resource {
    /// What `Ref` gives.
    pub(super) fn reference(&self, context: &Context) -> String {
        match self.kind {
            Kind::Table | Kind::Function | Kind::Bucket | Kind::Cache => self.name.clone(),
            Kind::Mapping => self.uuid(context),
            Kind::Queue => host::queue::url(&context.endpoint, &self.name),
            Kind::NotMade => stand_in::reference(self, context),
        }
    }

    /// The id of a mapping, which stays as long as its name in the template does.
    pub(super) fn uuid(&self, context: &Context) -> String {
        stable_id(context, &self.id).to_string()
    }

    /// What `Fn::GetAtt` gives.
    pub(super) fn attribute(
        &self,
        attribute: &str,
        at: Position,
        context: &Context,
    ) -> Result<Value> {
        let given = Properties::of(&self.properties)?;
        if self.kind == Kind::NotMade {
            return Ok(match given.get(attribute) {
                Some(value) => value.clone().moved_to(at),
                None => Value::text(at, stand_in::attribute(attribute, self, context)),
            });
        }
        if attribute == "StreamArn" && given.get("StreamSpecification").is_none() {
            let what = format!("the table `{}` has no `StreamSpecification`", self.id);
            return Err(Fault::new(at, what));
        }
        let known = self.attributes(context);
        match known.iter().find(|(name, _)| *name == attribute) {
            Some((_, text)) => Ok(Value::text(at, text)),
            None => {
                let (id, kind) = (&self.id, &self.resource_type);
                let known = choices(known.iter().map(|(name, _)| *name));
                let what =
                    format!("`{id}` ({kind}) has no attribute `{attribute}`; known are: {known}");
                Err(Fault::new(at, what))
            }
        }
    }

    fn attributes(&self, context: &Context) -> Vec<(&'static str, String)> {
        let (region, name) = (&context.region, &self.name);
        match self.kind {
            Kind::Table => {
                let arn = table_arn(region, name);
                let stream = context.streams.get(&self.id).cloned();
                let stream = stream.unwrap_or_else(|| format!("{arn}/stream/pending"));
                vec![("Arn", arn), ("StreamArn", stream)]
            }
            Kind::Function => {
                let arn = format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}");
                vec![("Arn", arn)]
            }
            Kind::Mapping => {
                let id = self.uuid(context);
                let arn = format!("arn:aws:lambda:{region}:{ACCOUNT}:event-source-mapping:{id}");
                vec![("Id", id), ("EventSourceMappingArn", arn)]
            }
            Kind::Queue => vec![
                ("Arn", queue_arn(region, name)),
                ("QueueName", name.clone()),
                ("QueueUrl", self.reference(context)),
            ],
            Kind::Bucket => vec![("Arn", bucket_arn(name))],
            // The local cache is one node, and so each of the endpoints of a group without shards.
            Kind::Cache => {
                let (host, port) = (&context.cache.host, context.cache.port.to_string());
                vec![
                    ("PrimaryEndPoint.Address", host.clone()),
                    ("PrimaryEndPoint.Port", port.clone()),
                    ("ReaderEndPoint.Address", host.clone()),
                    ("ReaderEndPoint.Port", port),
                ]
            }
            Kind::NotMade => Vec::new(),
        }
    }
}

pub(super) fn table_arn(region: &str, name: &str) -> String {
    format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}")
}
