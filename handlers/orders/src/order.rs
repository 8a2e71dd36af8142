//! The order: its fields, its states, its one JSON form.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, OrderId, ProductId};
use crate::timestamp::Timestamp;

/// The most of a product that one order may ask for.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// An order as both models hold it and every answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Names the order, for ever.
    pub order_id: OrderId,
    /// Who ordered.
    pub client_id: ClientId,
    /// What was ordered.
    pub product_id: ProductId,
    /// How many of it, 1 to [`MAX_QUANTITY`].
    #[serde(default)]
    pub quantity: Quantity,
    /// How far the order has come.
    #[serde(default)]
    pub status: Status,
    /// 1 when created, one more with each change.
    #[serde(default = "first_version")]
    pub version: u64,
    /// When it was created.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(default)]
    pub updated_at: Timestamp,
}

pub(crate) const fn first_version() -> u64 {
    1
}

/// A number of pieces, 1 to [`MAX_QUANTITY`]; 1 unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Quantity(u32);

/// A number of pieces that is 0 or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to {MAX_QUANTITY}")]
pub struct OutOfRange;

impl Quantity {
    /// Takes `pieces`.
    ///
    /// # Errors
    /// When there are none, or more than [`MAX_QUANTITY`].
    pub fn new(pieces: u64) -> Result<Self, OutOfRange> {
        match u32::try_from(pieces) {
            Ok(pieces @ 1..=MAX_QUANTITY) => Ok(Self(pieces)),
            _ => Err(OutOfRange),
        }
    }

    /// The number of pieces.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u64> for Quantity {
    type Error = OutOfRange;
    fn try_from(pieces: u64) -> Result<Self, OutOfRange> {
        Self::new(pieces)
    }
}

impl From<Quantity> for u64 {
    fn from(quantity: Quantity) -> u64 {
        quantity.0.into()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How far an order has come. `Placed` may become either of the others, and those stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Ordered, and nothing done yet.
    #[default]
    Placed,
    /// On its way; final.
    Shipped,
    /// Called off; final.
    Cancelled,
}

/// A text that names no [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of placed, shipped, cancelled")]
pub struct UnknownStatus;

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Placed, Self::Shipped, Self::Cancelled];

    /// Its name in JSON and in both models.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Shipped => "shipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_exactly_the_documented_json() {
        let json = r#"{"orderId":"0199","clientId":"123456789","productId":"abc-def-ghi","quantity":1,"status":"placed","version":1,"createdAt":"2026-11-23T03:00:00.000Z","updatedAt":"2026-11-23T03:00:00.000Z"}"#;
        let order: Order = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&order).unwrap(), json);
    }

    #[test]
    fn an_order_of_three_fields_is_read_with_defaults() {
        let order: Order =
            serde_json::from_str(r#"{"orderId":"o","clientId":"c","productId":"p"}"#).unwrap();
        assert_eq!(
            (order.quantity.get(), order.status, order.version),
            (1, Status::Placed, 1)
        );
        assert_eq!(
            (order.created_at, order.updated_at),
            (Timestamp::EPOCH, Timestamp::EPOCH)
        );
    }

    #[test]
    fn a_quantity_is_from_1_to_a_million() {
        assert_eq!(Quantity::new(0), Err(OutOfRange));
        assert_eq!(Quantity::new(1).unwrap().get(), 1);
        assert_eq!(Quantity::new(1_000_000).unwrap().get(), 1_000_000);
        assert_eq!(Quantity::new(1_000_001), Err(OutOfRange));
        assert_eq!(Quantity::new(u64::MAX), Err(OutOfRange));
    }

    #[test]
    fn every_status_is_read_back_from_its_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::json!(status.as_str())
            );
        }
        assert_eq!("Placed".parse::<Status>(), Err(UnknownStatus));
    }
}
