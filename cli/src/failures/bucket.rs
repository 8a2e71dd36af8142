//! The failures bucket: an object for each failure, which holds the records too. On AWS it is S3's, on
//! this machine a folder of files.
//!
//! Nothing is hidden from others while it is worked on, as a queue does: two who retry one failure at
//! once give its records twice, which changes nothing.

use std::collections::VecDeque;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::{StreamExt, TryStreamExt, stream};
use host::bucket::Buckets;

use crate::aws::{Aws, AwsError};
use crate::failures::destination::DestinationError;
use crate::failures::message::{Content, Message};
use crate::failures::queue::{Depth, Presence};

/// What the names of Lambda's objects begin with.
const PREFIX: &str = "aws/lambda/";
/// Objects that are read at once. One has up to 6 MB.
const PARALLEL: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct FailuresBucket {
    place: Place,
    name: String,
    /// What the ARNs of the table's streams begin with.
    table: String,
}

#[derive(Clone, Debug)]
enum Place {
    S3 {
        client: Client,
        /// The account that the bucket must belong to.
        account: String,
    },
    Here(Buckets),
}

/// An object, without what is in it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    key: String,
    put_ms: i64,
}

/// Goes through the bucket once, from the oldest of each shard on.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    waiting: VecDeque<Found>,
    next: Next,
}

#[derive(Debug, Default)]
enum Next {
    #[default]
    First,
    After(String),
    Nothing,
}

impl FailuresBucket {
    /// The bucket of the stack with this table, given by the beginning of its streams' ARNs. `here` are
    /// the buckets of a stack on this machine.
    pub(super) fn new(aws: &Aws, here: Option<&Buckets>, name: &str, table: String) -> Self {
        Self {
            place: match here {
                Some(buckets) => Place::Here(buckets.clone()),
                None => Place::S3 {
                    client: aws.s3(),
                    account: account(&table).to_owned(),
                },
            },
            name: name.to_owned(),
            table,
        }
    }

    pub(crate) async fn depth(&self) -> Result<Depth, DestinationError> {
        let mut listing = Listing::default();
        let mut visible = 0;
        while self.list(&mut listing).await? {
            visible += listing.waiting.drain(..).count() as u64;
        }
        Ok(Depth { visible, hidden: 0 })
    }

    /// The next failures of the listing; none at its end.
    pub(super) async fn next(
        &self,
        listing: &mut Listing,
        at_most: usize,
    ) -> Result<Vec<Message>, DestinationError> {
        loop {
            if listing.waiting.is_empty() && !self.list(listing).await? {
                return Ok(Vec::new());
            }
            let count = listing.waiting.len().min(at_most.max(1));
            let found = listing.waiting.drain(..count).collect::<Vec<_>>();
            let reading = found.into_iter().map(|object| self.read(object));
            let messages = stream::iter(reading).buffered(PARALLEL);
            let messages: Vec<Option<Message>> = messages.try_collect().await?;
            let messages: Vec<Message> = messages.into_iter().flatten().collect();
            if !messages.is_empty() {
                return Ok(messages);
            }
        }
    }

    /// One that was deleted since it was listed is none.
    async fn read(&self, object: Found) -> Result<Option<Message>, DestinationError> {
        let Some(body) = self.body(&object.key).await? else {
            return Ok(None);
        };
        let content = Content::read(&String::from_utf8_lossy(&body), &self.table);
        Ok(Some(Message {
            id: content.id(&object.key),
            message_id: object.key.clone(),
            receipt: object.key,
            sent_ms: object.put_ms,
            content,
        }))
    }

