//! The way to the table: one request that it must refuse.
//!
//! The publisher's role may put and update items and nothing else, so the table is asked for an
//! update whose condition never holds. It answers that the condition failed only if it was reached,
//! is there, and lets the publisher write. Nothing is written, and nothing enters the stream.

use std::time::Instant;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::{WriteModel, classify, text};
use crate::diagnosis::{Diagnosis, StepName};
use crate::item::attribute;

/// The order that is asked about; whether it exists changes nothing.
const ORDER: &str = "diagnose";

impl WriteModel {
    /// Asks the table and says what it answered.
    pub async fn diagnose(&self) -> Diagnosis {
        let mut diagnosis = Diagnosis::begin();
        let began = Instant::now();
        let outcome = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(attribute::ORDER_ID, text(ORDER))
            .condition_expression("attribute_exists(#orderId) AND attribute_not_exists(#orderId)")
            .expression_attribute_names("#orderId", attribute::ORDER_ID)
            .send()
            .await;
        let outcome = match outcome {
            Ok(_) => Err("the table took a write whose condition cannot hold".to_owned()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(self.table.clone()),
                _ => Err(format!("{}: {}", self.table, classify(error))),
            },
        };
        diagnosis.add(StepName::Table, began, outcome);
        diagnosis
    }
}
