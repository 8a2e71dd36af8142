//! Fills the table of orders, past the publisher but through the stream.

use std::thread;

use serde_json::{Value, json};
use test_support::wire::Connection;

use crate::stack::Stack;

/// The most that `BatchWriteItem` takes.
const BATCH: usize = 25;
const WRITERS: usize = 2;

/// Brings the table to `orders` orders, and waits until the read model has them all.
pub(crate) fn up_to(stack: &mut Stack, orders: usize) {
    let table = stack.table();
    let there = stack.count();
    let missing: Vec<usize> = (there..orders)
        .map(|order| order - there + stack.filled)
        .collect();
    stack.filled += missing.len();
    let batches: Vec<_> = missing.chunks(BATCH).collect();
    let share = batches.len().div_ceil(WRITERS).max(1);
    thread::scope(|scope| {
        for batches in batches.chunks(share) {
            let mut connection = stack.connection();
            let table = &table;
            scope.spawn(move || {
                for batch in batches {
                    write(&mut connection, table, batch);
                }
            });
        }
    });
    stack.wait_until_read(orders.max(there));
}

fn write(connection: &mut Connection, table: &str, orders: &[usize]) {
    let puts: Vec<_> = orders
        .iter()
        .map(|order| json!({"PutRequest": {"Item": item(&format!("fill-{order:026}"))}}))
        .collect();
    let request = json!({"RequestItems": {table: puts}});
    let answer = connection.dynamodb("BatchWriteItem", &request.to_string());
    let answer = answer.unwrap().json().unwrap();
    let left = answer["UnprocessedItems"].as_object();
    assert!(left.is_none_or(serde_json::Map::is_empty), "{answer}");
}

/// An order as the publisher writes it.
pub(crate) fn item(id: &str) -> Value {
    json!({
        "orderId": {"S": id},
        "clientId": {"S": "123456789"},
        "productId": {"S": "abc-def-ghi"},
        "quantity": {"N": "1"},
        "status": {"S": "placed"},
        "version": {"N": "1"},
        "createdAt": {"S": "2026-11-23T03:00:00.000Z"},
        "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
    })
}

/// A `PutItem` of an order to `table`, on the condition that the publisher sets.
pub(crate) fn put(table: &str, id: &str) -> String {
    json!({
        "TableName": table,
        "Item": item(id),
        "ConditionExpression": "attribute_not_exists(orderId)",
    })
    .to_string()
}
