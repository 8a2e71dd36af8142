//! What may be asked of the command side, and what becomes of it.
//!
//! Pure: parsing a payload, and deciding from the item that stood in the way of a conditional
//! write what its failure means. Carrying the write out is the write model's part.

use serde::Serialize;
use serde_json::Value;

use crate::error::{CommandError, Invalid};
use crate::fields::{self, Fields};
use crate::ids::{ClientId, IdempotencyKey, OrderId, ProductId};
use crate::order::{MAX_QUANTITY, Order, Quantity, Status};
use crate::timestamp::Timestamp;

/// What errors call the payload as a whole.
const NAME: &str = "the command";

/// A command to the publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// Create an order.
    Create(CreateOrder),
    /// Ship or cancel an order.
    Change(ChangeOrder),
}

/// Asks for a new order. Serialises to the publisher's payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateOrder {
    /// Who orders.
    pub client_id: ClientId,
    /// What is ordered.
    pub product_id: ProductId,
    /// How many of it.
    pub quantity: Quantity,
    /// Names the intention: with the same key, a retry gets the order that the first one made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
}

/// Asks for a change of an order. Serialises to the publisher's payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeOrder {
    /// What to do.
    #[serde(rename = "command")]
    pub change: Change,
    /// The order.
    pub order_id: OrderId,
    /// Only if the order is still at this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

/// The changes that an order can undergo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// `placed` becomes `shipped`.
    Ship,
    /// `placed` becomes `cancelled`.
    Cancel,
}

impl Change {
    /// The status that the change leads to.
    #[must_use]
    pub fn target(self) -> Status {
        match self {
            Self::Ship => Status::Shipped,
            Self::Cancel => Status::Cancelled,
        }
    }
}

impl Command {
    /// Reads the publisher's payload.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(payload: &str) -> Result<Self, Invalid> {
        Self::try_from(fields::json(payload, NAME)?)
    }

    /// Its name in payloads and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Change(change) => match change.change {
                Change::Ship => "ship",
                Change::Cancel => "cancel",
            },
        }
    }
}

/// Reads the publisher's payload, parsed already.
impl TryFrom<Value> for Command {
    type Error = Invalid;

    fn try_from(payload: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(payload, NAME)?;
        let command = match fields.take("command") {
            None => return Ok(Self::Create(create(fields)?)),
            Some(Value::String(command)) => command,
            Some(other) => {
                let rule = format!("must be a string, not {}", fields::kind(&other));
                return Err(fields.invalid("command", rule));
            }
        };
        match command.as_str() {
            "create" => Ok(Self::Create(create(fields)?)),
            "ship" => Ok(Self::Change(change(Change::Ship, fields)?)),
            "cancel" => Ok(Self::Change(change(Change::Cancel, fields)?)),
            _ => Err(fields.invalid("command", "must be one of create, ship, cancel")),
        }
    }
}

fn create(mut fields: Fields) -> Result<CreateOrder, Invalid> {
    // The payload that the original sample documents spells it `cliendId`.
    let client_id = match (fields.text("clientId")?, fields.text("cliendId")?) {
        (Some(id), None) | (None, Some(id)) => id,
        (None, None) => return Err(fields.invalid("clientId", "is required")),
        (Some(_), Some(_)) => {
            return Err(fields.invalid("cliendId", "must not be given beside clientId"));
        }
    };
    let product_id = fields.required("productId")?;
    let quantity = fields
        .whole("quantity", 1, MAX_QUANTITY.into())?
        .map(|pieces| Quantity::new(pieces).map_err(|rule| fields.invalid("quantity", rule)))
        .transpose()?
        .unwrap_or_default();
    let idempotency_key = fields.text("idempotencyKey")?;
    fields.finish()?;
    Ok(CreateOrder {
        client_id,
        product_id,
        quantity,
        idempotency_key,
    })
}

fn change(change: Change, mut fields: Fields) -> Result<ChangeOrder, Invalid> {
    let order_id = fields.required("orderId")?;
    let expected_version = fields.whole("expectedVersion", 1, u64::MAX)?;
    fields.finish()?;
    Ok(ChangeOrder {
        change,
        order_id,
        expected_version,
    })
}

