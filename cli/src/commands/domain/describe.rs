//! `cqrs domain describe`: what the tool makes of the domain.

use std::fmt;

use pattern::description::CommandKind;
use pattern::schema::{Field, Kind, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::commands::table::table;
use crate::domain::{Domain, FieldOption, Plain};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) fn run(settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    printer.data(&Described::of(&settings.domain))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    entity: &'a str,
    plural: &'a str,
    id: &'a str,
    about: &'a str,
    fields: Vec<DescribedField<'a>>,
    statuses: Vec<Status<'a>>,
    commands: Vec<DescribedCommand<'a>>,
    lists: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribedField<'a> {
    name: &'a str,
    option: Option<String>,
    rule: String,
    default: Option<&'a Value>,
    example: Option<&'a Value>,
    required: bool,
    /// Only commands change it; a create does not take it.
    only_commands: bool,
    in_list: bool,
    help: &'a str,
}

#[derive(Serialize)]
struct Status<'a> {
    name: &'a str,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct DescribedCommand<'a> {
    name: &'a str,
    help: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    fields: Vec<DescribedField<'a>>,
}

impl<'a> DescribedField<'a> {
    fn of(field: &'a Field, taken: Option<&Field>, in_list: bool) -> Self {
        let option = FieldOption(field);
        Self {
            name: &field.name,
            option: taken.map(|_| format!("--{}", option.name())),
            rule: option.rule(),
            default: field.default.as_ref(),
            example: field.examples.first(),
            required: taken.is_some_and(|field| field.required),
            only_commands: taken.is_none(),
            in_list,
            help: &field.help,
        }
    }

    fn payload(schema: &'a Schema) -> Vec<Self> {
        let fields = schema.fields.iter();
        fields
            .map(|field| Self::of(field, Some(field), false))
            .collect()
    }

    fn cells(&self) -> Vec<String> {
        let shown = |value: Option<&Value>| value.map(|v| Plain(v).to_string()).unwrap_or_default();
        let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
        vec![
            self.name.to_owned(),
            self.option.clone().unwrap_or_default(),
            yes(self.required),
            shown(self.default),
            yes(self.in_list),
            shown(self.example),
            self.rule.clone(),
        ]
    }
}

impl<'a> Described<'a> {
    fn of(domain: &'a Domain) -> Self {
        let fields = domain.own_fields();
        let status = domain.document.field(pattern::description::STATUS);
        let help_of = |name: &str| match status.map(|field| &field.kind) {
            Some(Kind::Choice(choices)) => {
                let choice = choices.iter().find(|choice| choice.name == name)?;
                choice.help.as_deref()
            }
            _ => None,
        };
        let commands = domain.commands.iter().map(|command| {
            let (from, to, fields) = match &command.kind {
                CommandKind::Move { from, to } => {
                    (Some(from.as_slice()), Some(to.as_str()), Vec::new())
                }
                CommandKind::Rule { payload } => (None, None, DescribedField::payload(payload)),
            };
            DescribedCommand {
                name: &command.name,
                help: &command.help,
                from,
                to,
                fields,
            }
        });
        Self {
            entity: &domain.entity,
            plural: &domain.plural,
            id: &domain.id,
            about: &domain.about,
            fields: fields
                .map(|field| {
                    let taken = domain.draft.field(&field.name);
                    DescribedField::of(field, taken, domain.lists.contains(&field.name))
                })
                .collect(),
            statuses: domain
                .statuses
                .iter()
                .map(|name| Status {
                    name,
                    help: help_of(name),
                })
                .collect(),
            commands: commands.collect(),
            lists: &domain.lists,
        }
    }
}

const FIELDS: [&str; 7] = [
    "FIELD", "OPTION", "REQUIRED", "DEFAULT", "LIST", "EXAMPLE", "RULE",
];

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("entity", self.entity),
            ("plural", self.plural),
            ("id", self.id),
            ("about", self.about),
        ];
        let rows = rows.map(|(name, value)| vec![name.to_owned(), value.to_owned()]);
        f.write_str(&table(&[], rows))?;
        let fields = self.fields.iter().map(DescribedField::cells);
        write!(f, "\n{}", table(&FIELDS, fields))?;
        if self.fields.iter().any(|field| field.only_commands) {
            f.write_str("\nA field without an option is changed by commands only.\n")?;
        }
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|status| {
            let help = status.help.unwrap_or_default();
            vec![status.name.to_owned(), help.to_owned()]
        });
        write!(f, "\n{}", table(&["STATUS", "MEANING"], statuses))?;
        if self.commands.is_empty() {
            return Ok(());
        }
        let commands = self.commands.iter().map(|command| {
            let from = command.from.map(|from| from.join(", "));
            vec![
                command.name.to_owned(),
                from.unwrap_or_else(|| "by rule".to_owned()),
                command.to.unwrap_or("by rule").to_owned(),
                command.help.to_owned(),
            ]
        });
        write!(
            f,
            "\n{}",
            table(&["COMMAND", "FROM", "TO", "MEANING"], commands)
        )?;
        let mut payloads = self
            .commands
            .iter()
            .flat_map(|command| {
                command.fields.iter().map(|field| {
                    let mut cells = field.cells();
                    cells.insert(0, command.name.to_owned());
                    cells
                })
            })
            .peekable();
        if payloads.peek().is_none() {
            return Ok(());
        }
        let header: Vec<&str> = std::iter::once("COMMAND").chain(FIELDS).collect();
        write!(f, "\n{}", table(&header, payloads))
    }
}
