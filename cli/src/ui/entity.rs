//! Entities as both models have them: one side by side, and pages of lists.

use pattern::id::Id;
use pattern::schema::Kind as FieldKind;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Shared;
use crate::error::Failure;

/// Of a list so many are shown at once.
const PAGE: u64 = 50;
/// What may be shown where documents are hidden.
const OPEN: [&str; 4] = ["version", "status", "createdAt", "updatedAt"];

/// One entity.
#[derive(Serialize)]
struct Both {
    id: String,
    /// As the table has it; null where it does not.
    written: Side,
    /// As the read model has it.
    shown: Side,
    /// How the two agree, where both could be asked.
    compared: Option<Value>,
}

/// What one model says, or why it says nothing.
#[derive(Serialize)]
#[serde(untagged)]
enum Side {
    Value(Value),
    Error { error: String, hint: Option<String> },
}

impl From<Failure> for Side {
    fn from(failure: Failure) -> Self {
        Self::Error {
            error: failure.with_causes(),
            hint: failure.hint,
        }
    }
}

/// Both models of the entity with this id.
pub(super) async fn both(shared: &Shared, id: &str) -> Result<String, Failure> {
    let id = Id::try_from(id.to_owned())
        .map_err(|error| Failure::new(crate::error::Kind::Usage, error.to_string()))?;
    let models = shared.reach.models(shared.domain()).await?;
    let ids = [id.clone()];
    let question = json!({ (models.domain.id.as_str()): &id });
    let (held, shown) = tokio::join!(
        models.table.held(&ids),
        models.functions.query::<Value>(&question),
    );
    let item = held.map_err(Failure::from).map(|mut held| held.remove(&id));
    let compared = match &item {
        Ok(Some(item)) => models.compare_items([item]).await,
        Ok(None) => models.compare_ids(&ids).await,
        Err(_) => Ok(Vec::new()),
    };
    let compared = compared.ok().and_then(|mut compared| compared.pop());
    let written = match item {
        Ok(Some(item)) => Side::Value(plain(item)),
        Ok(None) => Side::Value(Value::Null),
        Err(failure) => failure.into(),
    };
    let shown = match shown {
        Ok(answer) => Side::Value(answer.value),
        Err(error) => Failure::from(error).into(),
    };
    let hide = |side| match (side, shared.hides_documents()) {
        (Side::Value(value), true) => Side::Value(open(value, &models.domain.id)),
        (side, _) => side,
    };
    let mut compared = compared.map(|compared| json!(compared));
    if shared.hides_documents()
        && let Some(Value::Object(compared)) = &mut compared
    {
        compared.remove("fields");
    }
    let both = Both {
        id: id.to_string(),
        written: hide(written),
        shown: hide(shown),
        compared,
    };
    Ok(serde_json::to_string(&both).unwrap_or_default())
}

/// A page of a list, of all or of those with one value of a field, from `cursor` on.
pub(super) async fn list(
    shared: &Shared,
    filter: Option<(&str, &str)>,
    cursor: Option<&str>,
) -> Result<String, Failure> {
    let functions = shared.reach.functions().await?;
    let domain = shared.domain();
    let mut list = json!({ "limit": PAGE, "cursor": cursor });
    if let Some((field, value)) = filter {
        list[field] = typed(shared, field, value);
    }
    let answer = functions.query::<Value>(&json!({ "list": list })).await?;
    let mut page = answer.value;
    let rows = page.get_mut(&domain.plural).map(Value::take);
    let rows = match rows {
        Some(Value::Array(rows)) if shared.hides_documents() => {
            Value::Array(rows.into_iter().map(|row| open(row, &domain.id)).collect())
        }
        Some(rows) => rows,
        None => json!([]),
    };
    Ok(json!({ "rows": rows, "cursor": page.get("cursor") }).to_string())
}

/// A value of a field from its text.
fn typed(shared: &Shared, field: &str, value: &str) -> Value {
    let domain = shared.domain();
    match domain.document.field(field).map(|field| &field.kind) {
        Some(FieldKind::Whole { .. } | FieldKind::Number { .. } | FieldKind::Boolean) => {
            serde_json::from_str(value).unwrap_or_else(|_| value.into())
        }
        _ => value.into(),
    }
}

/// An item as plain JSON; what JSON has no form for is left out.
fn plain(item: serde_dynamo::Item) -> Value {
    serde_dynamo::from_item(item).unwrap_or(Value::Null)
}

/// An answer whose documents are [`open`].
pub(super) fn opened(answer: Value, id: &str) -> Value {
    match answer {
        Value::Object(members) if members.contains_key(id) => open(Value::Object(members), id),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (name, opened(value, id)));
            Value::Object(members.collect())
        }
        Value::Array(all) => all.into_iter().map(|one| opened(one, id)).collect(),
        other => other,
    }
}

/// What of a document may be shown to everybody; of the rest it is seen that it is there.
fn open(document: Value, id: &str) -> Value {
    let Value::Object(members) = document else {
        return document;
    };
    let members = members.into_iter().map(|(name, value)| {
        let is_open = name == id || OPEN.contains(&name.as_str());
        let value = match is_open {
            true => value,
            false => Value::Null,
        };
        (name, value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_documents_are_hidden_only_what_the_pattern_adds_is_shown() {
        let document = json!({"ticketId": "t", "title": "secret", "status": "open", "version": 2});
        assert_eq!(
            open(document.clone(), "ticketId"),
            json!({"ticketId": "t", "title": null, "status": "open", "version": 2})
        );
        assert_eq!(open(Value::Null, "ticketId"), Value::Null);
        assert_eq!(
            opened(json!({"tickets": [document], "ms": 7}), "ticketId"),
            json!({"tickets": [{"ticketId": "t", "title": null, "status": "open", "version": 2}], "ms": 7})
        );
    }
}
