//! What a table and a read model hold, put there by hand.

use serde_json::{Value, json};
use test_support::valkey::Valkey;

/// Writes the witness of a read model that is complete.
pub(crate) fn complete(server: &Valkey) {
    server.run::<()>(&["SET", "orders:v2:complete", "1"]);
}

/// The item of an order's document.
pub(crate) fn item(order: &Value) -> Value {
    let mut item = json!({});
    for (name, value) in order.as_object().unwrap() {
        item[name] = match value {
            Value::Number(number) => json!({"N": number.to_string()}),
            other => json!({"S": other}),
        };
    }
    item
}
