//! What changed from one description to another, and what that means for the items and documents
//! that exist: an item keeps what was written, and is read by the newer description.

use std::fmt;

use pattern::description::{Command, CommandKind, Description};
use pattern::document::ADDED;
use pattern::schema::{Characters, Field, Kind};
use serde::Serialize;

use super::{Domain, Plain};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Difference {
    /// What changed: `field note is new`.
    pub(crate) change: String,
    /// What may not fit any more, or will be missing; none where nothing is at risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
    /// Whether documents that exist show it only after a rebuild, or their own next change.
    pub(crate) needs_rebuild: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.change)?;
        match &self.warning {
            Some(warning) => write!(f, ": {warning}"),
            None => Ok(()),
        }
    }
}

impl Difference {
    fn harmless(change: String) -> Self {
        Self {
            change,
            warning: None,
            needs_rebuild: false,
        }
    }

    fn risky(change: String, warning: impl Into<String>) -> Self {
        Self {
            change,
            warning: Some(warning.into()),
            needs_rebuild: false,
        }
    }

    fn after_rebuild(mut self) -> Self {
        self.needs_rebuild = true;
        self
    }

    /// What to do for those that need a rebuild.
    pub(crate) const REBUILD: &str =
        "`cqrs rebuild` brings it to the documents that exist, once it is deployed";

    /// Whether one of these needs a rebuild.
    pub(crate) fn any_needs_rebuild(differences: &[Self]) -> bool {
        differences
            .iter()
            .any(|difference| difference.needs_rebuild)
    }
}

impl Domain {
    /// The fields that the domain itself has.
    pub(crate) fn own_fields(&self) -> impl Iterator<Item = &Field> {
        own(self)
    }

    /// What changes where this description takes the place of `old`.
    pub(crate) fn differences_from(&self, old: &Description) -> Vec<Difference> {
        let mut differences = names(old, self);
        differences.extend(fields(old, self));
        differences.extend(commands(old, self));
        differences.extend(lists(old, self));
        differences
    }
}

fn names(old: &Description, new: &Description) -> Vec<Difference> {
    let pairs = [
        ("the entity", &old.entity, &new.entity),
        ("several of it", &old.plural, &new.plural),
        ("its id", &old.id, &new.id),
    ];
    let pairs = pairs.into_iter().filter(|(_, old, new)| old != new);
    let warning = "items and documents that exist have the other name and are not found";
    pairs
        .map(|(what, old, new)| Difference::risky(format!("{what} is {new}, was {old}"), warning))
        .collect()
}

fn own(description: &Description) -> impl Iterator<Item = &Field> {
    let fields = description.document.fields.iter();
    fields.filter(|field| field.name != description.id && !ADDED.contains(&field.name.as_str()))
}

fn fields(old: &Description, new: &Description) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut renamed = Vec::new();
    for field in own(new) {
        let before = own(old).find(|before| before.name == field.name);
        let alias = || own(old).find(|before| field.aliases.contains(&before.name));
        match before.or_else(alias) {
            Some(before) => {
                if before.name != field.name {
                    renamed.push(&before.name);
                    let change = format!("field {} is called {}", before.name, field.name);
                    differences.push(Difference::harmless(change).after_rebuild());
                }
                differences.extend(changed(before, field));
            }
            None => differences.push(added(field, new)),
        }
    }
    let gone = own(old).filter(|field| !renamed.contains(&&field.name));
    let gone = gone.filter(|field| own(new).all(|kept| kept.name != field.name));
    differences.extend(gone.map(|field| {
        let change = format!("field {} is removed", field.name);
        let warning = "items that exist keep it, and no answer has it any more";
        Difference::risky(change, warning).after_rebuild()
    }));
    differences
}

fn added(field: &Field, new: &Description) -> Difference {
    let name = &field.name;
    let must = new.draft.field(name).is_some_and(|field| field.required);
    if must {
        let change = format!("field {name} is new, and must be given");
        let warning = "items that exist lack it and cannot be read: give it a default";
        return Difference::risky(change, warning).after_rebuild();
    }
    let default = match &field.default {
        Some(default) => Plain(default).to_string(),
        None => "none".to_owned(),
    };
    let change = format!("field {name} is new; items that exist are read with {default}");
    Difference::harmless(change).after_rebuild()
}