impl CreateOrder {
    /// The order to write, if its id is still free.
    #[must_use]
    pub fn order(self, now: Timestamp) -> Order {
        let order_id = match &self.idempotency_key {
            Some(key) => OrderId::for_key(&self.client_id, key),
            None => OrderId::fresh(),
        };
        Order {
            order_id,
            client_id: self.client_id,
            product_id: self.product_id,
            quantity: self.quantity,
            status: Status::Placed,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// What a create answers when `existing` holds the id of `wanted` already: the order that an
/// earlier attempt of the same intention made, whatever has become of it since. That is so without
/// an idempotency key too: a fresh id can only be taken by an attempt whose answer got lost.
///
/// # Errors
/// [`CommandError::IdempotencyConflict`] when the two differ in what was ordered.
pub fn already_created(wanted: &Order, existing: Order) -> Result<Order, CommandError> {
    let differences = [
        ("clientId", wanted.client_id != existing.client_id),
        ("productId", wanted.product_id != existing.product_id),
        ("quantity", wanted.quantity != existing.quantity),
    ];
    let difference: Vec<_> = differences
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect();
    if difference.is_empty() {
        return Ok(existing);
    }
    Err(CommandError::IdempotencyConflict {
        order_id: existing.order_id,
        difference: difference.join(", "),
    })
}

/// What a change answers when its condition did not hold of `existing`. An order that is already
/// where the change leads is returned unchanged, whatever version was expected: the change may be
/// a retry of one whose answer got lost, and then the version has moved by its own doing.
///
/// `None` when nothing in `existing` stands against the change, so that the write should have
/// succeeded.
#[must_use]
pub fn not_changed(command: &ChangeOrder, existing: Order) -> Option<Result<Order, CommandError>> {
    let to = command.change.target();
    if existing.status == to {
        return Some(Ok(existing));
    }
    if let Some(expected) = command.expected_version
        && expected != existing.version
    {
        return Some(Err(CommandError::VersionConflict {
            order_id: existing.order_id,
            expected,
            actual: existing.version,
        }));
    }
    (existing.status != Status::Placed).then(|| {
        Err(CommandError::IllegalTransition {
            order_id: existing.order_id,
            from: existing.status,
            to,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(payload: &str) -> String {
        Command::parse(payload).unwrap_err().to_string()
    }

    fn created(payload: &str) -> CreateOrder {
        match Command::parse(payload).unwrap() {
            Command::Create(create) => create,
            other => panic!("not a create: {other:?}"),
        }
    }

    #[test]
    fn the_payload_of_the_original_sample_creates_an_order_as_it_stands() {
        let create = created(r#"{"cliendId":"123456789","productId":"abc-def-ghi"}"#);
        assert_eq!(create.client_id.as_str(), "123456789");
        assert_eq!(create.product_id.as_str(), "abc-def-ghi");
        assert_eq!(create.quantity.get(), 1);
        assert_eq!(create.idempotency_key, None);
    }

    #[test]
    fn create_may_be_said_and_null_counts_as_absent() {
        let said = r#"{"command":"create","clientId":"c","productId":"p","quantity":null,"idempotencyKey":null}"#;
        assert_eq!(
            created(said),
            created(r#"{"clientId":"c","productId":"p"}"#)
        );
    }

    #[test]
    fn what_a_client_serialises_is_what_the_publisher_reads() {
        for payload in [
            r#"{"clientId":"c","productId":"p","quantity":7,"idempotencyKey":"k"}"#,
            r#"{"command":"ship","orderId":"o","expectedVersion":3}"#,
            r#"{"command":"cancel","orderId":"o"}"#,
        ] {
            let command = Command::parse(payload).unwrap();
            assert_eq!(serde_json::to_string(&command).unwrap(), payload);
        }
    }

    #[test]
    fn every_refusal_names_the_field_and_the_rule() {
        for (payload, message) in [
            ("[]", "the command must be a JSON object, not an array"),
            (
                r#"{"clientId":"c","productId":"p","productId":"q"}"#,
                "the command must be JSON: duplicate field `productId` at line 1 column 43",
            ),
            ("{}", "clientId is required"),
            (r#"{"clientId":"c"}"#, "productId is required"),
            (
                r#"{"clientId":5,"productId":"p"}"#,
                "clientId must be a string, not a number",
            ),
            (
                r#"{"clientId":"","productId":"p"}"#,
                "clientId must not be empty",
            ),
            (
                r#"{"clientId":"a","cliendId":"b","productId":"p"}"#,
                "cliendId must not be given beside clientId",
            ),
            (
                r#"{"clientId":"c","productId":"p\n"}"#,
                "productId must have printable characters only, not U+000A",
            ),
            (
                r#"{"clientId":"c","productId":"p","quantity":0}"#,
                "quantity must be a whole number from 1 to 1000000, not 0",
            ),
            (
                r#"{"clientId":"c","productId":"p","quantity":1.5}"#,
                "quantity must be a whole number from 1 to 1000000, not 1.5",
            ),
            (
                r#"{"clientId":"c","productId":"p","quantity":"2"}"#,
                "quantity must be a whole number from 1 to 1000000, not a string",
            ),
            (
                r#"{"clientId":"c","productId":"p","color":"red"}"#,
                "color is not a field of this; known: command, clientId, cliendId, productId, quantity, idempotencyKey",
            ),
            (
                r#"{"command":"send","orderId":"o"}"#,
                "command must be one of create, ship, cancel",
            ),
            (r#"{"command":"ship"}"#, "orderId is required"),
            (
                r#"{"command":"ship","orderId":"o","expectedVersion":0}"#,
                "expectedVersion must be a whole number of at least 1, not 0",
            ),
            (
                r#"{"command":"cancel","orderId":"o","clientId":"c"}"#,
                "clientId is not a field of this; known: command, orderId, expectedVersion",
            ),
        ] {
            assert_eq!(refusal(payload), message);
        }
        assert!(refusal("{").starts_with("the command must be JSON: "));
    }

    fn placed() -> Order {
        created(r#"{"clientId":"c","productId":"p","idempotencyKey":"k"}"#).order(Timestamp::EPOCH)
    }

    fn at(status: Status, version: u64) -> Order {
        Order {
            status,
            version,
            ..placed()
        }
    }

    fn ship(expected_version: Option<u64>) -> ChangeOrder {
        ChangeOrder {
            change: Change::Ship,
            order_id: placed().order_id,
            expected_version,
        }
    }

    #[test]
    fn a_repeated_create_gets_the_order_whatever_has_become_of_it() {
        let shipped = at(Status::Shipped, 2);
        assert_eq!(
            already_created(&placed(), shipped.clone()).unwrap(),
            shipped
        );
    }

    #[test]
    fn a_key_that_made_another_order_is_a_conflict_that_says_what_differs() {
        let other = Order {
            quantity: Quantity::new(2).unwrap(),
            product_id: ProductId::new("q").unwrap(),
            ..placed()
        };
        let error = already_created(&placed(), other).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("differs in productId, quantity"),
            "{error}"
        );
    }

    #[test]
    fn a_change_that_is_done_returns_the_order_whatever_version_was_expected() {
        for expected in [None, Some(1), Some(2), Some(9)] {
            let answer = not_changed(&ship(expected), at(Status::Shipped, 2)).unwrap();
            assert_eq!(answer.unwrap(), at(Status::Shipped, 2));
        }
    }

    #[test]
    fn a_change_of_another_version_is_a_conflict_before_it_is_illegal() {
        for (order, expected) in [
            (at(Status::Placed, 2), 1),
            (at(Status::Cancelled, 2), 1),
            (at(Status::Placed, 1), 2),
        ] {
            assert!(matches!(
                not_changed(&ship(Some(expected)), order),
                Some(Err(CommandError::VersionConflict { .. }))
            ));
        }
    }

    #[test]
    fn a_final_order_cannot_become_something_else() {
        for expected in [None, Some(2)] {
            assert!(matches!(
                not_changed(&ship(expected), at(Status::Cancelled, 2)),
                Some(Err(CommandError::IllegalTransition { .. }))
            ));
        }
    }

    #[test]
    fn nothing_stands_against_changing_a_placed_order_of_the_expected_version() {
        assert!(not_changed(&ship(Some(1)), at(Status::Placed, 1)).is_none());
        assert!(not_changed(&ship(None), at(Status::Placed, 5)).is_none());
    }
}
