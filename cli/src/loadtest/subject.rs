//! What a run creates, changes and reads, as the description says: drafts like its examples, with a
//! mark in one text by which the runs' own are known.

use pattern::description::CommandKind;
use pattern::schema::{Field, Kind, Schema};
use serde_json::{Map, Value, json};

use super::{LoadError, MARK};
use crate::domain::{Domain, KEY};

/// How many values each list has.
const VALUES: usize = 16;

/// What one run creates.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) domain: Domain,
    /// The field that has the mark.
    pub(crate) field: String,
    /// The mark and the run's name.
    pub(crate) mark: String,
}

impl Subject {
    pub(crate) fn of(domain: &Domain, run: &str) -> Result<Self, LoadError> {
        let mark = format!("{MARK}{run}");
        let takes = |field: &&Field| takes(field, &mark);
        let fields = domain.draft.fields.iter();
        let listed = fields
            .clone()
            .filter(|field| domain.lists.contains(&field.name));
        let field = listed.chain(fields).find(takes);
        let field = field.ok_or_else(|| LoadError::NoMark(domain.entity.clone(), mark.len()))?;
        let subject = Self {
            domain: domain.clone(),
            field: field.name.clone(),
            mark,
        };
        domain.draft_of(subject.create())?;
        Ok(subject)
    }

    /// What the marked field is called where people read it.
    pub(crate) fn label(&self) -> String {
        self.domain.label(&self.field)
    }

    /// With a key: the SDK repeats a call whose answer was lost, which would make a second one.
    pub(super) fn create(&self) -> Value {
        let mut draft = self.domain.examples.first().cloned().unwrap_or_default();
        for name in &self.domain.lists {
            let value = format!("bench-{}", fastrand::usize(..VALUES));
            if self
                .domain
                .draft
                .field(name)
                .is_some_and(|field| takes(field, &value))
            {
                draft.insert(name.clone(), value.into());
            }
        }
        draft.insert(self.field.clone(), self.mark.clone().into());
        draft.insert(KEY.to_owned(), uuid::Uuid::now_v7().to_string().into());
        draft.into()
    }

    pub(super) fn change(&self, command: &str, id: &str) -> Value {
        let mut change = payload(&self.domain, command).unwrap_or_default();
        change.insert("command".to_owned(), command.into());
        change.insert(self.domain.id.clone(), id.into());
        change.into()
    }

    pub(super) fn get(&self, id: &str) -> Value {
        json!({ (self.domain.id.as_str()): id })
    }

    pub(super) fn list(&self) -> Value {
        match self.domain.lists.contains(&self.field) {
            true => json!({ "list": { (self.field.as_str()): self.mark } }),
            false => json!({ "list": {} }),
        }
    }

    /// The id in the publisher's answer to a create.
    pub(super) fn id(&self, created: &Value) -> Option<String> {
        created.get(&self.domain.id)?.as_str().map(str::to_owned)
    }
}

/// The commands that a run can give: those whose payload the examples can fill.
pub(crate) fn commands(domain: &Domain) -> Vec<&str> {
    let commands = domain.commands.iter().map(|command| command.name.as_str());
    commands
        .filter(|name| payload(domain, name).is_some())
        .collect()
}

/// What a command takes beside the id.
fn payload(domain: &Domain, command: &str) -> Option<Map<String, Value>> {
    match &domain.command(command)?.kind {
        CommandKind::Move { .. } => Some(Map::new()),
        CommandKind::Rule { payload } => filled(payload),
    }
}

/// From the examples; none where a field that must be there has none.
fn filled(payload: &Schema) -> Option<Map<String, Value>> {
    let mut values = Map::new();
    for field in &payload.fields {
        match field.examples.first() {
            Some(example) => drop(values.insert(field.name.clone(), example.clone())),
            None if field.required => return None,
            None => {}
        }
    }
    Some(values)
}

fn takes(field: &Field, text: &str) -> bool {
    matches!(field.kind, Kind::Text { .. }) && field.kind.check(&text.into()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_keep_the_domains_rules_and_have_the_mark() {
        let domain = Domain::bundled();
        let subject = Subject::of(&domain, "1").unwrap();
        assert_eq!(subject.field, "clientId");
        let draft = subject.create();
        assert_eq!(draft["clientId"], "cqrs-bench-1");
        domain.draft_of(draft).unwrap();
        assert_eq!(commands(&domain), ["ship", "cancel"]);
        let ship = json!({"command": "ship", "orderId": "o"});
        assert_eq!(subject.change("ship", "o"), ship);
        assert_eq!(subject.id(&ship).as_deref(), Some("o"));
        assert_eq!(
            subject.list(),
            json!({"list": {"clientId": "cqrs-bench-1"}})
        );
    }

    /// Accounts: a text without lists, and commands with payloads, one of which has no example.
    const ACCOUNTS: &str = r#"{
        "format": 1, "pattern": "0", "entity": "account", "plural": "accounts", "about": "",
        "id": "accountId",
        "draft": {"type": "object", "properties": {
            "owner": {"type": "string", "minLength": 1, "maxLength": 40, "examples": ["Ann"]}},
            "required": ["owner"], "additionalProperties": false},
        "document": {"type": "object", "properties": {}, "additionalProperties": false},
        "commands": [
            {"name": "deposit", "help": "", "payload": {"type": "object", "properties": {
                "cents": {"type": "integer", "examples": [5]}},
                "required": ["cents"], "additionalProperties": false}},
            {"name": "close", "help": "", "payload": {"type": "object", "properties": {
                "reason": {"type": "string"}},
                "required": ["reason"], "additionalProperties": false}}],
        "statuses": ["open"], "lists": ["status"], "examples": [{"owner": "Ann"}]}"#;

    #[test]
    fn another_domain_is_driven_as_far_as_its_examples_go() {
        let domain = Domain::written(ACCOUNTS);
        let subject = Subject::of(&domain, "1").unwrap();
        assert_eq!(subject.create()["owner"], "cqrs-bench-1");
        assert_eq!(commands(&domain), ["deposit"]);
        let deposit = json!({"command": "deposit", "accountId": "a", "cents": 5});
        assert_eq!(subject.change("deposit", "a"), deposit);
        assert_eq!(subject.list(), json!({"list": {}}));
        let short = ACCOUNTS.replace("40", "12");
        assert!(Subject::of(&Domain::written(&short), "1234").is_err());
    }
}
