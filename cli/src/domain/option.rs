//! A field as an option of the command line: what it is called, what is said of it, what was typed.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, ArgMatches};
use pattern::error::ErrorType;
use pattern::schema::{Characters, Field, Kind as FieldKind};
use serde_json::Value;

use super::Plain;
use crate::error::{Explain, Kind};

/// An argument that the domain would refuse: the same class and name as if it had been sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidArgument(String);

impl InvalidArgument {
    pub(crate) fn of(argument: &str, rule: impl std::fmt::Display) -> Self {
        Self(format!("{argument} {rule}"))
    }
}

impl Explain for InvalidArgument {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn name(&self) -> String {
        ErrorType::InvalidCommand.as_str().to_owned()
    }
}

/// A field as an option. It is called what the field is called, in kebab case and less a trailing
/// `-id`, or the `s` of a list, which is given once for each; the whole name stays as an alias:
/// `--client` and `--client-id`, `--tag` and `--tags`.
pub(crate) struct FieldOption<'a>(pub(crate) &'a Field);

impl FieldOption<'_> {
    /// What is typed: `client`.
    pub(crate) fn name(&self) -> String {
        let name = option_name(&self.0.name);
        match (&self.0.kind, name.strip_suffix('s')) {
            (FieldKind::Array { .. }, Some(one)) if !one.is_empty() => one.to_owned(),
            _ => name,
        }
    }

    /// What is said of it: its meaning, its rule, its default.
    fn help(&self) -> String {
        let mut help = self.0.help.trim_end_matches('.').to_owned();
        if let Some(rule) = rule(&self.0.kind) {
            help = format!("{help}: {rule}");
        }
        let nothing = |default: &&Value| **default == Value::Array(Vec::new());
        if let Some(default) = self.0.default.as_ref().filter(|default| !nothing(default)) {
            help = format!("{help} [default: {}]", Plain(default));
        }
        help
    }

    /// The option by which a new value is given.
    pub(crate) fn argument(&self) -> Arg {
        let argument = self.bare().help(self.help());
        let argument = match self.0.kind {
            FieldKind::Array { .. } => argument.action(ArgAction::Append),
            _ => argument,
        };
        match self.element() {
            FieldKind::Whole { .. } | FieldKind::Number { .. } => {
                argument.allow_negative_numbers(true)
            }
            _ => argument,
        }
    }

    /// The option that asks for those of one value.
    pub(crate) fn filter(&self) -> Arg {
        self.bare().help(format!(
            "Only those of this {}",
            self.name().replace('-', " ")
        ))
    }

    /// It with a value, as it is typed: ` --client 42`; with what stands for a value where there is none.
    pub(crate) fn example(&self, value: Option<&Value>) -> String {
        let name = self.name();
        let values = match value {
            None => return format!(" --{name} {}", self.value_name()),
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let typed = values.iter().map(|value| {
            let value = quoted(Plain(value).to_string());
            format!(" --{name} {value}")
        });
        typed.collect()
    }

    /// What its values may be, in words.
    pub(crate) fn rule(&self) -> String {
        in_words(&self.0.kind)
    }

    /// What one value of it is.
    fn element(&self) -> &FieldKind {
        match &self.0.kind {
            FieldKind::Array { of: Some(kind), .. } => kind,
            kind => kind,
        }
    }

    fn value_name(&self) -> String {
        let name = self.name();
        match self.element() {
            FieldKind::Text { .. } if kebab(&self.0.name).ends_with("-id") => "ID".to_owned(),
            FieldKind::Text { .. } => "TEXT".to_owned(),
            FieldKind::Time => "TIME".to_owned(),
            FieldKind::Date => "DATE".to_owned(),
            FieldKind::Boolean => "BOOL".to_owned(),
            FieldKind::Object => "JSON".to_owned(),
            FieldKind::Whole { .. } | FieldKind::Number { .. } => "N".to_owned(),
            FieldKind::Choice(_) | FieldKind::Array { .. } => name.to_uppercase(),
        }
    }

    fn bare(&self) -> Arg {
        let name = self.name();
        let whole = kebab(&self.0.name);
        let value = self.value_name();
        let argument = Arg::new(self.0.name.clone()).value_name(value);
        let argument = match whole != name {
            true => argument.alias(whole).long(name),
            false => argument.long(name),
        };
        match self.element() {
            FieldKind::Choice(choices) => {
                let choices = choices.iter().map(|choice| {
                    let value = PossibleValue::new(choice.name.clone());
                    match &choice.help {
                        Some(help) => value.help(help.trim_end_matches('.').to_owned()),
                        None => value,
                    }
                });
                argument.value_parser(choices.collect::<Vec<_>>())
            }
            FieldKind::Boolean => argument.value_parser(["true", "false"]),
            _ => argument,
        }
    }

    /// What was typed for it, where something was.
    pub(crate) fn typed(&self, matches: &ArgMatches) -> Result<Option<Value>, InvalidArgument> {
        let invalid = |rule: String| InvalidArgument::of(&format!("--{}", self.name()), rule);
        let Ok(Some(mut typed)) = matches.try_get_many::<String>(&self.0.name) else {
            return Ok(None);
        };
        let value = match &self.0.kind {
            FieldKind::Array { .. } => self.0.kind.read_each(typed.map(String::as_str)),
            kind => match typed.next() {
                Some(text) => kind.read(text),
                None => return Ok(None),
            },
        };
        value.map(Some).map_err(invalid)
    }
}

