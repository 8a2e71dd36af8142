//! What the page must know of the stack before it shows anything: what it is about, by its description,
//! and how a command for it is typed.

use pattern::description::CommandKind;
use pattern::schema::Schema;
use serde::Serialize;
use serde_json::Value;

use super::Shared;
use crate::domain::FieldOption;
use crate::settings::Target;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    stack: String,
    target: Target,
    region: String,
    version: &'static str,
    read_only: bool,
    /// What entities hold is not shown.
    hidden: bool,
    /// What leads a command to this stack.
    place: &'a [String],
    entity: &'a str,
    plural: &'a str,
    about: &'a str,
    id: &'a str,
    statuses: &'a [String],
    lists: Vec<List>,
    draft: Vec<Input<'a>>,
    commands: Vec<Command<'a>>,
    /// A draft to begin with.
    example: Option<&'a serde_json::Map<String, Value>>,
    columns: Vec<&'a str>,
}

/// A list by the value of a field.
#[derive(Serialize)]
struct List {
    field: String,
    option: String,
}

#[derive(Serialize)]
struct Command<'a> {
    name: &'a str,
    help: &'a str,
    /// The statuses that it starts from; none where a rule decides.
    from: Option<&'a [String]>,
    to: Option<&'a str>,
    inputs: Vec<Input<'a>>,
}

/// A field that is typed.
#[derive(Serialize)]
struct Input<'a> {
    name: &'a str,
    option: String,
    help: &'a str,
    rule: String,
    required: bool,
    default: Option<&'a Value>,
    schema: Value,
}

pub(super) fn json(shared: &Shared) -> String {
    shared.renew_domain();
    let domain = shared.domain();
    let lists = domain.lists.iter().map(|name| List {
        field: name.clone(),
        option: domain
            .document
            .field(name)
            .map_or_else(|| name.clone(), |field| FieldOption(field).name()),
    });
    let commands = domain.commands.iter().map(|command| {
        let (from, to, inputs) = match &command.kind {
            CommandKind::Move { from, to } => {
                (Some(from.as_slice()), Some(to.as_str()), Vec::new())
            }
            CommandKind::Rule { payload } => (None, None, inputs(payload)),
        };
        Command {
            name: &command.name,
            help: &command.help,
            from,
            to,
            inputs,
        }
    });
    let about = About {
        stack: shared.settings.stack.to_string(),
        target: shared.settings.target,
        region: shared.reach.region(),
        version: env!("CARGO_PKG_VERSION"),
        read_only: shared.options.read_only,
        hidden: shared.hides_documents(),
        place: &shared.options.place,
        entity: &domain.entity,
        plural: &domain.plural,
        about: &domain.about,
        id: &domain.id,
        statuses: &domain.statuses,
        lists: lists.collect(),
        draft: inputs(&domain.draft),
        commands: commands.collect(),
        example: domain.examples.first(),
        columns: columns(&domain.document),
    };
    serde_json::to_string(&about).unwrap_or_default()
}

fn inputs(schema: &Schema) -> Vec<Input<'_>> {
    let whole = serde_json::to_value(schema).unwrap_or_default();
    let fields = schema.fields.iter().map(|field| Input {
        name: &field.name,
        option: FieldOption(field).name(),
        help: &field.help,
        rule: FieldOption(field).rule(),
        required: field.required,
        default: field.default.as_ref(),
        schema: whole["properties"][&field.name].clone(),
    });
    fields.collect()
}

fn columns(document: &Schema) -> Vec<&str> {
    let fields = document.fields.iter();
    fields.map(|field| field.name.as_str()).collect()
}
