//! What is done with a request before the engine has it: its expressions are held to DynamoDB's
//! bounds, and tables that are named by their ARNs are named as the engine knows them.

use std::collections::HashMap;

use dynoxide::DynoxideError;
use dynoxide::actions::batch_execute_statement::BatchExecuteStatementRequest;
use dynoxide::actions::batch_get_item::BatchGetItemResponse;
use dynoxide::actions::batch_write_item::BatchWriteItemResponse;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::execute_statement::ExecuteStatementRequest;
use dynoxide::actions::execute_transaction::ExecuteTransactionRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::search_vectors::SearchVectorsRequest;
use dynoxide::actions::transact_get_items::TransactGetItemsRequest;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::actions::update_item::UpdateItemRequest;

use super::expression::{Kind, check};

/// A request to which something is to be done first; by default nothing is.
pub(super) trait Prepare {
    /// Refuses what is beyond the bounds.
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        Ok(())
    }
}

impl Prepare for PutItemRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::Condition, self.condition_expression.as_deref())
    }
}

impl Prepare for DeleteItemRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::Condition, self.condition_expression.as_deref())
    }
}

impl Prepare for UpdateItemRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::Update, self.update_expression.as_deref())?;
        check(Kind::Condition, self.condition_expression.as_deref())
    }
}

impl Prepare for QueryRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::KeyCondition, self.key_condition_expression.as_deref())?;
        check(Kind::Filter, self.filter_expression.as_deref())
    }
}

impl Prepare for ScanRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::Filter, self.filter_expression.as_deref())
    }
}

impl Prepare for SearchVectorsRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        check(Kind::Condition, self.search_condition_expression.as_deref())
    }
}

impl Prepare for TransactWriteItemsRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        for item in &mut self.transact_items {
            if let Some(put) = &mut item.put {
                to_name(&mut put.table_name);
                check(Kind::Condition, put.condition_expression.as_deref())?;
            }
            if let Some(update) = &mut item.update {
                to_name(&mut update.table_name);
                check(Kind::Update, Some(&update.update_expression))?;
                check(Kind::Condition, update.condition_expression.as_deref())?;
            }
            if let Some(delete) = &mut item.delete {
                to_name(&mut delete.table_name);
                check(Kind::Condition, delete.condition_expression.as_deref())?;
            }
            if let Some(condition) = &mut item.condition_check {
                to_name(&mut condition.table_name);
                check(Kind::Condition, Some(&condition.condition_expression))?;
            }
        }
        Ok(())
    }
}

impl Prepare for TransactGetItemsRequest {
    fn prepare(&mut self) -> Result<(), DynoxideError> {
        for item in &mut self.transact_items {
            to_name(&mut item.get.table_name);
        }
        Ok(())
    }
}

// The engine bounds its own reading of statements.
impl Prepare for ExecuteStatementRequest {}
impl Prepare for ExecuteTransactionRequest {}
impl Prepare for BatchExecuteStatementRequest {}

/// The table's name, where this is a table's ARN.
pub(super) fn name_in_arn(text: &str) -> Option<&str> {
    let (place, name) = text.split_once(":table/")?;
    place.starts_with("arn:").then_some(name)
}

fn to_name(table: &mut String) {
    if let Some(name) = name_in_arn(table) {
        *table = name.to_owned();
    }
}

/// The ARNs by which a batch named its tables, with the tables' names. DynamoDB answers under what
/// it was asked for.
#[derive(Debug)]
pub(super) struct Named(Vec<(String, String)>);

impl Named {
    /// Of a batch's tables, which are named as the engine knows them from now on.
    pub(super) fn of<T>(tables: &mut HashMap<String, T>) -> Self {
        let named: Vec<(String, String)> = tables
            .keys()
            .filter_map(|arn| Some((arn.clone(), name_in_arn(arn)?.to_owned())))
            .collect();
        for (arn, name) in &named {
            rename(tables, arn, name);
        }
        Self(named)
    }

    pub(super) fn written(&self, mut answer: BatchWriteItemResponse) -> BatchWriteItemResponse {
        for (arn, name) in &self.0 {
            rename(&mut answer.unprocessed_items, name, arn);
        }
        answer
    }

    pub(super) fn got(&self, mut answer: BatchGetItemResponse) -> BatchGetItemResponse {
        for (arn, name) in &self.0 {
            rename(&mut answer.responses, name, arn);
            rename(&mut answer.unprocessed_keys, name, arn);
        }
        answer
    }
}

fn rename<T>(map: &mut HashMap<String, T>, from: &str, to: &str) {
    if let Some(value) = map.remove(from) {
        map.insert(to.to_owned(), value);
    }
}
