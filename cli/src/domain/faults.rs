//! What a description says that no domain's types can: it was edited by hand.

use pattern::description::{CommandKind, Description};
use pattern::schema::Schema;

/// What is wrong in `says` beside its names, each with the field or the command that it is about.
pub(crate) fn faults(says: &Description) -> Vec<String> {
    let mut faults = values(&says.document, "");
    faults.extend(lists(says));
    faults.extend(commands(says));
    faults
}

fn values(schema: &Schema, of: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for field in &schema.fields {
        let name = &field.name;
        if let Some(Err(error)) = field.default.as_ref().map(|value| field.check(value)) {
            faults.push(format!(
                "the default of the field {name}{of} breaks its rule: {error}"
            ));
        }
        for error in field
            .examples
            .iter()
            .filter_map(|value| field.check(value).err())
        {
            faults.push(format!(
                "an example of the field {name}{of} breaks its rule: {error}"
            ));
        }
    }
    faults
}

fn lists(says: &Description) -> Vec<String> {
    let fault = |name: &String| match says.document.field(name) {
        None => Some(format!(
            "there is no field {name}, and a list by its values"
        )),
        Some(field) if !field.kind.has_lists() => Some(format!(
            "the field {name} has no single, exact value to make lists of"
        )),
        Some(_) => None,
    };
    says.lists.iter().filter_map(fault).collect()
}

fn commands(says: &Description) -> Vec<String> {
    let mut faults = Vec::new();
    for command in &says.commands {
        let name = &command.name;
        match &command.kind {
            CommandKind::Move { from, to } => {
                let all = from.iter().chain([to]);
                let unknown = all.filter(|status| !says.statuses.contains(status));
                faults.extend(unknown.map(|status| {
                    format!("the command {name} has the status {status}, which there is none of")
                }));
            }
            CommandKind::Rule { payload } => {
                faults.extend(values(payload, &format!(" of {name}")));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::Domain;

    fn edited(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut value = serde_json::to_value(&*Domain::bundled()).unwrap();
        edit(&mut value);
        faults(&Description::parse(&value.to_string()).unwrap())
    }

    #[test]
    fn what_types_say_has_no_fault() {
        assert!(edited(|_| ()).is_empty());
        for text in [
            include_str!("../../../examples/accounts/domain.json"),
            include_str!("../../../examples/tickets/domain.json"),
        ] {
            assert_eq!(faults(&Domain::written(text)), Vec::<String>::new());
        }
    }

    #[test]
    fn each_fault_names_what_it_is_about() {
        let said = edited(|says| {
            let fields = &mut says["document"]["properties"];
            fields["quantity"]["default"] = json!(0);
            fields["tags"] = json!({ "type": "array", "items": { "type": "string" } });
            says["lists"] = json!(["tags", "colour", "status"]);
            says["commands"][0]["from"] = json!(["lost"]);
        });
        assert_eq!(
            said,
            [
                "the default of the field quantity breaks its rule: quantity must be a whole \
                 number from 1 to 1000000, not 0",
                "the field tags has no single, exact value to make lists of",
                "there is no field colour, and a list by its values",
                "the command ship has the status lost, which there is none of",
            ]
        );
    }
}
