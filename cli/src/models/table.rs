//! The write model's table: read in segments side by side, or by ids. What an item means only the
//! functions know.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use host::pause::Pause;
use pattern::id::Id;
use serde_dynamo::Item;

use crate::aws::AwsError;

/// `BatchGetItem` takes no more keys.
const MAX_KEYS: usize = 100;
/// Before keys that the table left unread are asked for again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Attributes = HashMap<String, AttributeValue>;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
    /// The name of the key.
    key: String,
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
    pub(crate) items: Vec<Item>,
    /// The key after which the scan goes on; `None` at the end.
    pub(crate) last: Option<String>,
}

impl Table {
    /// `key` is the name of the attribute that holds the id.
    pub(crate) fn new(client: Client, name: &str, key: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
            key: key.to_owned(),
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
        let asked = self
            .client
            .scan()
            .table_name(&self.name)
            .segment(segment.number)
            .total_segments(segment.of)
            .set_exclusive_start_key(after.map(|id| self.key(id)))
            .limit(limit);
        let answer = asked.send().await;
        let answer = answer.map_err(|e| AwsError::from_sdk("dynamodb:Scan", e))?;
        let last = answer.last_evaluated_key;
        Ok(Page {
            last: last.and_then(|key| self.id_text(&key.into())),
            items: answer
                .items
                .unwrap_or_default()
                .into_iter()
                .map(Item::from)
                .collect(),
        })
    }

    /// Whether it has no item.
    pub(crate) async fn is_empty(&self) -> Result<bool, AwsError> {
        let whole = Segment { number: 0, of: 1 };
        let page = self.scan(whole, None, 1).await?;
        Ok(page.items.is_empty() && page.last.is_none())
    }

    /// The items that the table has now of these ids, read consistently.
    pub(crate) async fn held(
        &self,
        ids: impl IntoIterator<Item = &Id>,
    ) -> Result<HashMap<Id, Item>, AwsError> {
        let mut held = HashMap::new();
        let ids: Vec<&Id> = ids.into_iter().collect();
        for ids in ids.chunks(MAX_KEYS) {
            let mut left: Vec<Attributes> = ids.iter().map(|id| self.key(id.as_str())).collect();
            let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE);
            loop {
                left = self.batch(left, &mut held).await?;
                if left.is_empty() {
                    break;
                }
                pause.pass().await;
            }
        }
        Ok(held)
    }

    /// Reads what it can; gives the keys that the table left for another time.
    async fn batch(
        &self,
        keys: Vec<Attributes>,
        held: &mut HashMap<Id, Item>,
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
        let items = answer.responses.into_iter().flatten().flat_map(|(_, i)| i);
        held.extend(items.map(Item::from).filter_map(|item| {
            let id = self.id(&item)?;
            Some((id, item))
        }));
        let left = answer.unprocessed_keys.into_iter().flatten();
        Ok(left.flat_map(|(_, keys)| keys.keys).collect())
    }

    /// The id of an item, where it has a right one.
    pub(crate) fn id(&self, item: &Item) -> Option<Id> {
        Id::try_from(self.id_text(item)?).ok()
    }

    /// The text of its key.
    pub(crate) fn id_text(&self, item: &Item) -> Option<String> {
        match item.get(&self.key)? {
            serde_dynamo::AttributeValue::S(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn key(&self, id: &str) -> Attributes {
        HashMap::from([(self.key.clone(), AttributeValue::S(id.to_owned()))])
    }
}
