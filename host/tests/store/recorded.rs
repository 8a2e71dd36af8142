//! What a stream shows of writes, as recorded on AWS: the values are those of LocalStack's snapshot
//! files, cited in decision 0050.

use serde_json::{Value, json};

use super::support::{Home, table};

/// A table `orders` with this key, and a stream with this view.
async fn home(key: &str, view: &str) -> Home {
    let home = Home::empty();
    let definition = table(json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": view},
    }));
    home.store.apply(&definition).await.unwrap();
    home
}

fn put(item: &Value) -> Value {
    json!({"TableName": "orders", "Item": item})
}

fn text(value: &str) -> Value {
    json!({"S": value})
}

/// `[event name, SizeBytes]` of each record, and the same of `GetRecords`.
async fn sizes(home: &Home) -> Value {
    let of = |records: &[Value]| -> Value {
        let size = |record: &Value| json!([record["eventName"], record["dynamodb"]["SizeBytes"]]);
        records.iter().map(size).collect()
    };
    let records = of(&home.records());
    assert_eq!(of(&home.got_records().await), records);
    records
}

/// `test_dynamodb_stream_stream_view_type`
#[tokio::test]
async fn keys_only_with_a_put_of_the_same_item_again() {
    let home = home("Username", "KEYS_ONLY").await;
    let fred = json!({"Username": text("Fred")});
    home.call("PutItem", put(&fred)).await;
    home.call("PutItem", put(&fred)).await;
    home.call(
        "UpdateItem",
        json!({"TableName": "orders", "Key": fred, "UpdateExpression": "set S=:r",
            "ExpressionAttributeValues": {":r": {"S": "Fred_Modified"}}}),
    )
    .await;
    home.call("DeleteItem", json!({"TableName": "orders", "Key": fred}))
        .await;
    for statement in [
        "INSERT INTO orders VALUE {'Username': 'Alice'}",
        "UPDATE orders SET partiql=1 WHERE Username='Alice'",
        "DELETE FROM orders WHERE Username='Alice'",
    ] {
        home.call("ExecuteStatement", json!({"Statement": statement}))
            .await;
    }
    assert_eq!(
        sizes(&home).await,
        json!([
            ["INSERT", 12],
            ["MODIFY", 12],
            ["REMOVE", 12],
            ["INSERT", 13],
            ["MODIFY", 13],
            ["REMOVE", 13]
        ])
    );
}

/// `test_batch_write_items_streaming`
#[tokio::test]
async fn a_batch_that_writes_an_item_as_it_is_and_one_as_it_is_not() {
    let home = home("id", "NEW_AND_OLD_IMAGES").await;
    let (fred, other) = (json!({"id": text("Fred")}), json!({"id": text("NewKey")}));
    home.call("PutItem", put(&fred)).await;
    let write = |requests: Value| json!({"RequestItems": {"orders": requests}});
    let puts = json!([{"PutRequest": {"Item": fred}}, {"PutRequest": {"Item": other}}]);
    home.call("BatchWriteItem", write(puts)).await;
    let named = json!({"id": text("Fred"), "name": text("Fred")});
    let rest = json!([{"DeleteRequest": {"Key": other}}, {"PutRequest": {"Item": named}}]);
    home.call("BatchWriteItem", write(rest)).await;
    assert_eq!(
        sizes(&home).await,
        json!([
            ["INSERT", 12],
            ["INSERT", 16],
            ["REMOVE", 16],
            ["MODIFY", 26]
        ])
    );
}

/// `test_dynamodb_event_filter[numeric_filter]`, `test_dynamodb_report_batch_item_failures` and
/// `test_dynamodb_event_source_mapping`
#[tokio::test]
async fn numbers_flags_and_bytes_have_their_sizes() {
    for (key, item, size) in [
        (
            "id",
            json!({"id": text("id_value_1"), "numericFilter": {"N": "42"}}),
            39,
        ),
        (
            "my_partition_key",
            json!({"my_partition_key": text("testId0"), "should_fail": {"BOOL": false}}),
            58,
        ),
        (
            "my_partition_key",
            json!({"my_partition_key": text("hello world"), "binary_key": {"B": "Zm9vYmFy"}}),
            70,
        ),
    ] {
        let home = home(key, "NEW_IMAGE").await;
        home.call("PutItem", put(&item)).await;
        assert_eq!(sizes(&home).await, json!([["INSERT", size]]));
    }
}