fn changed(old: &Field, new: &Field) -> Vec<Difference> {
    let name = &new.name;
    let mut differences = Vec::new();
    if let Some(narrower) = narrower(&old.kind, &new.kind) {
        let change = format!("field {name} {narrower}");
        let warning = "items that do not fit cannot be read";
        differences.push(Difference::risky(change, warning));
    } else if old.kind != new.kind {
        let change = format!("field {name} takes more than before");
        differences.push(Difference::harmless(change));
    }
    if old.default != new.default {
        let shown = |default: &Option<serde_json::Value>| match default {
            Some(default) => Plain(default).to_string(),
            None => "none".to_owned(),
        };
        let (before, now) = (shown(&old.default), shown(&new.default));
        let change = format!("the default of field {name} is {now}, was {before}");
        differences.push(Difference::harmless(change).after_rebuild());
    }
    differences
}

/// How values of `new` are fewer than those of `old`, where they are.
fn narrower(old: &Kind, new: &Kind) -> Option<String> {
    match (old, new) {
        (
            Kind::Text {
                min: old_min,
                max: old_max,
                characters: old_characters,
            },
            Kind::Text {
                min,
                max,
                characters,
            },
        ) => {
            if max < old_max {
                Some(format!("has at most {max} characters"))
            } else if min > old_min {
                Some(format!("has at least {min} characters"))
            } else if strictness(*characters) > strictness(*old_characters) {
                Some("takes fewer characters".to_owned())
            } else {
                None
            }
        }
        (
            Kind::Whole {
                min: old_min,
                max: old_max,
            },
            Kind::Whole { min, max },
        ) => {
            let smaller = (max < old_max).then(|| format!("is at most {max}"));
            smaller.or_else(|| (min > old_min).then(|| format!("is at least {min}")))
        }
        (
            Kind::Number {
                min: old_min,
                max: old_max,
            },
            Kind::Number { min, max },
        ) => {
            let most = |bound: Option<f64>| bound.unwrap_or(f64::INFINITY);
            let least = |bound: Option<f64>| bound.unwrap_or(f64::NEG_INFINITY);
            let smaller = most(*max) < most(*old_max) || least(*min) > least(*old_min);
            smaller.then(|| "has narrower bounds".to_owned())
        }
        (Kind::Choice(old), Kind::Choice(new)) => {
            let gone = old
                .iter()
                .filter(|old| new.iter().all(|new| new.name != old.name));
            let gone: Vec<&str> = gone.map(|choice| choice.name.as_str()).collect();
            (!gone.is_empty()).then(|| format!("is no longer {}", gone.join(", ")))
        }
        (
            Kind::Array {
                of: old_of,
                min: old_min,
                max: old_max,
            },
            Kind::Array { of, min, max },
        ) => {
            if max < old_max {
                Some(format!("has at most {max} values"))
            } else if min > old_min {
                Some(format!("has at least {min} values"))
            } else {
                let each = of.as_deref().zip(old_of.as_deref());
                let each = each.and_then(|(new, old)| narrower(old, new));
                each.map(|each| format!("has values of which each {each}"))
            }
        }
        (Kind::Time, Kind::Time)
        | (Kind::Date, Kind::Date)
        | (Kind::Boolean, Kind::Boolean)
        | (Kind::Object, Kind::Object) => None,
        (old, new) => Some(format!("is {}, was {}", word(new), word(old))),
    }
}

fn strictness(characters: Characters) -> u8 {
    match characters {
        Characters::Any => 0,
        Characters::Lines => 1,
        Characters::Printable => 2,
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text { .. } => "a text",
        Kind::Time => "a time",
        Kind::Date => "a date",
        Kind::Choice(_) => "one of some names",
        Kind::Whole { .. } => "a whole number",
        Kind::Number { .. } => "a number",
        Kind::Boolean => "true or false",
        Kind::Array { .. } => "a list of values",
        Kind::Object => "an object",
    }
}

fn commands(old: &Description, new: &Description) -> Vec<Difference> {
    let mut differences = Vec::new();
    for command in &new.commands {
        let name = &command.name;
        match old.command(name) {
            None => differences.push(Difference::harmless(format!("command {name} is new"))),
            Some(before) if works_otherwise(before, command) => {
                let change = format!("command {name} works otherwise");
                differences.push(Difference::harmless(change));
            }
            Some(_) => {}
        }
    }
    let gone = old
        .commands
        .iter()
        .filter(|c| new.command(&c.name).is_none());
    differences.extend(gone.map(|command| {
        let change = format!("command {} is removed", command.name);
        Difference::risky(change, "whoever still sends it is refused")
    }));
    differences
}

fn works_otherwise(old: &Command, new: &Command) -> bool {
    match (&old.kind, &new.kind) {
        (CommandKind::Rule { payload: old }, CommandKind::Rule { payload: new }) => {
            let rules = |field: &Field| (field.name.clone(), field.required);
            let kinds = old
                .fields
                .iter()
                .zip(&new.fields)
                .all(|(a, b)| a.kind == b.kind);
            !kinds
                || !old
                    .fields
                    .iter()
                    .map(rules)
                    .eq(new.fields.iter().map(rules))
        }
        (old, new) => old != new,
    }
}

