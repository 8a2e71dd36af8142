//! The way to the table: one request that it must refuse.
//!
//! The publisher's role may get, put and update items and nothing else, so the table is asked for
//! an update whose condition never holds. It answers that the condition failed only if it was reached,
//! is there, and lets the publisher write. Nothing is written, and nothing enters the stream.

use std::time::Instant;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::dynamo::{DynamoTable, classify};
use crate::diagnosis::{Diagnosis, StepName};

/// The id that is asked about; whether it exists changes nothing.
const ID: &str = "diagnose";

impl DynamoTable {
    /// Asks the table and says what it answered.
    pub async fn diagnose(&self) -> Diagnosis {
        let mut diagnosis = Diagnosis::begin();
        let began = Instant::now();
        let outcome = self
            .update(ID)
            .condition_expression("attribute_exists(#id) AND attribute_not_exists(#id)")
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
