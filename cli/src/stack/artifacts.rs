//! The bucket that the functions' code is deployed from.
//!
//! Unless the user names one, the bucket is managed: made when first needed, closed to the public,
//! encrypted, and taken away with the last stack. Its name lies in the account's own namespace, and
//! every call says which account it expects, so that no bucket of another account is ever used.
//!
//! An artifact's key comes from the program in it, so that it is known before the zip is made, and
//! nothing is packed or uploaded twice. The name alone is believed of what the stack runs already;
//! whatever it is to run anew has the checksum of the zip that was made here. What a stack uses never
//! expires, or CloudFormation could not roll back to it; only what a later deployment replaced is
//! tagged for removal.

mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    BucketNamespace, ChecksumMode, CreateBucketConfiguration, Delete, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, ObjectIdentifier,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::operation::BuildError;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{StreamExt, TryStreamExt, future};

pub(crate) use self::error::ArtifactError;
use crate::app::handler::Handler;
use crate::aws::{Aws, AwsError};
use crate::package::{Artifact, PackageError};

/// The lifecycle rule for replaced artifacts. It is set up last, so that its being there says that
/// everything before it was done; another number makes the next deployment set up all anew.
const SUPERSEDED_RULE: &str = "cqrs-superseded-1";
const UPLOADS_RULE: &str = "cqrs-incomplete-uploads-1";
/// Long enough to look at what ran last month.
const SUPERSEDED_DAYS: i32 = 30;
const TAG: (&str, &str) = ("cqrs", "superseded");
/// S3 needs a few seconds to agree with itself on a new bucket.
const CREATE_ATTEMPTS: u32 = 20;
const CREATE_PAUSE: Duration = Duration::from_millis(500);
/// Calls for single objects that run at once.
const PARALLEL: usize = 16;
/// S3 deletes no more objects with one call.
const MOST_DELETED: usize = 1000;

/// Where an artifact lies in the bucket. Known without any call.
pub(crate) fn key(stack: &str, artifact: &Artifact) -> String {
    format!(
        "{}{}/{}.zip",
        prefix(stack),
        artifact.handler,
        artifact.name
    )
}

/// Above all artifacts of a stack and of no other.
fn prefix(stack: &str) -> String {
    format!("{stack}/")
}