    /// Lists on; whether there may be more.
    async fn list(&self, listing: &mut Listing) -> Result<bool, DestinationError> {
        let token = match std::mem::replace(&mut listing.next, Next::Nothing) {
            Next::Nothing => return Ok(false),
            Next::First => None,
            Next::After(token) => Some(token),
        };
        let (client, account) = match &self.place {
            Place::S3 { client, account } => (client, account),
            Place::Here(buckets) => {
                let found = buckets.list(&self.name).map_err(|e| self.folder(e))?;
                let found = found.into_iter().map(|object| Found {
                    key: object.key,
                    put_ms: object.put_ms,
                });
                listing.waiting.extend(found);
                return Ok(true);
            }
        };
        let page = client
            .list_objects_v2()
            .bucket(&self.name)
            .expected_bucket_owner(account)
            .prefix(PREFIX)
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("s3:ListBucket", e))?;
        let found = page.contents().iter().filter_map(|object| {
            let put = object.last_modified().map(|at| at.to_millis());
            Some(Found {
                key: object.key()?.to_owned(),
                put_ms: put.and_then(Result::ok).unwrap_or_default(),
            })
        });
        listing.waiting.extend(found);
        if let Some(token) = page.next_continuation_token {
            listing.next = Next::After(token);
        }
        Ok(true)
    }

    /// What is in an object; none where it is gone.
    pub(super) async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, DestinationError> {
        const ACTION: &str = "s3:GetObject";
        let (client, account) = match &self.place {
            Place::S3 { client, account } => (client, account),
            Place::Here(buckets) => {
                return buckets.get(&self.name, key).map_err(|e| self.folder(e));
            }
        };
        let asked = client
            .get_object()
            .bucket(&self.name)
            .expected_bucket_owner(account)
            .key(key)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk(ACTION, e));
        match asked {
            Ok(object) => {
                let body = object.body.collect().await;
                let body = body.map_err(|_| AwsError::incomplete(ACTION, "the whole object"))?;
                Ok(Some(body.to_vec()))
            }
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an object is still there.
    pub(super) async fn look(&self, key: &str) -> Result<Presence, DestinationError> {
        let asked = match &self.place {
            Place::Here(_) => self.body(key).await?.is_some(),
            Place::S3 { client, account } => {
                let asked = client
                    .head_object()
                    .bucket(&self.name)
                    .expected_bucket_owner(account)
                    .key(key)
                    .send()
                    .await;
                // The answer to a HEAD has no body, so that its status is all there is to go by.
                let status = |error: &SdkError<_, HttpResponse>| {
                    let answer = error.raw_response();
                    answer.map(|answer| answer.status().as_u16())
                };
                match asked {
                    Ok(_) => true,
                    Err(error) if status(&error) == Some(404) => false,
                    Err(error) => return Err(AwsError::from_sdk("s3:GetObject", error).into()),
                }
            }
        };
        Ok(match asked {
            true => Presence::There,
            false => Presence::Gone,
        })
    }

    /// S3 does not say whether there was one.
    pub(super) async fn delete(&self, key: &str) -> Result<Presence, DestinationError> {
        match &self.place {
            Place::Here(buckets) => {
                let removed = buckets
                    .remove(&self.name, key)
                    .map_err(|e| self.folder(e))?;
                Ok(match removed {
                    true => Presence::There,
                    false => Presence::Gone,
                })
            }
            Place::S3 { client, account } => {
                client
                    .delete_object()
                    .bucket(&self.name)
                    .expected_bucket_owner(account)
                    .key(key)
                    .send()
                    .await
                    .map_err(|e| AwsError::from_sdk("s3:DeleteObject", e))?;
                Ok(Presence::There)
            }
        }
    }

    /// Deletes all that is in it, and says how much that was.
    pub(crate) async fn empty(&self) -> Result<u64, DestinationError> {
        let mut listing = Listing::default();
        let mut deleted = 0;
        while self.list(&mut listing).await? {
            let keys: Vec<Found> = listing.waiting.drain(..).collect();
            deleted += keys.len() as u64;
            let deleting = keys.iter().map(|object| self.delete(&object.key));
            let deleting = stream::iter(deleting).buffer_unordered(PARALLEL);
            deleting.try_for_each(|_| async { Ok(()) }).await?;
        }
        Ok(deleted)
    }

    fn folder(&self, source: std::io::Error) -> DestinationError {
        DestinationError::Folder {
            path: self.name.clone().into(),
            source,
        }
    }
}

/// The account in an ARN.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

#[cfg(test)]
mod tests;