/// `test_non_existent_stream` and `test_dynamodb_streams_describe_with_exclusive_start_shard_id`;
/// the words about a shard are in public reports of it.
#[tokio::test]
async fn a_stream_is_its_label_and_a_shard_is_its_own() {
    let home = home("id", "KEYS_ONLY").await;
    let stream = home.store.stream("orders");
    let described = home
        .call(
            "DescribeStream",
            json!({"StreamArn": stream.arn().unwrap()}),
        )
        .await;
    let described = &described["StreamDescription"];
    let key_schema = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    assert_eq!(described["KeySchema"], key_schema);
    let shard = described["Shards"][0]["ShardId"].as_str().unwrap();
    // Also a table with the shortest name: clients refuse other lengths before they send.
    assert!((28..=65).contains(&shard.len()), "{shard}");
    let range = &described["Shards"][0]["SequenceNumberRange"];
    assert!(range["StartingSequenceNumber"].is_string());

    let after = json!({"StreamArn": stream.arn().unwrap(), "ExclusiveStartShardId": shard});
    let after = home.call("DescribeStream", after).await;
    assert_eq!(after["StreamDescription"]["Shards"], json!([]));

    let arn = stream.arn().unwrap();
    let (table, _) = arn.split_once("/stream/").unwrap();
    let other = format!("{table}/stream/2024-11-18T14:36:44.149");
    let expected = format!("Requested resource not found: Stream: {other} not found");
    let iterator = |arn: &str, shard: &str| json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"});
    for (operation, request) in [
        ("DescribeStream", json!({"StreamArn": other})),
        ("GetShardIterator", iterator(&other, shard)),
    ] {
        let error = home.refused(operation, request).await;
        assert_eq!(error["message"], expected);
        assert_eq!(
            error["__type"],
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
        );
    }
    let unknown = iterator(&arn, "shardId-00000000000000000001-00000000");
    let error = home.refused("GetShardIterator", unknown).await;
    assert_eq!(
        error["message"],
        "Requested resource not found: Shard does not exist"
    );
}

/// `insert_same_entry_twice` has it of a put; of the other ways AWS's guide says it too.
#[tokio::test]
async fn no_way_of_writing_what_is_there_makes_a_record_in_any_view() {
    let item = json!({
        "id": text("a"), "n": {"N": "1.5"}, "set": {"NS": ["2", "1"]}, "texts": {"SS": ["y", "x"]},
        "map": {"M": {"a.b": {"NULL": true}, "list": {"L": [{"BOOL": true}, {"B": "AAE="}]},
            "\"": text("\u{e9}'\u{1f980}")}},
    });
    let key = json!({"id": text("a")});
    let same = json!({"TableName": "orders", "Key": key, "UpdateExpression": "SET n = :n ADD #s :s",
        "ExpressionAttributeNames": {"#s": "set"},
        "ExpressionAttributeValues": {":n": {"N": "1.50"}, ":s": {"NS": ["2"]}}});
    let statement = json!({"Statement": "UPDATE orders SET n = 1.5 WHERE id = 'a'"});
    for view in ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"] {
        let home = home("id", view).await;
        home.call("PutItem", put(&item)).await;
        let home = home.reopened();
        for (operation, request) in [
            ("PutItem", put(&item)),
            ("UpdateItem", same.clone()),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"orders": [{"PutRequest": {"Item": item}}]}}),
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": put(&item)}]}),
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Update": same}]}),
            ),
            ("ExecuteStatement", statement.clone()),
            (
                "ExecuteTransaction",
                json!({"TransactStatements": [statement]}),
            ),
            ("BatchExecuteStatement", json!({"Statements": [statement]})),
        ] {
            home.call(operation, request).await;
            assert_eq!(home.records().len(), 1, "{view} {operation}");
        }
        // Each differs in one place, at the same length, and so is a change.
        let mut changed = item.clone();
        for (place, value) in [
            ("/n/N", json!("1.6")),
            ("/set/NS/0", json!("3")),
            ("/map/M/list/L/0", json!({"NULL": true})),
            ("/map/M/list/L/1/B", json!("AAI=")),
            ("/map/M/a.b/NULL", json!(true)),
        ] {
            let before = changed.clone();
            *changed.pointer_mut(place).unwrap() = value;
            let count = home.records().len();
            home.call("PutItem", put(&changed)).await;
            let more = usize::from(changed != before);
            assert_eq!(home.records().len(), count + more, "{view} {place}");
        }
    }
}

#[tokio::test]
async fn a_table_that_a_client_made_compares_its_writes_too() {
    let home = Home::empty();
    home.call(
        "CreateTable",
        json!({
            "TableName": "of-a-client",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        }),
    )
    .await;
    let request = json!({"TableName": "of-a-client", "Item": {"id": text("a")}});
    home.call("PutItem", request.clone()).await;
    home.call("PutItem", request).await;
    let records = home
        .store
        .stream("of-a-client")
        .read(host::store::Sequence(0), 10);
    assert_eq!(records.unwrap().len(), 1);
}