/// Whether the key has the form that [`key`] gives to the stack's artifacts.
fn is_artifact(stack: &str, key: &str) -> bool {
    let Some((handler, file)) = key
        .strip_prefix(&prefix(stack))
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let hash = file.strip_suffix(".zip").unwrap_or_default();
    Handler::named(handler).is_some()
        && hash.len() == 64
        && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The bucket that the tool makes for an account and region, in the form that the account-regional
/// namespace asks for.
pub(crate) fn managed_bucket(account: &str, region: &str) -> String {
    format!("cqrs-{account}-{region}-an")
}

/// The bucket, and the account that it has to belong to.
#[derive(Clone, Debug)]
pub(crate) struct ArtifactStore {
    client: Client,
    bucket: String,
    account: String,
    region: String,
    managed: bool,
}

impl ArtifactStore {
    /// A store in the given bucket, else in the managed one of this account and region. A stack's
    /// parameter can name the managed one too.
    pub(crate) fn new(aws: &Aws, account: &str, given: Option<String>) -> Self {
        let managed = managed_bucket(account, aws.region());
        let bucket = given.unwrap_or_else(|| managed.clone());
        Self {
            client: aws.s3(),
            managed: bucket == managed,
            bucket,
            account: account.to_owned(),
            region: aws.region().to_owned(),
        }
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Sees to it that there is a bucket to upload to. A set-up that was cut off is mended here.
    pub(crate) async fn prepare(&self) -> Result<(), ArtifactError> {
        if !self.managed {
            return if self.exists().await? {
                Ok(())
            } else {
                Err(ArtifactError::NoBucket(self.bucket.clone()))
            };
        }
        let (exists, complete) = future::join(self.exists(), self.is_set_up()).await;
        if !exists? {
            self.create().await?;
        } else if complete? {
            return Ok(());
        }
        self.set_up().await
    }

    async fn exists(&self) -> Result<bool, ArtifactError> {
        let asked = self.client.head_bucket();
        let answer = asked
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .send()
            .await;
        // The answer to a HEAD has no body, so that its status is all there is to go by.
        match answer {
            Ok(_) => Ok(true),
            Err(error) => match status(&error) {
                Some(404) => Ok(false),
                Some(403) => Err(ArtifactError::ForeignBucket(self.bucket.clone())),
                Some(301) => Err(ArtifactError::OtherRegion {
                    bucket: self.bucket.clone(),
                    region: self.region.clone(),
                }),
                _ => Err(AwsError::from_sdk("s3:ListBucket", error).into()),
            },
        }
    }

    async fn is_set_up(&self) -> Result<bool, ArtifactError> {
        let answer = self
            .client
            .get_bucket_lifecycle_configuration()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:GetLifecycleConfiguration", error));
        match answer {
            Ok(answer) => Ok(answer
                .rules()
                .iter()
                .any(|rule| rule.id() == Some(SUPERSEDED_RULE))),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Another deployment may be making it at the same time: S3 then asks to come again, and says
    /// in the end that it is there, which is as good.
    async fn create(&self) -> Result<(), ArtifactError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.create_once().await {
                Err(ArtifactError::Aws(error))
                    if error.code() == Some("OperationAborted") && attempts < CREATE_ATTEMPTS =>
                {
                    tokio::time::sleep(CREATE_PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    async fn create_once(&self) -> Result<(), ArtifactError> {
        // This region alone is not named: it is what no name means.
        let location = (self.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.region.as_str()))
                .build()
        });
        let answer = self
            .client
            .create_bucket()
            .bucket(&self.bucket)
            .bucket_namespace(BucketNamespace::AccountRegional)
            .set_create_bucket_configuration(location)
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        match error.as_service_error() {
            Some(CreateBucketError::BucketAlreadyOwnedByYou(_)) => Ok(()),
            Some(CreateBucketError::BucketAlreadyExists(_)) => {
                Err(ArtifactError::ForeignBucket(self.bucket.clone()))
            }
            _ => Err(AwsError::from_sdk("s3:CreateBucket", error).into()),
        }
    }

    /// One call after the other, since S3 refuses to change one bucket twice at once. Each of them
    /// can be repeated.
    async fn set_up(&self) -> Result<(), ArtifactError> {
        self.client
            .put_public_access_block()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .public_access_block_configuration(closed())
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("s3:PutBucketPublicAccessBlock", e))?;
        self.client
            .put_bucket_encryption()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .server_side_encryption_configuration(encrypted()?)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("s3:PutEncryptionConfiguration", e))?;
        self.client
            .put_bucket_lifecycle_configuration()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .lifecycle_configuration(lifecycle()?)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("s3:PutLifecycleConfiguration", e))?;
        Ok(())
    }

    /// Those of the artifacts that the bucket lacks, asked for side by side. `current` are the stack's
    /// parameters, none for a new stack.
    pub(crate) async fn missing<'a>(
        &self,
        stack: &str,
        artifacts: &'a [Artifact],
        current: &BTreeMap<String, String>,
    ) -> Result<Vec<&'a Artifact>, ArtifactError> {
        let asking = artifacts.iter().map(async |artifact| {
            let key = key(stack, artifact);
            let runs = current.get(artifact.handler.code_parameter()) == Some(&key);
            let is_there = if runs {
                self.is_kept(&key).await?
            } else {
                self.is_kept(&key).await? && self.is_ours(&key, artifact).await?
            };
            Ok::<_, ArtifactError>((!is_there).then_some(artifact))
        });
        let found = future::try_join_all(asking).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Uploads the artifacts side by side, and gives the size of each that is done. What was uploaded
    /// before one fails stays, and the next run skips it.
    pub(crate) async fn upload(
        &self,
        stack: &str,
        artifacts: &[&Artifact],
        mut uploaded: impl FnMut(u64),
    ) -> Result<(), ArtifactError> {
        let mut uploads: FuturesUnordered<_> = artifacts
            .iter()
            .map(|artifact| self.upload_one(stack, artifact))
            .collect();
        while let Some(bytes) = uploads.next().await {
            uploaded(bytes?);
        }
        Ok(())
    }

    async fn upload_one(&self, stack: &str, artifact: &Artifact) -> Result<u64, ArtifactError> {
        let zip = artifact.zip().await?;
        // S3 compares what arrives with the checksum, so that an upload which is cut off leaves
        // nothing under the key. A new upload carries no tags, and so is kept again.
        self.client
            .put_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key(stack, artifact))
            .content_type("application/zip")
            .checksum_sha256(zip.sha256.base64())
            .body(ByteStream::from(zip.bytes.clone()))
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:PutObject", error))?;
        Ok(zip.bytes.len() as u64)
    }

    /// Whether what lies there has the checksum of the artifact's zip. A key says what should be there,
    /// and whoever may write to the bucket can put something else. S3 made the checksum, of what it
    /// holds; where it cannot be read the artifact is uploaded again.
    async fn is_ours(&self, key: &str, artifact: &Artifact) -> Result<bool, PackageError> {
        let asked = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send();
        let (answer, zip) = future::join(asked, artifact.zip()).await;
        let checksum = answer.ok().and_then(|answer| answer.checksum_sha256);
        Ok(checksum == Some(zip?.sha256.base64()))
    }

    /// Whether the artifact is there to stay. Asking for its tags answers both at once; a `HEAD`
    /// counts them only for those who may read them, and would then be silently wrong.
    async fn is_kept(&self, key: &str) -> Result<bool, ArtifactError> {
        let answer = self
            .client
            .get_object_tagging()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:GetObjectTagging", error));
        match answer {
            Ok(answer) => Ok(!answer.tag_set().iter().any(|tag| tag.key() == TAG.0)),
            Err(error) if is_missing_key(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// After a successful deployment: lets all of the stack's artifacts expire but the current
    /// ones. In a bucket of the user's own, how long things stay is the user's affair.
    pub(crate) async fn retire(
        &self,
        stack: &str,
        current: &[Artifact],
    ) -> Result<(), ArtifactError> {
        if !self.managed {
            return Ok(());
        }
        let current: BTreeSet<_> = current
            .iter()
            .map(|artifact| key(stack, artifact))
            .collect();
        let tag = Tag::builder().key(TAG.0).value(TAG.1).build()?;
        let tagging = Tagging::builder().tag_set(tag).build()?;
        let keys = self.keys(stack).await?.into_iter();
        let old = keys.filter(|key| !current.contains(key));
        let tagged = stream::iter(old).map(|key| self.tag(key, tagging.clone()));
        tagged.buffer_unordered(PARALLEL).try_collect().await
    }

    async fn tag(&self, key: String, tagging: Tagging) -> Result<(), ArtifactError> {
        let answer = self
            .client
            .put_object_tagging()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .key(key)
            .tagging(tagging)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:PutObjectTagging", error));
        match answer {
            Ok(_) => Ok(()),
            // It expired since it was listed.
            Err(error) if is_missing_key(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes all artifacts of the stack and says how many there were.
    pub(crate) async fn remove_all(&self, stack: &str) -> Result<usize, ArtifactError> {
        let keys = match self.keys(stack).await {
            Err(ArtifactError::Aws(error)) if error.code() == Some("NoSuchBucket") => return Ok(0),
            keys => keys?,
        };
        let mut failed = Vec::new();
        for keys in keys.chunks(MOST_DELETED) {
            failed.extend(self.delete(keys).await?);
        }
        let count = failed.len();
        match failed.into_iter().next() {
            None => Ok(keys.len()),
            Some((key, message)) => Err(ArtifactError::NotRemoved {
                bucket: self.bucket.clone(),
                count,
                key,
                message,
            }),
        }
    }

    /// Deletes up to [`MOST_DELETED`] objects; gives those that are still there and why, for S3 answers
    /// with success all the same.
    async fn delete(&self, keys: &[String]) -> Result<Vec<(String, String)>, ArtifactError> {
        let objects: Result<Vec<_>, _> = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(key).build())
            .collect();
        let delete = Delete::builder()
            .set_objects(Some(objects?))
            .quiet(true)
            .build()?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .delete(delete)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:DeleteObject", error))?;
        let text = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        Ok(answer
            .errors()
            .iter()
            .map(|error| (text(error.key()), text(error.message().or(error.code()))))
            .collect())
    }

    /// The keys of the stack's artifacts. A user's own bucket may hold other things under the same prefix.
    async fn keys(&self, stack: &str) -> Result<Vec<String>, ArtifactError> {
        let asked = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .prefix(prefix(stack));
        let mut pages = asked.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::from_sdk("s3:ListBucket", error))?;
            let found = page.contents().iter().filter_map(|object| object.key());
            keys.extend(
                found
                    .filter(|key| is_artifact(stack, key))
                    .map(str::to_owned),
            );
        }
        Ok(keys)
    }

    /// Removes the managed bucket when no stack has artifacts in it; says whether it did.
    pub(crate) async fn remove_bucket_if_empty(&self) -> Result<bool, ArtifactError> {
        if !self.managed {
            return Ok(false);
        }
        let answer = self
            .client
            .delete_bucket()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("s3:DeleteBucket", error));
        match answer {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code(), Some("BucketNotEmpty" | "NoSuchBucket")) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

fn is_missing_key(error: &AwsError) -> bool {
    error.code() == Some("NoSuchKey")
}

fn closed() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

fn encrypted() -> Result<ServerSideEncryptionConfiguration, BuildError> {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::Aes256)
        .build()?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .build();
    ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
}

fn lifecycle() -> Result<BucketLifecycleConfiguration, BuildError> {
    let tag = Tag::builder().key(TAG.0).value(TAG.1).build()?;
    let superseded = LifecycleRule::builder()
        .id(SUPERSEDED_RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().tag(tag).build())
        .expiration(LifecycleExpiration::builder().days(SUPERSEDED_DAYS).build())
        .build()?;
    let uploads = LifecycleRule::builder()
        .id(UPLOADS_RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(1)
                .build(),
        )
        .build()?;
    BucketLifecycleConfiguration::builder()
        .rules(superseded)
        .rules(uploads)
        .build()
}

#[cfg(test)]
mod tests;
