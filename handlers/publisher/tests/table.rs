//! The publisher on a real emulator of DynamoDB: that its expressions mean what they should.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use serde_json::{Value, json};
use test_support::emulator::Emulator;
use test_support::runtime_api::Handler;

struct Given {
    emulator: Emulator,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Given {
    fn an_empty_table() -> Self {
        let emulator = Emulator::start();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(emulator.endpoint())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let key = AttributeDefinition::builder()
            .attribute_name("orderId")
            .attribute_type(ScalarAttributeType::S);
        let schema = KeySchemaElement::builder()
            .attribute_name("orderId")
            .key_type(KeyType::Hash);
        let create = client
            .create_table()
            .table_name("orders")
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(key.build().unwrap())
            .key_schema(schema.build().unwrap());
        runtime.block_on(create.send()).unwrap();
        Self {
            emulator,
            client,
            runtime,
        }
    }

    fn publisher(&self) -> Handler {
        let environment = self.emulator.environment();
        let mut environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        environment.push(("WRITE_MODEL_TABLE", "orders"));
        Handler::start(env!("CARGO_BIN_EXE_publisher"), &environment)
    }

    fn count(&self) -> i32 {
        let scan = self.client.scan().table_name("orders");
        self.runtime.block_on(scan.send()).unwrap().count()
    }

    fn put_legacy(&self, id: &str) {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let put = self
            .client
            .put_item()
            .table_name("orders")
            .item("orderId", text(id))
            .item("clientId", text("c"))
            .item("productId", text("p"));
        self.runtime.block_on(put.send()).unwrap();
    }
}

#[test]
fn an_order_lives_through_its_commands() {
    let given = Given::an_empty_table();
    let mut publisher = given.publisher();
    let placed = publisher
        .invoke(&json!({"clientId": "c", "productId": "p", "quantity": 3}))
        .unwrap();
    let id = &placed["orderId"];
    assert_eq!(
        (&placed["status"], &placed["version"]),
        (&json!("placed"), &json!(1))
    );

    let early = publisher.invoke(&json!({"command": "ship", "orderId": id, "expectedVersion": 2}));
    assert_eq!(early.unwrap_err().error_type, "VersionConflict");

    let shipped = publisher
        .invoke(&json!({"command": "ship", "orderId": id, "expectedVersion": 1}))
        .unwrap();
    assert_eq!(
        (&shipped["status"], &shipped["version"]),
        (&json!("shipped"), &json!(2))
    );
    assert_eq!(shipped["createdAt"], placed["createdAt"]);
    assert_eq!(shipped["quantity"], 3);

    let again = publisher.invoke(&json!({"command": "ship", "orderId": id, "expectedVersion": 1}));
    assert_eq!(again, Ok(shipped));

    let cancel = publisher.invoke(&json!({"command": "cancel", "orderId": id}));
    assert_eq!(cancel.unwrap_err().error_type, "IllegalTransition");
    let unknown = publisher.invoke(&json!({"command": "cancel", "orderId": "none"}));
    assert_eq!(unknown.unwrap_err().error_type, "OrderNotFound");
}

#[test]
fn two_creates_with_one_key_at_once_make_one_order() {
    let given = Given::an_empty_table();
    let command = json!({"clientId": "c", "productId": "p", "idempotencyKey": "k"});
    let orders: Vec<Value> = std::thread::scope(|scope| {
        let invoke = || given.publisher().invoke(&command).unwrap();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(invoke)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        orders.windows(2).all(|pair| pair[0] == pair[1]),
        "{orders:#?}"
    );
    assert_eq!(given.count(), 1);
    let other = json!({"clientId": "c", "productId": "q", "idempotencyKey": "k"});
    let error = given.publisher().invoke(&other).unwrap_err();
    assert_eq!(error.error_type, "IdempotencyConflict");
}

#[test]
fn items_of_the_original_sample_can_be_shipped_and_cancelled() {
    let given = Given::an_empty_table();
    let mut publisher = given.publisher();
    given.put_legacy("a");
    given.put_legacy("b");
    let shipped = publisher
        .invoke(&json!({"command": "ship", "orderId": "a", "expectedVersion": 1}))
        .unwrap();
    assert_eq!(
        shipped,
        json!({
            "orderId": "a", "clientId": "c", "productId": "p", "quantity": 1, "status": "shipped",
            "version": 2, "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": shipped["updatedAt"],
        })
    );
    let wrong = json!({"command": "cancel", "orderId": "b", "expectedVersion": 2});
    assert_eq!(
        publisher.invoke(&wrong).unwrap_err().error_type,
        "VersionConflict"
    );
    let cancelled = publisher
        .invoke(&json!({"command": "cancel", "orderId": "b"}))
        .unwrap();
    assert_eq!(
        (&cancelled["status"], &cancelled["version"]),
        (&json!("cancelled"), &json!(2))
    );
}

#[test]
fn an_order_at_the_last_version_is_not_changed_and_can_still_be_read() {
    let given = Given::an_empty_table();
    let mut publisher = given.publisher();
    given.put_legacy("a");
    let last = AttributeValue::N(u64::MAX.to_string());
    let update = given
        .client
        .update_item()
        .table_name("orders")
        .key("orderId", AttributeValue::S("a".to_owned()))
        .update_expression("SET version = :last")
        .expression_attribute_values(":last", last.clone());
    given.runtime.block_on(update.send()).unwrap();
    for expected in [json!(null), json!(u64::MAX)] {
        let ship = json!({"command": "ship", "orderId": "a", "expectedVersion": expected});
        let error = publisher.invoke(&ship).unwrap_err();
        assert_eq!(error.error_type, "WriteModelFault", "{error:?}");
        assert!(
            error
                .message
                .contains("18446744073709551615, the last there is"),
            "{error:?}"
        );
    }
    let wrong = json!({"command": "ship", "orderId": "a", "expectedVersion": 7});
    assert_eq!(
        publisher.invoke(&wrong).unwrap_err().error_type,
        "VersionConflict"
    );
    let get = given
        .client
        .get_item()
        .table_name("orders")
        .key("orderId", AttributeValue::S("a".to_owned()));
    let item = given.runtime.block_on(get.send()).unwrap().item.unwrap();
    assert_eq!(
        (item.get("version"), item.get("status")),
        (Some(&last), None)
    );
}

#[test]
fn a_diagnosis_reaches_the_table_and_writes_nothing() {
    let given = Given::an_empty_table();
    let mut publisher = given.publisher();
    let reached = publisher.invoke(&json!({"diagnose": true})).unwrap();
    let step = &reached["steps"][0];
    assert_eq!(
        (&step["step"], &step["ok"], &step["detail"]),
        (&json!("table"), &json!(true), &json!("orders")),
        "{reached}"
    );
    assert_eq!(given.count(), 0);

    let delete = given.client.delete_table().table_name("orders");
    given.runtime.block_on(delete.send()).unwrap();
    let missed = publisher.invoke(&json!({"diagnose": true})).unwrap();
    let step = &missed["steps"][0];
    assert_eq!(step["ok"], false, "{missed}");
    let said = step["detail"].as_str().unwrap();
    assert!(said.contains("ResourceNotFoundException"), "{said}");
}
