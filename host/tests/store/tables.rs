//! Tables: made, changed, removed, and read whole.

use std::collections::HashSet;

use host::definition::Table;
use host::store::{StoreError, TableChange};
use serde_json::{Value, json};

use super::support::{Home, item, orders};

fn with(change: impl FnOnce(&mut Table)) -> Table {
    let mut table = orders();
    change(&mut table);
    table
}

fn with_index(projection: &str) -> Table {
    with(|table| {
        table.properties["AttributeDefinitions"] = json!([
            {"AttributeName": "orderId", "AttributeType": "S"},
            {"AttributeName": "clientId", "AttributeType": "S"},
        ]);
        let index = json!({
            "IndexName": "byClient",
            "KeySchema": [{"AttributeName": "clientId", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": projection},
        });
        let name = "GlobalSecondaryIndexes".to_owned();
        table.properties.insert(name, json!([index]));
    })
}

async fn described(home: &Home) -> Value {
    home.call("DescribeTable", json!({"TableName": "orders"}))
        .await["Table"]
        .take()
}

#[tokio::test]
async fn a_table_is_made_once_and_then_is_as_described() {
    let home = Home::empty();
    let table = orders();
    assert_eq!(
        home.store.apply(&table).await.unwrap(),
        TableChange::Created
    );
    assert_eq!(
        home.store.apply(&table).await.unwrap(),
        TableChange::Unchanged
    );
    let found = described(&home).await;
    assert_eq!(
        found["StreamSpecification"]["StreamViewType"],
        "NEW_AND_OLD_IMAGES"
    );
    assert_eq!(
        found["BillingModeSummary"]["BillingMode"],
        "PAY_PER_REQUEST"
    );
}

#[tokio::test]
async fn settings_change_and_items_stay() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    let provisioned = with(|table| {
        let units = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
        table.properties.remove("BillingMode");
        table
            .properties
            .insert("ProvisionedThroughput".to_owned(), units);
    });
    let expiring = with(|table| table.time_to_live = Some("until".to_owned()));
    let renamed = with(|table| table.time_to_live = Some("expires".to_owned()));
    let silent = with(|table| {
        table.properties.remove("StreamSpecification");
    });
    for (step, table) in [
        provisioned,
        with_index("ALL"),
        with_index("KEYS_ONLY"),
        expiring,
        renamed,
        silent,
        orders(),
    ]
    .iter()
    .enumerate()
    {
        let change = home.store.apply(table).await.unwrap();
        assert_eq!(change, TableChange::Updated, "step {step}");
        let again = home.store.apply(table).await.unwrap();
        assert_eq!(again, TableChange::Unchanged, "step {step}");
    }
    let (items, _) = home.store.scan("orders", None, 10).await.unwrap();
    assert_eq!(items.len(), 1);
}

#[tokio::test]
async fn an_index_that_is_added_finds_the_items_that_are_there() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    home.store.apply(&with_index("ALL")).await.unwrap();
    let item = item("a", 1);
    let query = json!({
        "TableName": "orders", "IndexName": "byClient",
        "KeyConditionExpression": "clientId = :c",
        "ExpressionAttributeValues": {":c": item["clientId"]},
    });
    assert_eq!(home.call("Query", query).await["Items"], json!([item]));
}

#[tokio::test]
async fn a_change_that_needs_another_table_names_its_property() {
    let home = Home::with_orders().await;
    let keyed = with(|table| {
        table.properties["KeySchema"] = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    });
    let typed = with(|table| {
        table.properties["AttributeDefinitions"] =
            json!([{"AttributeName": "orderId", "AttributeType": "N"}]);
    });
    let indexed = with(|table| {
        let name = "LocalSecondaryIndexes".to_owned();
        table.properties.insert(name, json!([{"IndexName": "i"}]));
    });
    for (table, name) in [
        (keyed, "KeySchema"),
        (typed, "AttributeDefinitions"),
        (indexed, "LocalSecondaryIndexes"),
    ] {
        match home.store.apply(&table).await.unwrap_err() {
            StoreError::Replacement { property, .. } => assert_eq!(property, name),
            error => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn properties_that_dynamodb_would_refuse_are_refused_in_its_words() {
    let home = Home::empty();
    let wrong = with(|table| table.properties["AttributeDefinitions"] = json!([]));
    let error = home.store.apply(&wrong).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert!(error.to_string().starts_with("table orders: "), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_enabled_anew_is_another_and_empty() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    let before = home.store.stream_arn("orders").unwrap().unwrap();
    let silent = with(|table| {
        table.properties.remove("StreamSpecification");
    });
    home.store.apply(&silent).await.unwrap();
    assert_eq!(home.store.stream_arn("orders").unwrap(), None);
    home.put("b", 1).await;
    // The label is a time in milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    home.store.apply(&orders()).await.unwrap();
    let after = home.store.stream_arn("orders").unwrap().unwrap();
    assert_ne!(after, before);
    assert!(home.records().is_empty());
    home.put("c", 1).await;
    assert_eq!(home.records().len(), 1);
}

#[tokio::test]
async fn deletion_protection_is_the_tables_until_it_is_taken_away() {
    let home = Home::empty();
    let mut protected = orders();
    let property = "DeletionProtectionEnabled".to_owned();
    protected.properties.insert(property, true.into());
    home.store.apply(&protected).await.unwrap();
    let name = json!({"TableName": "orders"});
    let error = home.refused("DeleteTable", name.clone()).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("deletion protection"), "{message}");
    let change = home.store.apply(&orders()).await.unwrap();
    assert_eq!(change, TableChange::Updated);
    home.call("DeleteTable", name).await;
}

#[tokio::test]
async fn a_table_that_is_removed_takes_its_items_and_records_along() {
    let home = Home::with_orders().await;
    let protect = json!({"TableName": "orders", "DeletionProtectionEnabled": true});
    home.call("UpdateTable", protect).await;
    home.put("a", 1).await;
    let newest = home.store.stream("orders").newest().unwrap();
    home.store.remove("orders").await.unwrap();
    home.store.remove("orders").await.unwrap();
    assert_eq!(home.store.stream_arn("orders").unwrap(), None);
    assert!(home.records().is_empty());

    home.store.apply(&orders()).await.unwrap();
    assert!(
        home.store
            .scan("orders", None, 10)
            .await
            .unwrap()
            .0
            .is_empty()
    );
    assert!(home.records().is_empty());
    home.put("a", 1).await;
    assert!(
        home.store.stream("orders").newest().unwrap() > newest,
        "numbers grow on"
    );
}

#[tokio::test]
async fn a_whole_table_is_read_in_pages_each_item_once_while_writes_run() {
    let home = Home::with_orders().await;
    let mut expected = HashSet::new();
    for n in 0..100 {
        home.put(&format!("o{n:03}"), n).await;
        expected.insert(format!("o{n:03}"));
    }
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let (items, next) = home.store.scan("orders", after, 7).await.unwrap();
        for item in items {
            let item: Value = serde_json::from_str(&item).unwrap();
            found.push(item["orderId"]["S"].as_str().unwrap().to_owned());
        }
        // A write to what was read, and to what was not.
        home.put("o000", 1000).await;
        home.put("o099", 1000).await;
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 100);
    assert_eq!(found.into_iter().collect::<HashSet<_>>(), expected);
    let error = home.store.scan("absent", None, 1).await.unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}
