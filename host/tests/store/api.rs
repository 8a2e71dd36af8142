//! DynamoDB's protocol: ARNs, errors, many callers at once.

use std::collections::HashSet;

use host::store::Sequence;
use serde_json::json;

use crate::support::{Home, REGION, item, key, put};

#[tokio::test]
async fn arns_are_of_the_stacks_region_and_are_taken_back() {
    let home = Home::with_orders().await;
    let table_arn = format!("arn:aws:dynamodb:{REGION}:000000000000:table/orders");
    let described = home
        .call("DescribeTable", json!({"TableName": "orders"}))
        .await;
    assert_eq!(described["Table"]["TableArn"], table_arn);
    let stream_arn = described["Table"]["LatestStreamArn"].as_str().unwrap();
    let label = described["Table"]["LatestStreamLabel"].as_str().unwrap();
    assert_eq!(stream_arn, format!("{table_arn}/stream/{label}"));
    assert_eq!(label.len(), "2015-05-11T21:21:33.291".len(), "{label}");
    assert_eq!(home.store.stream("orders").arn(), stream_arn);

    let streams = home.call("ListStreams", json!({})).await;
    assert_eq!(
        streams["Streams"],
        json!([{"StreamArn": stream_arn, "StreamLabel": label, "TableName": "orders"}])
    );
    let after = json!({"ExclusiveStartStreamArn": stream_arn});
    let streams = home.call("ListStreams", after).await;
    assert_eq!(streams["Streams"], json!([]));

    home.put("a", 1).await;
    let described = home
        .call("DescribeStream", json!({"StreamArn": stream_arn}))
        .await;
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamArn"], stream_arn);
    let shard = &description["Shards"][0];
    assert_eq!(shard["ShardId"], home.store.stream("orders").shard());
    let range = &shard["SequenceNumberRange"];
    assert!(range["StartingSequenceNumber"].is_string());
    assert!(
        range.get("EndingSequenceNumber").is_none(),
        "the shard is open"
    );

    let tags = json!([{"Key": "k", "Value": "v"}]);
    home.call(
        "TagResource",
        json!({"ResourceArn": table_arn, "Tags": tags}),
    )
    .await;
    let listed = home
        .call("ListTagsOfResource", json!({"ResourceArn": table_arn}))
        .await;
    assert_eq!(listed["Tags"], tags);

    let mut request = key("a");
    request["TableName"] = table_arn.into();
    assert_eq!(home.call("GetItem", request).await["Item"], item("a", 1));
}

