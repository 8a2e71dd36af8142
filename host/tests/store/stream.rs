//! The stream: what it tells, where it goes on, and what it forgets.

use std::time::{Duration, SystemTime};

use host::store::{Sequence, TableChange};
use serde_json::json;

use super::support::{Home, REGION, item, key, orders, put, table};

#[tokio::test]
async fn each_kind_of_write_becomes_its_record_as_lambda_delivers_it() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    home.put("a", 2).await;
    home.call("DeleteItem", key("a")).await;

    let stream = home.store.stream("orders");
    let arn = home.store.stream_arn("orders").unwrap().unwrap();
    assert_eq!(arn, stream.arn().unwrap());
    let records = home.records();
    assert_eq!(records.len(), 3);
    let images = [
        ("INSERT", Some(item("a", 1)), None),
        ("MODIFY", Some(item("a", 2)), Some(item("a", 1))),
        ("REMOVE", None, Some(item("a", 2))),
    ];
    let mut numbers = Vec::new();
    for (record, (name, new, old)) in records.iter().zip(images) {
        let change = &record["dynamodb"];
        let mut expected = json!({
            "eventID": record["eventID"], "eventName": name, "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": change["ApproximateCreationDateTime"],
                "Keys": {"orderId": {"S": "a"}},
                "SequenceNumber": change["SequenceNumber"],
                "SizeBytes": change["SizeBytes"],
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": arn,
        });
        for (name, image) in [("NewImage", new), ("OldImage", old)] {
            if let Some(image) = image {
                expected["dynamodb"][name] = image;
            }
        }
        assert_eq!(*record, expected);
        assert_eq!(record["eventID"].as_str().unwrap().len(), 32);
        let time = &change["ApproximateCreationDateTime"];
        assert!(time.is_f64(), "{time}");
        let time = time.as_f64().unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!(time <= now && now < time + 600.0, "{time}");
        let number = change["SequenceNumber"].as_str().unwrap();
        assert_eq!(number.len(), 21);
        numbers.push(number.to_owned());
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test]
async fn records_are_those_of_get_records() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    home.put("a", 2).await;
    home.call("DeleteItem", key("a")).await;

    let mut records = home.records();
    for record in &mut records {
        record.as_object_mut().unwrap().remove("eventSourceARN");
    }
    assert_eq!(home.got_records().await, records);
}

#[tokio::test]
async fn reading_goes_on_where_it_stopped_also_after_a_reopening_which_loses_nothing() {
    let home = Home::with_orders().await;
    for id in ["a", "b", "c"] {
        home.put(id, 1).await;
    }
    let stream = home.store.stream("orders");
    let first = stream.read(Sequence(0), 2).unwrap();
    assert_eq!(&*first[0].key, r#"{"orderId":{"S":"a"}}"#);
    let place = first[1].sequence;
    let arn = stream.arn().unwrap();
    drop(stream);

    let home = home.reopened();
    assert_eq!(home.call("GetItem", key("a")).await["Item"], item("a", 1));
    home.put("d", 1).await;
    let stream = home.store.stream("orders");
    assert_eq!(stream.arn().unwrap(), arn);
    let rest = stream.read(place, 10).unwrap();
    let keys: Vec<&str> = rest.iter().map(|record| &*record.key).collect();
    assert_eq!(
        keys,
        [r#"{"orderId":{"S":"c"}}"#, r#"{"orderId":{"S":"d"}}"#]
    );
    let last = rest[1].sequence;
    assert_eq!(stream.newest().unwrap(), last);
    assert!(stream.read(last, 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_write_whose_condition_fails_emits_nothing() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    let mut request = put("a", 2);
    request["ConditionExpression"] = "attribute_not_exists(orderId)".into();
    let changed = home.store.stream("orders").changed();
    let error = home.refused("PutItem", request).await;
    assert_eq!(
        error["__type"],
        "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    );
    assert_eq!(home.records().len(), 1);
    assert!(!changed.has_changed().unwrap());
}

#[tokio::test]
async fn every_kind_of_write_wakes_the_readers_of_the_table() {
    let home = Home::with_orders().await;
    let mut changed = home.store.stream("orders").changed();
    let write = json!({"PutRequest": {"Item": item("b", 1)}});
    let update = json!({
        "TableName": "orders", "Key": {"orderId": {"S": "a"}},
        "UpdateExpression": "SET quantity = :q",
        "ExpressionAttributeValues": {":q": {"N": "5"}},
    });
    for (operation, request) in [
        ("PutItem", put("a", 1)),
        ("UpdateItem", update),
        ("DeleteItem", key("a")),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"orders": [write]}}),
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Put": put("c", 1)}]}),
        ),
        (
            "ExecuteStatement",
            json!({"Statement": "INSERT INTO orders VALUE {'orderId': 'd'}"}),
        ),
        (
            "ExecuteTransaction",
            json!({"TransactStatements": [
                {"Statement": "INSERT INTO orders VALUE {'orderId': 'e'}"}]}),
        ),
        (
            "BatchExecuteStatement",
            json!({"Statements": [{"Statement": "DELETE FROM orders WHERE orderId = 'e'"}]}),
        ),
    ] {
        let before = home.records().len();
        home.call(operation, request).await;
        assert!(changed.has_changed().unwrap(), "{operation}");
        changed.mark_unchanged();
        assert_eq!(home.records().len(), before + 1, "{operation}");
    }
    home.call("GetItem", key("b")).await;
    assert!(!changed.has_changed().unwrap());
}

#[tokio::test]
async fn a_key_of_two_attributes_is_one_text_for_all_writes_of_its_item() {
    let home = Home::empty();
    let attribute = |name| json!({"AttributeName": name, "AttributeType": "S"});
    let composite = table(json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("b"), attribute("a")],
        "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"},
            {"AttributeName": "a", "KeyType": "RANGE"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    }));
    home.store.apply(&composite).await.unwrap();
    // The engine's maps have another order in each of them.
    for n in 0..32 {
        let item = json!({"a": {"S": "x"}, "b": {"S": "y"}, "n": {"N": n.to_string()}});
        home.call("PutItem", json!({"TableName": "orders", "Item": item}))
            .await;
    }
    let records = home.store.stream("orders").read(Sequence(0), 100).unwrap();
    assert_eq!(records.len(), 32);
    for record in records {
        assert_eq!(&*record.key, r#"{"a":{"S":"x"},"b":{"S":"y"}}"#);
        let json: serde_json::Value = serde_json::from_str(&record.json).unwrap();
        assert_eq!(json["dynamodb"]["StreamViewType"], "KEYS_ONLY");
        assert!(json["dynamodb"].get("NewImage").is_none());
    }
}

