//! DynamoDB's protocol: ARNs, errors, many callers at once.

use std::collections::HashSet;

use host::store::Sequence;
use serde_json::json;

use super::support::{Home, REGION, item, key, put};

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
    assert_eq!(home.store.stream("orders").arn().unwrap(), stream_arn);

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
    let got = home.got_records().await;
    assert_eq!(got[0]["dynamodb"]["NewImage"], item);
    assert_eq!(got[0]["awsRegion"], REGION);
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

#[tokio::test]
async fn an_expression_as_deep_as_its_length_allows_stops_nothing() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    let nested = |open: &str, inner: &str, close: &str| {
        let levels = (4_096 - inner.len()) / (open.len() + close.len());
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let comparison = "quantity = :v";
    let conditions = [
        nested("(", comparison, ")"),
        nested("NOT (", comparison, ")"),
        nested("not ", comparison, ""),
        "(".repeat(4_096),
    ];
    let updates = [
        format!("SET b = {}", nested("(", ":v", ")").replacen("((((", "", 1)),
        format!(
            "SET b = {}",
            nested("if_not_exists(b, ", ":v", ")").replacen("if_not", "", 1)
        ),
    ];
    let value = json!({":v": {"N": "1"}});
    let mut requests = Vec::new();
    for condition in &conditions {
        let mut put = put("a", 1);
        put["ConditionExpression"] = condition.as_str().into();
        requests.push(("PutItem", put));
        let scan = json!({"TableName": "orders", "FilterExpression": condition});
        requests.push(("Scan", scan));
        let query = json!({"TableName": "orders", "KeyConditionExpression": condition});
        requests.push(("Query", query));
    }
    for update in &updates {
        let mut request = key("a");
        request["UpdateExpression"] = update.as_str().into();
        requests.push(("UpdateItem", request));
    }
    for (operation, mut request) in requests {
        request["ExpressionAttributeValues"] = value.clone();
        let plain = request.to_string();
        // As JSON may have it too.
        let escaped = plain.replace('(', "\\u0028");
        for request in [plain, escaped] {
            let reply = home.store.call(operation, request.into()).await;
            assert!([200, 400].contains(&reply.status), "{operation}: {reply:?}");
        }
    }
    assert_eq!(home.call("GetItem", key("a")).await["Item"], item("a", 1));
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