#[tokio::test]
async fn items_that_look_like_the_engines_arns_stay_as_they_are() {
    let home = Home::with_orders().await;
    let text = "arn:aws:dynamodb:dynoxide:000000000000:table/x";
    let item = json!({"orderId": {"S": "a"}, "note": {"S": text}});
    home.call("PutItem", json!({"TableName": "orders", "Item": item}))
        .await;
    assert_eq!(home.call("GetItem", key("a")).await["Item"], item);
    assert_eq!(home.records()[0]["dynamodb"]["NewImage"], item);
    let stream = home.store.stream("orders");
    let at = json!({"StreamArn": stream.arn(), "ShardId": stream.shard(),
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "SequenceNumber": stream.newest().unwrap().to_string()});
    let iterator = home.call("GetShardIterator", at).await;
    let page = home.call("GetRecords", iterator).await;
    assert_eq!(page["Records"][0]["dynamodb"]["NewImage"], item);
    assert_eq!(page["Records"][0]["awsRegion"], REGION);
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_in_dynamodbs_words() {
    let home = Home::with_orders().await;
    let coral = "com.amazon.coral.service#";
    let own = "com.amazonaws.dynamodb.v20120810#";
    for (operation, body, kind) in [
        (
            "PutItem",
            "{\"TableName\":",
            format!("{coral}SerializationException"),
        ),
        ("PutItem", "", format!("{coral}SerializationException")),
        ("PutItem", "\u{0}", format!("{coral}SerializationException")),
        (
            "PutItem",
            r#"{"TableName":"orders","Item":{"orderId":{"S":1}}}"#,
            format!("{coral}SerializationException"),
        ),
        (
            "PutItem",
            r#"{"TableName":"orders","Item":{}}"#,
            "com.amazon.coral.validate#ValidationException".to_owned(),
        ),
        (
            "PutItem",
            r#"{"TableName":"absent","Item":{"orderId":{"S":"a"}}}"#,
            format!("{own}ResourceNotFoundException"),
        ),
        (
            "DescribeStream",
            r#"{"StreamArn":"arn:aws:dynamodb:x:0:table/absent/stream/1"}"#,
            format!("{own}ResourceNotFoundException"),
        ),
    ] {
        let reply = home.store.call(operation, body.into()).await;
        assert_eq!(reply.status, 400, "{operation} {body}");
        let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(error["__type"], kind, "{operation} {body}: {error}");
        let text = error.to_string();
        assert!(
            !text.contains("VALIDATION") && !text.contains("at line"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_writers_and_a_reader_miss_nothing_and_repeat_nothing() {
    const WRITERS: usize = 32;
    const EACH: usize = 25;
    let home = Home::with_orders().await;
    let stream = home.store.stream("orders");
    let mut changed = stream.changed();
    let reader = tokio::spawn(async move {
        let (mut place, mut keys) = (Sequence::default(), Vec::new());
        while keys.len() < WRITERS * EACH {
            changed.borrow_and_update();
            let records = stream.read(place, 7).unwrap();
            if records.is_empty() {
                changed.changed().await.unwrap();
            }
            for record in records {
                assert!(record.sequence > place);
                place = record.sequence;
                keys.push(record.key);
            }
        }
        keys
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = home.store.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let request = put(&format!("{writer}-{n}"), 1).to_string();
                    let reply = store.call("PutItem", request.into()).await;
                    assert_eq!(reply.status, 200);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let keys = reader.await.unwrap();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), WRITERS * EACH);
}

#[tokio::test]
async fn one_of_two_conditional_creations_wins() {
    let home = Home::with_orders().await;
    let request = || {
        let mut request = put("a", 1);
        request["ConditionExpression"] = "attribute_not_exists(orderId)".into();
        request.to_string()
    };
    let calls = (0..16).map(|_| home.store.call("PutItem", request().into()));
    let replies = futures_util::future::join_all(calls).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    assert_eq!(home.records().len(), 1);
}

#[tokio::test]
async fn a_scan_in_segments_has_every_item_once_and_sorts_no_table() {
    let home = Home::with_orders().await;
    let written: HashSet<String> = (0..60).map(|number| format!("order-{number}")).collect();
    for id in &written {
        home.put(id, 1).await;
    }
    let mut seen = Vec::new();
    for segment in 0..4 {
        let mut request = json!({
            "TableName": "orders", "Segment": segment, "TotalSegments": 4, "Limit": 7,
        });
        loop {
            let mut page = home.call("Scan", request.clone()).await;
            let items = page["Items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["orderId"]["S"].to_string()));
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            if request["ExclusiveStartKey"].is_null() {
                break;
            }
        }
    }
    assert_eq!(seen.len(), written.len());
    let quoted = written.iter().map(|id| format!("\"{id}\""));
    assert_eq!(HashSet::from_iter(seen), quoted.collect::<HashSet<_>>());

    let plan: Vec<String> = home
        .sqlite()
        .prepare(
            "EXPLAIN QUERY PLAN SELECT item_json FROM orders
                 WHERE (hash_prefix, pk, sk) > ('8', '', '') ORDER BY hash_prefix, pk, sk",
        )
        .unwrap()
        .query_map([], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(plan[0].contains("host_segments:orders"), "{plan:?}");
    assert!(
        !plan.iter().any(|step| step.contains("TEMP B-TREE")),
        "{plan:?}"
    );

    home.call("DeleteTable", json!({"TableName": "orders"}))
        .await;
    let missing = json!({"TableName": "orders", "Segment": 0, "TotalSegments": 4});
    let refusal = home.refused("Scan", missing).await;
    assert!(
        refusal.to_string().contains("ResourceNotFound"),
        "{refusal}"
    );
}

#[tokio::test]
async fn an_operation_that_is_not_there_says_so() {
    let home = Home::empty();
    for operation in ["DescribeBackup", "UpdateContinuousBackups", ""] {
        let reply = home.store.call(operation, "{}".into()).await;
        assert_eq!(reply.status, 501, "{operation}");
        let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(error["__type"], "com.amazon.coral.service#NotImplemented");
        let text = format!("dynamodb: {operation} is not available with --local.");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&text), "{message}");
    }
}

#[tokio::test]
async fn tables_are_named_by_arn_in_batches_and_transactions() {
    let home = Home::with_orders().await;
    let arn = format!("arn:aws:dynamodb:{REGION}:000000000000:table/orders");
    let write = json!({"RequestItems": {&arn: [{"PutRequest": {"Item": item("a", 1)}}]}});
    let written = home.call("BatchWriteItem", write).await;
    assert_eq!(written["UnprocessedItems"], json!({}));
    let keys = json!({"RequestItems": {&arn: {"Keys": [{"orderId": {"S": "a"}}]}}});
    let got = home.call("BatchGetItem", keys).await;
    assert_eq!(got["Responses"], json!({&arn: [item("a", 1)]}));

    let id = |id: &str| json!({"orderId": {"S": id}});
    let exists = "attribute_exists(orderId)";
    let transaction = json!({"TransactItems": [
        {"Put": {"TableName": arn, "Item": item("b", 2)}},
        {"ConditionCheck": {"TableName": arn, "Key": id("a"), "ConditionExpression": exists}},
    ]});
    home.call("TransactWriteItems", transaction).await;
    let transaction = json!({"TransactItems": [
        {"Delete": {"TableName": arn, "Key": id("a")}},
        {"Update": {"TableName": arn, "Key": id("b"), "UpdateExpression": "SET quantity = :q",
            "ExpressionAttributeValues": {":q": {"N": "3"}}}},
    ]});
    home.call("TransactWriteItems", transaction).await;
    let get = json!({"TransactItems": [{"Get": {"TableName": arn, "Key": id("b")}}]});
    let got = home.call("TransactGetItems", get).await;
    assert_eq!(got["Responses"][0]["Item"], item("b", 3));
    assert_eq!(home.records().len(), 4);
}

/// Every request with an expression that `text` is, once for each parameter that takes it.
fn with_expression(text: &str) -> Vec<(&'static str, serde_json::Value)> {
    let value = json!({":v": {"S": "v"}});
    let key = json!({"orderId": {"S": "a"}});
    let put = json!({"TableName": "orders", "Item": {"orderId": {"S": "a"}},
        "ConditionExpression": text, "ExpressionAttributeValues": value});
    let delete = json!({"TableName": "orders", "Key": key,
        "ConditionExpression": text, "ExpressionAttributeValues": value});
    let mut update = delete.clone();
    update["UpdateExpression"] = "REMOVE b".into();
    let scan = json!({"TableName": "orders",
        "FilterExpression": text, "ExpressionAttributeValues": value});
    let query = json!({"TableName": "orders", "KeyConditionExpression": "orderId = :v",
        "FilterExpression": text, "ExpressionAttributeValues": value});
    let transact = |kind: &str, part: &serde_json::Value| {
        (
            "TransactWriteItems",
            json!({"TransactItems": [{kind: part}]}),
        )
    };
    vec![
        transact("Put", &put),
        transact("Update", &update),
        transact("Delete", &delete),
        transact("ConditionCheck", &delete),
        ("PutItem", put),
        ("DeleteItem", delete),
        ("UpdateItem", update),
        ("Scan", scan),
        ("Query", query),
    ]
}

#[tokio::test]
async fn an_expression_as_deep_as_dynamodb_takes_it_is_read_and_a_deeper_one_is_refused() {
    let home = Home::with_orders().await;
    home.call(
        "PutItem",
        json!({"TableName": "orders", "Item": {"orderId": {"S": "a"}}}),
    )
    .await;
    // 149 negations and 150 levels, with the comparison 150 operators; and the same twice.
    let deep = |levels: usize| {
        let half = format!("{}b = :v{}", "NOT (".repeat(levels), ")".repeat(levels));
        format!("{half} OR {half}")
    };
    // `b` is not there, so the comparison is false; an odd number of negations makes it true.
    for (operation, request) in with_expression(&deep(147)) {
        home.call(operation, request).await;
    }
    let nested = |levels: usize| format!("{}b = :v", "NOT (".repeat(levels)) + &")".repeat(levels);
    for (operation, request) in with_expression(&nested(299)) {
        home.call(operation, request).await;
    }
    let nots = format!("{}b = :v", "NOT ".repeat(1_000));
    let ands = vec!["b=:v"; 400].join(" AND ");
    for beyond in [deep(150), nested(300), nots, ands] {
        for (operation, request) in with_expression(&beyond) {
            let error = home.refused(operation, request).await;
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("too many operators"),
                "{operation}: {message}"
            );
        }
    }
    let open = "(".repeat(1_700);
    let closed = format!("{open}b = :v{}", ")".repeat(1_700));
    for beyond in [open, closed] {
        for (operation, request) in with_expression(&beyond) {
            let error = home.refused(operation, request).await;
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("is nested too deep"),
                "{operation}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn key_conditions_and_updates_have_the_same_bounds() {
    let home = Home::with_orders().await;
    let query = |condition: String| {
        json!({"TableName": "orders", "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":v": {"S": "v"}}})
    };
    let nested =
        |levels: usize, inner: &str| format!("{}{inner}{}", "(".repeat(levels), ")".repeat(levels));
    home.call("Query", query(nested(1, "orderId = :v"))).await;
    for levels in [300, 301, 1_700] {
        home.refused("Query", query(nested(levels, "orderId = :v")))
            .await;
        home.refused("Query", query("(".repeat(levels))).await;
    }
    let update = |expression: String| {
        let mut request = key("a");
        request["UpdateExpression"] = expression.into();
        request["ExpressionAttributeValues"] = json!({":v": {"N": "1"}});
        request
    };
    home.call(
        "UpdateItem",
        update(format!("SET b = {}", nested(300, ":v"))),
    )
    .await;
    for levels in [301, 1_700] {
        let error = home
            .refused(
                "UpdateItem",
                update(format!("SET b = {}", nested(levels, ":v"))),
            )
            .await;
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("is nested too deep"), "{message}");
    }
    let chain = |functions: usize| {
        let open = "if_not_exists(b, ".repeat(functions);
        format!("SET b = {open}:v{}", ")".repeat(functions))
    };
    home.call("UpdateItem", update(chain(200))).await;
    // Longer ones do not fit into 4 KB.
    home.refused("UpdateItem", update(chain(301))).await;
}

#[tokio::test]
async fn statements_and_documents_have_a_bound_too() {
    let home = Home::with_orders().await;
    let statement = |condition: String| json!({"Statement": format!("SELECT * FROM \"orders\" WHERE {condition}")});
    let nested = |levels: usize| format!("{}b = 1{}", "(".repeat(levels), ")".repeat(levels));
    home.call("ExecuteStatement", statement(nested(64))).await;
    for levels in [65, 3_000] {
        home.refused("ExecuteStatement", statement(nested(levels)))
            .await;
    }
    let list = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        json!({"Statement": format!("INSERT INTO \"orders\" VALUE {{'orderId':'b','l':{value}}}")})
    };
    home.call("ExecuteStatement", list(32)).await;
    home.refused("ExecuteStatement", list(3_000)).await;

    let item = |levels: usize| {
        let value = format!(
            "{}{{\"S\":\"x\"}}{}",
            r#"{"L":["#.repeat(levels),
            "]}".repeat(levels)
        );
        format!(r#"{{"TableName":"orders","Item":{{"orderId":{{"S":"c"}},"l":{value}}}}}"#)
    };
    for (levels, status) in [(31, 200), (32, 400), (200, 400), (100_000, 400)] {
        let reply = home.store.call("PutItem", item(levels).into()).await;
        assert_eq!(reply.status, status, "{levels}: {:?}", reply.body);
    }
}