#[tokio::test]
async fn an_item_whose_time_is_over_is_removed_by_dynamodb_itself() {
    let home = Home::with_orders().await;
    assert_eq!(home.store.sweep().await.unwrap(), 0);
    let mut expiring = orders();
    expiring.time_to_live = Some("until".to_owned());
    let change = home.store.apply(&expiring).await.unwrap();
    assert_eq!(change, TableChange::Updated);
    for (id, until) in [("past", "1000"), ("future", "99999999999")] {
        let item = json!({"orderId": {"S": id}, "until": {"N": until}});
        home.call("PutItem", json!({"TableName": "orders", "Item": item}))
            .await;
    }
    let mut changed = home.store.stream("orders").changed();
    changed.mark_unchanged();
    assert_eq!(home.store.sweep().await.unwrap(), 1);
    assert!(changed.has_changed().unwrap());
    let record = home.records().pop().unwrap();
    assert_eq!(record["eventName"], "REMOVE");
    assert_eq!(record["dynamodb"]["Keys"]["orderId"]["S"], "past");
    assert_eq!(
        record["userIdentity"],
        json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
    );
}

#[tokio::test]
async fn records_older_than_a_day_go_but_for_the_newest() {
    let home = Home::with_orders().await;
    for n in 0..1201 {
        home.put(&format!("o{n}"), 1).await;
    }
    let stream = home.store.stream("orders");
    home.store.trim().await.unwrap();
    assert_eq!(stream.read(Sequence(0), 5000).unwrap().len(), 1201);

    let day = i64::try_from(Duration::from_secs(25 * 3600).as_micros()).unwrap();
    let age = "UPDATE _stream_records SET sequence_number =
        CAST(CAST(sequence_number AS INTEGER) - ?1 AS TEXT)";
    home.sqlite().execute(age, [day]).unwrap();
    home.put("young", 1).await;
    home.store.trim().await.unwrap();
    let left = stream.read(Sequence(0), 5000).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(&*left[0].key, r#"{"orderId":{"S":"young"}}"#);

    home.sqlite().execute(age, [day]).unwrap();
    home.store.trim().await.unwrap();
    assert_eq!(stream.read(Sequence(0), 5000).unwrap().len(), 1);
}

#[tokio::test]
async fn the_engine_and_the_reader_find_records_by_the_index() {
    let home = Home::with_orders().await;
    let sqlite = home.sqlite();
    let number = "CAST(sequence_number AS INTEGER)";
    for (query, by) in [
        // The engine's, as its source has them.
        (
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'x'".to_owned(),
            "SEARCH _stream_records USING COVERING INDEX host_stream_records (table_name=?)",
        ),
        (
            format!("SELECT event_name, keys_json FROM _stream_records WHERE table_name = 'x' AND shard_id = 's' AND {number} > 3 ORDER BY {number} ASC LIMIT 9"),
            "SEARCH _stream_records USING INDEX host_stream_records (table_name=? AND <expr>>?)",
        ),
        (
            format!("SELECT MIN({number}), MAX({number}) FROM _stream_records WHERE table_name = 'x' AND shard_id = 's'"),
            "SEARCH _stream_records USING COVERING INDEX host_stream_records (table_name=?)",
        ),
        (
            format!("SELECT {number}, event_id FROM _stream_records WHERE table_name = 'x' AND {number} > 3 ORDER BY {number} LIMIT 9"),
            "SEARCH _stream_records USING INDEX host_stream_records (table_name=? AND <expr>>?)",
        ),
        (
            format!("SELECT id FROM _stream_records WHERE table_name = 'x' AND {number} < 3 ORDER BY {number} LIMIT 9"),
            "SEARCH _stream_records USING COVERING INDEX host_stream_records (table_name=? AND <expr><?)",
        ),
    ] {
        let plan: Vec<String> = sqlite
            .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
            .unwrap()
            .query_map([], |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(plan, [by], "{query}");
    }
}