fn lists(old: &Description, new: &Description) -> Vec<Difference> {
    let missing = |from: &Description, name: &String| !from.lists.contains(name);
    let added = new.lists.iter().filter(|name| missing(old, name));
    let added = added.map(|name| {
        let change = format!("the list by {name} is new, and lacks what is not rebuilt");
        Difference::harmless(change).after_rebuild()
    });
    let removed = old.lists.iter().filter(|name| missing(new, name));
    let removed = removed.map(|name| Difference::harmless(format!("no list by {name} any more")));
    added.chain(removed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changed(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let bundled = Domain::bundled();
        let mut value = serde_json::to_value(&*bundled).unwrap();
        edit(&mut value);
        let new = Domain::new(Description::parse(&value.to_string()).unwrap());
        let differences = new.differences_from(&bundled);
        differences
            .iter()
            .map(|difference| {
                let rebuild = if difference.needs_rebuild {
                    " (rebuild)"
                } else {
                    ""
                };
                format!("{difference}{rebuild}")
            })
            .collect()
    }

    #[test]
    fn nothing_changed_where_nothing_differs() {
        assert!(changed(|_| ()).is_empty());
    }

    #[test]
    fn what_is_new_is_read_with_its_default() {
        let said = changed(|new| {
            let note = json!({ "type": "string", "maxLength": 200, "description": "For us." });
            new["draft"]["properties"]["note"] = note.clone();
            new["document"]["properties"]["note"] = note;
            new["lists"].as_array_mut().unwrap().push("note".into());
            let back =
                json!({ "name": "return", "help": "Back", "from": ["shipped"], "to": "placed" });
            new["commands"].as_array_mut().unwrap().push(back);
        });
        assert_eq!(
            said,
            [
                "field note is new; items that exist are read with none (rebuild)",
                "command return is new",
                "the list by note is new, and lacks what is not rebuilt (rebuild)",
            ]
        );
    }

    #[test]
    fn what_may_not_fit_is_a_warning() {
        let said = changed(|new| {
            for schema in ["draft", "document"] {
                new[schema]["properties"]["quantity"]["maximum"] = 10.into();
                new[schema]["properties"]["clientId"]["maxLength"] = 8.into();
                new[schema]["properties"]
                    .as_object_mut()
                    .unwrap()
                    .remove("productId");
                let required = new[schema]["required"].as_array_mut().unwrap();
                required.retain(|name| name != "productId");
            }
            let statuses = new["document"]["properties"]["status"]["oneOf"].as_array_mut();
            statuses
                .unwrap()
                .retain(|status| status["const"] != "cancelled");
            new["commands"].as_array_mut().unwrap().pop();
            new["lists"] = json!(["clientId", "status"]);
        });
        let unread = "items that do not fit cannot be read";
        assert_eq!(
            said,
            [
                format!("field clientId has at most 8 characters: {unread}"),
                format!("field quantity is at most 10: {unread}"),
                format!("field status is no longer cancelled: {unread}"),
                "field productId is removed: items that exist keep it, and no answer has it any \
                 more (rebuild)"
                    .to_owned(),
                "command cancel is removed: whoever still sends it is refused".to_owned(),
                "no list by productId any more".to_owned(),
            ]
        );
    }

    #[test]
    fn a_field_that_must_be_given_is_missing_from_what_exists() {
        let said = changed(|new| {
            for schema in ["draft", "document"] {
                new[schema]["properties"]["country"] = json!({ "type": "string" });
                new[schema]["required"]
                    .as_array_mut()
                    .unwrap()
                    .push("country".into());
            }
        });
        assert_eq!(
            said,
            [
                "field country is new, and must be given: items that exist lack it and cannot be \
              read: give it a default (rebuild)"
            ]
        );
    }

    #[test]
    fn a_field_that_has_the_old_name_as_an_alias_is_renamed() {
        let said = changed(|new| {
            for schema in ["draft", "document"] {
                let properties = new[schema]["properties"].as_object_mut().unwrap();
                let mut field = properties.remove("quantity").unwrap();
                field["aliases"] = json!(["quantity"]);
                properties.insert("count".to_owned(), field);
            }
            let required = new["document"]["required"].as_array_mut().unwrap();
            required
                .iter_mut()
                .filter(|name| *name == "quantity")
                .for_each(|name| *name = "count".into());
        });
        assert_eq!(said, ["field quantity is called count (rebuild)"]);
    }

    #[test]
    fn another_entity_finds_nothing_of_the_old_one() {
        let said = changed(|new| new["entity"] = "parcel".into());
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with("the entity is parcel, was order: "),
            "{said:?}"
        );
    }
}