/// A value as a shell takes it for one word.
fn quoted(value: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@/".contains(c);
    match !value.is_empty() && value.chars().all(plain) {
        true => value,
        false => format!("'{}'", value.replace('\'', "'\\''")),
    }
}

/// What the option of a field is called.
pub(super) fn option_name(field: &str) -> String {
    let whole = kebab(field);
    match whole.strip_suffix("-id") {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => whole,
    }
}

/// `clientId` in kebab case: `client-id`.
fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// What the values of a kind may be.
fn in_words(kind: &FieldKind) -> String {
    let plain = match kind {
        FieldKind::Choice(choices) => {
            let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
            names.join(", ")
        }
        FieldKind::Boolean => "true or false".to_owned(),
        FieldKind::Object => "an object of JSON".to_owned(),
        FieldKind::Text { .. } => "any text".to_owned(),
        FieldKind::Whole { .. } => "any whole number".to_owned(),
        _ => "any number".to_owned(),
    };
    rule(kind).unwrap_or(plain)
}

/// What the values of a kind may be, where its possible values do not say it.
fn rule(kind: &FieldKind) -> Option<String> {
    match kind {
        FieldKind::Text {
            min,
            max,
            characters,
        } => {
            let what = match characters {
                Characters::Printable => "printable characters",
                Characters::Lines | Characters::Any => "characters",
            };
            let most = (*max < usize::MAX).then_some(*max);
            bounds((*min > 0).then_some(*min), most, what)
        }
        FieldKind::Whole { min, max } => {
            let least = (*min > i64::MIN.into()).then_some(*min);
            let most = (*max < i64::MAX.into()).then_some(*max);
            bounds(least, most, "")
        }
        FieldKind::Number { min, max } => bounds(*min, *max, ""),
        FieldKind::Time => Some("a time such as 2026-11-23T03:00:00Z".to_owned()),
        FieldKind::Date => Some("a date such as 2026-11-23".to_owned()),
        FieldKind::Array { of, min, max } => {
            let most = (*max < usize::MAX).then_some(*max);
            let count = bounds((*min > 0).then_some(*min), most, "of them");
            let each = of.as_deref().and_then(rule);
            let parts = [count, each].into_iter().flatten();
            let parts: Vec<String> = std::iter::once("once for each".to_owned())
                .chain(parts)
                .collect();
            Some(parts.join(", "))
        }
        FieldKind::Choice(_) | FieldKind::Boolean | FieldKind::Object => None,
    }
}

fn bounds(
    least: Option<impl std::fmt::Display>,
    most: Option<impl std::fmt::Display>,
    what: &str,
) -> Option<String> {
    let bounds = match (least, most) {
        (None, None) => return None,
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
    };
    Some(format!("{bounds} {what}").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use serde_json::json;

    use super::*;
    use crate::domain::Domain;

    const TICKETS: &str = include_str!("../../../examples/tickets/domain.json");

    /// What is typed for a draft of a ticket.
    fn typed(arguments: &[&str]) -> Result<Value, String> {
        let domain = Domain::written(TICKETS);
        let fields = domain.draft.fields.iter();
        let command =
            Command::new("create").args(fields.map(|field| FieldOption(field).argument()));
        let matches = command
            .no_binary_name(true)
            .try_get_matches_from(arguments)
            .map_err(|error| error.to_string())?;
        let key = "k".parse().unwrap();
        let draft = domain.draft_typed(&matches, key);
        draft
            .map(|draft| serde_json::to_value(draft).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_given_once_for_each_and_all_of_it_is_checked() {
        let given = typed(&["--title=a", "--tag=b|c", "--tags=d", "--due=2026-11-23"]).unwrap();
        assert_eq!(
            given,
            json!({"title": "a", "tags": ["b|c", "d"], "due": "2026-11-23", "idempotencyKey": "k"})
        );
        let many = [&["--title=a"], &["--tag=b"; 11][..]].concat();
        for (arguments, message) in [
            (&many[..], "--tag must have at most 10 values, not 11"),
            (&["--tag=a", "--tag="], "--tag value 2 must not be empty"),
            (&["--due=soon"], "--due must be a date such as 2026-11-23"),
            (
                &["--body=a\u{7}"],
                "--body must have printable characters only, not U+0007",
            ),
        ] {
            assert_eq!(typed(arguments).unwrap_err(), message);
        }
    }

    #[test]
    fn an_option_says_its_rule() {
        let domain = Domain::written(TICKETS);
        let help = |field: &str| FieldOption(domain.draft.field(field).unwrap()).help();
        assert_eq!(
            help("tags"),
            "What it belongs to: once for each, at most 10 of them, 1 to 32 printable characters"
        );
        assert_eq!(
            help("due"),
            "The day by which it is to be done: a date such as 2026-11-23"
        );
    }
}
