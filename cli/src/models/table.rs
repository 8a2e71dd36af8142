//! The orders' table: read in segments side by side, or by ids.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use orders::ids::OrderId;
use orders::item::{self, Item, attribute};
use orders::order::Order;
use serde::Serialize;

use crate::aws::AwsError;

/// `BatchGetItem` takes no more keys.
const MAX_KEYS: usize = 100;
/// Longest pause before keys that the table left unread are asked for again.
const MAX_PAUSE: Duration = Duration::from_secs(5);

type Attributes = HashMap<String, AttributeValue>;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct OrdersTable {
    client: Client,
    name: String,
}

/// What the table says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    /// Names this table and no later one of the same name.
    pub(crate) identity: String,
    /// DynamoDB counts anew every six hours or so: an estimate.
    pub(crate) items: u64,
}

/// One part of the table, of several that are scanned side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) number: i32,
    pub(crate) of: i32,
}

/// Items that follow one another in a scan.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) orders: Vec<Order>,
    pub(crate) malformed: Vec<Malformed>,
    /// The key after which the scan goes on; `None` at the end.
    pub(crate) last: Option<String>,
}

/// An item that is no order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Malformed {
    pub(crate) order_id: String,
    pub(crate) reason: String,
}

/// What the table has of some ids.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) orders: HashMap<OrderId, Order>,
    /// Those whose item is no order, but is there.
    pub(crate) malformed: HashSet<OrderId>,
}

impl Held {
    pub(crate) fn has(&self, id: &OrderId) -> bool {
        self.orders.contains_key(id) || self.malformed.contains(id)
    }
}

impl OrdersTable {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
        }
    }

    pub(crate) async fn describe(&self) -> Result<Described, AwsError> {
        const ACTION: &str = "dynamodb:DescribeTable";
        let asked = self.client.describe_table().table_name(&self.name);
        let answer = asked.send().await;
        let table = answer
            .map_err(|e| AwsError::from_sdk(ACTION, e))?
            .table
            .ok_or_else(|| AwsError::incomplete(ACTION, "a table"))?;
        let arn = table.table_arn.unwrap_or_default();
        let id = table.table_id.unwrap_or_default();
        Ok(Described {
            identity: format!("{arn} {id}"),
            items: table
                .item_count
                .and_then(|n| n.try_into().ok())
                .unwrap_or(0),
        })
    }

    /// At most `limit` items of a segment, after the key `after`.
    pub(crate) async fn scan(
        &self,
        segment: Segment,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Page, AwsError> {
        let start = after.map(key);
        let asked = self
            .client
            .scan()
            .table_name(&self.name)
            .segment(segment.number)
            .total_segments(segment.of)
            .set_exclusive_start_key(start)
            .limit(limit);
        let answer = asked.send().await;
        let answer = answer.map_err(|e| AwsError::from_sdk("dynamodb:Scan", e))?;
        let mut page = Page {
            orders: Vec::new(),
            malformed: Vec::new(),
            last: answer.last_evaluated_key.as_ref().and_then(id_text),
        };
        for item in answer.items.unwrap_or_default() {
            match item::order(&SdkItem(&item)) {
                Ok(order) => page.orders.push(order),
                Err(error) => page.malformed.push(Malformed {
                    order_id: id_text(&item).unwrap_or_default(),
                    reason: error.to_string(),
                }),
            }
        }
        Ok(page)
    }

    /// Whether it has no item.
    pub(crate) async fn is_empty(&self) -> Result<bool, AwsError> {
        let whole = Segment { number: 0, of: 1 };
        let page = self.scan(whole, None, 1).await?;
        Ok(page.orders.is_empty() && page.malformed.is_empty() && page.last.is_none())
    }

    /// What the table has now of these ids, read consistently.
    pub(crate) async fn held(
        &self,
        ids: impl IntoIterator<Item = &OrderId>,
    ) -> Result<Held, AwsError> {
        let mut held = Held::default();
        let ids: Vec<&OrderId> = ids.into_iter().collect();
        for ids in ids.chunks(MAX_KEYS) {
            let mut left: Vec<Attributes> = ids.iter().map(|id| key(id.as_str())).collect();
            let mut pause = Duration::from_millis(50);
            loop {
                left = self.batch(left, &mut held).await?;
                if left.is_empty() {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
        Ok(held)
    }

    /// Reads what it can; gives the keys that the table left for another time.
    async fn batch(
        &self,
        keys: Vec<Attributes>,
        held: &mut Held,
    ) -> Result<Vec<Attributes>, AwsError> {
        const ACTION: &str = "dynamodb:BatchGetItem";
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|_| AwsError::incomplete(ACTION, "keys"))?;
        let asked = self.client.batch_get_item().request_items(&self.name, keys);
        let answer = asked.send().await;
        let answer = answer.map_err(|e| AwsError::from_sdk(ACTION, e))?;
        for item in answer.responses.into_iter().flatten().flat_map(|(_, i)| i) {
            match item::order(&SdkItem(&item)) {
                Ok(order) => {
                    held.orders.insert(order.order_id.clone(), order);
                }
                Err(_) => held
                    .malformed
                    .extend(id_text(&item).and_then(|id| OrderId::try_from(id).ok())),
            }
        }
        let left = answer.unprocessed_keys.into_iter().flatten();
        Ok(left.flat_map(|(_, keys)| keys.keys).collect())
    }
}

fn key(id: &str) -> Attributes {
    let value = AttributeValue::S(id.to_owned());
    HashMap::from([(attribute::ORDER_ID.to_owned(), value)])
}

fn id_text(item: &Attributes) -> Option<String> {
    item.get(attribute::ORDER_ID)?.as_s().ok().cloned()
}

/// An item of the SDK.
struct SdkItem<'a>(&'a Attributes);

impl Item for SdkItem<'_> {
    fn value(&self, name: &str) -> Option<item::Value<'_>> {
        match self.0.get(name)? {
            AttributeValue::S(text) => Some(item::Value::Text(text)),
            AttributeValue::N(text) => Some(item::Value::Number(text)),
            AttributeValue::Null(true) => None,
            _ => Some(item::Value::Other),
        }
    }
}
