//! How an order looks: by itself, with or without the time it took, or as one of a list.

use std::fmt;
use std::time::Duration;

use orders::order::Order;
use serde::Serialize;

/// The columns of orders that are listed, and an order's cells in them.
pub(super) const HEADER: [&str; 7] = [
    "ORDER", "STATUS", "CLIENT", "PRODUCT", "QUANTITY", "VERSION", "CREATED",
];

pub(super) fn cells(order: &Order) -> [String; 7] {
    [
        order.order_id.to_string(),
        order.status.to_string(),
        order.client_id.to_string(),
        order.product_id.to_string(),
        order.quantity.to_string(),
        order.version.to_string(),
        order.created_at.to_string(),
    ]
}

/// An order, with its times where they were measured. In JSON both are one flat object.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) order: Order,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) timing: Option<Timing>,
}

/// How long things took, in milliseconds, as seen from here: the network is included.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timing {
    /// From sending the command to its answer; absent where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_ms: Option<f64>,
    /// From that answer, or from the first question, until the read model showed it.
    visible_ms: f64,
}

impl Timing {
    pub(super) fn new(written: Duration, visible: Duration) -> Self {
        Self {
            write_ms: Some(millis(written)),
            visible_ms: millis(visible),
        }
    }

    pub(super) fn of_reading(visible: Duration) -> Self {
        Self {
            write_ms: None,
            visible_ms: millis(visible),
        }
    }
}

/// To a tenth: more would be noise.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.write_ms {
            Some(write) => write!(
                f,
                "written in {write} ms, visible {} ms later",
                self.visible_ms
            ),
            None => write!(f, "visible after {} ms", self.visible_ms),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = &self.order;
        writeln!(f, "order     {}", order.order_id)?;
        writeln!(f, "client    {}", order.client_id)?;
        writeln!(f, "product   {}", order.product_id)?;
        writeln!(f, "quantity  {}", order.quantity)?;
        writeln!(f, "status    {}", order.status)?;
        writeln!(f, "version   {}", order.version)?;
        writeln!(f, "created   {}", order.created_at)?;
        writeln!(f, "updated   {}", order.updated_at)?;
        if let Some(timing) = &self.timing {
            writeln!(f, "\n{timing}")?;
        }
        Ok(())
    }
}
