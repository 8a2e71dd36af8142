//! The store against an S3 made of canned answers.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::error::Explain;

const ACCOUNT: &str = "123456789012";
const MANAGED: &str = "cqrs-123456789012-eu-west-1-an";

/// One answer: to the first unanswered request whose method and address contain these texts.
struct Answer {
    method: &'static str,
    address: &'static str,
    /// Status and body; none where the connection breaks before an answer comes.
    reply: Option<(u16, &'static str)>,
    /// The checksum of the object that it is about.
    checksum: Option<String>,
}

/// A request as the service would see it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    address: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Answers requests in whatever order they come, since some are sent side by side.
#[derive(Clone, Default)]
struct S3 {
    answers: Arc<Mutex<Vec<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("S3")
    }
}

impl HttpConnector for S3 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let seen = Seen {
            method: request.method().to_owned(),
            address: request.uri().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        let mut answers = self.answers.lock().unwrap();
        let fits = |a: &Answer| a.method == seen.method && seen.address.contains(a.address);
        let at = answers
            .iter()
            .position(fits)
            .unwrap_or_else(|| panic!("unexpected: {seen:?}"));
        let answer = answers.remove(at);
        self.seen.lock().unwrap().push(seen);
        HttpConnectorFuture::ready(match answer.reply {
            None => Err(ConnectorError::io("connection reset by peer".into())),
            Some((status, body)) => {
                let status = StatusCode::try_from(status).unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                if let Some(checksum) = answer.checksum {
                    let headers = response.headers_mut();
                    headers.insert("x-amz-checksum-sha256", checksum);
                }
                Ok(response)
            }
        })
    }
}

impl S3 {
    fn on(
        self,
        method: &'static str,
        address: &'static str,
        status: u16,
        body: &'static str,
    ) -> Self {
        self.with(method, address, Some((status, body)))
    }

    /// Says that the object is there, with this checksum.
    fn holds(self, address: &'static str, checksum: Option<String>) -> Self {
        let s3 = self.on("HEAD", address, 200, "");
        if let Some(answer) = s3.answers.lock().unwrap().last_mut() {
            answer.checksum = checksum;
        }
        s3
    }

    fn breaks_on(self, method: &'static str, address: &'static str) -> Self {
        self.with(method, address, None)
    }

    /// Takes the three settings of a new bucket.
    fn set_up(self) -> Self {
        let settings = ["?publicAccessBlock", "?encryption", "?lifecycle"];
        settings
            .into_iter()
            .fold(self, |s3, setting| s3.on("PUT", setting, 200, ""))
    }

    fn with(
        self,
        method: &'static str,
        address: &'static str,
        reply: Option<(u16, &'static str)>,
    ) -> Self {
        self.answers.lock().unwrap().push(Answer {
            method,
            address,
            reply,
            checksum: None,
        });
        self
    }

    fn store(&self, bucket: Option<&str>) -> ArtifactStore {
        let connector = SharedHttpConnector::new(self.clone());
        let client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
        ArtifactStore::new(&Aws::replay(client), ACCOUNT, bucket.map(str::to_owned))
    }

    /// The requests so far. Every answer must have been asked for, every request but the one that
    /// makes the bucket must say whose bucket it means.
    fn seen(&self) -> Vec<Seen> {
        let unused = self.answers.lock().unwrap();
        assert!(
            unused.is_empty(),
            "not asked for: {} {}",
            unused[0].method,
            unused[0].address
        );
        let seen = self.seen.lock().unwrap().clone();
        for request in seen
            .iter()
            .filter(|request| !request.body.contains("CreateBucket"))
        {
            assert_eq!(
                request.header("x-amz-expected-bucket-owner"),
                Some(ACCOUNT),
                "{request:?}"
            );
        }
        seen
    }
}

fn error(code: &str) -> &'static str {
    format!("<Error><Code>{code}</Code><Message>{code}!</Message></Error>").leak()
}

const RULES: &str = "<LifecycleConfiguration><Rule><ID>cqrs-superseded-1</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>";
const NO_TAGS: &str = "<Tagging><TagSet></TagSet></Tagging>";
const SUPERSEDED: &str =
    "<Tagging><TagSet><Tag><Key>cqrs</Key><Value>superseded</Value></Tag></TagSet></Tagging>";

#[test]
fn a_key_is_known_without_any_call_and_no_stack_reaches_into_another() {
    let query = Artifact::of(Handler::Query, b"query");
    let key = key("orders", &query);
    assert_eq!(key, format!("orders/query/{}.zip", query.name));
    assert!(is_artifact("orders", &key) && query.zipped().is_none());
    assert!(
        !prefix("orders").starts_with("order/")
            && !prefix("orders-2").starts_with(&prefix("orders"))
    );
}

#[tokio::test]
async fn a_bucket_that_is_set_up_takes_two_questions() {
    let s3 = S3::default()
        .on("HEAD", MANAGED, 200, "")
        .on("GET", "?lifecycle", 200, RULES);
    s3.store(None).prepare().await.unwrap();
    assert_eq!(s3.seen().len(), 2);
}

#[tokio::test]
async fn the_managed_bucket_is_made_in_the_accounts_own_namespace_and_marked_last() {
    let s3 = S3::default()
        .on("HEAD", MANAGED, 404, "")
        .on("GET", "?lifecycle", 404, error("NoSuchBucket"))
        .on("PUT", ".com/", 200, "")
        .set_up();
    s3.store(None).prepare().await.unwrap();
    let seen = s3.seen();
    assert_eq!(
        seen[2].header("x-amz-bucket-namespace"),
        Some("account-regional")
    );
    assert!(
        seen[2]
            .body
            .contains("<LocationConstraint>eu-west-1</LocationConstraint>")
    );
    assert!(
        seen[3]
            .body
            .contains("<RestrictPublicBuckets>true</RestrictPublicBuckets>")
    );
    assert!(seen[4].body.contains("AES256"));
    let rules = &seen[5].body;
    assert!(
        rules.contains("<Tag><Key>cqrs</Key><Value>superseded</Value></Tag>"),
        "{rules}"
    );
    assert_eq!(
        rules.matches("<Expiration>").count(),
        1,
        "only what is superseded expires: {rules}"
    );
}

#[tokio::test]
async fn a_set_up_that_was_cut_off_is_mended() {
    let s3 = S3::default()
        .on("HEAD", MANAGED, 200, "")
        .on(
            "GET",
            "?lifecycle",
            404,
            error("NoSuchLifecycleConfiguration"),
        )
        .set_up();
    s3.store(None).prepare().await.unwrap();
    assert_eq!(s3.seen().len(), 5);
}

#[tokio::test]
async fn another_deployment_may_make_the_bucket_at_the_same_time() {
    let s3 = S3::default()
        .on("HEAD", MANAGED, 404, "")
        .on("GET", "?lifecycle", 404, error("NoSuchBucket"))
        .on("PUT", ".com/", 409, error("OperationAborted"))
        .on("PUT", ".com/", 409, error("BucketAlreadyOwnedByYou"))
        .set_up();
    s3.store(None).prepare().await.unwrap();
    assert_eq!(s3.seen().len(), 7);
}

#[tokio::test]
async fn a_bucket_of_another_account_is_refused_with_a_hint() {
    let taken = S3::default()
        .on("HEAD", MANAGED, 404, "")
        .on("GET", "?lifecycle", 404, error("NoSuchBucket"))
        .on("PUT", ".com/", 409, error("BucketAlreadyExists"));
    let denied = S3::default().on("HEAD", "theirs", 403, "");
    for (s3, bucket) in [(taken, None), (denied, Some("theirs"))] {
        let error = s3.store(bucket).prepare().await.unwrap_err();
        assert!(
            matches!(error, ArtifactError::ForeignBucket(_)),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains("--artifact-bucket"));
        s3.seen();
    }
}

#[tokio::test]
async fn a_users_bucket_is_only_looked_at() {
    let s3 = S3::default().on("HEAD", "mine", 200, "");
    let store = s3.store(Some("mine"));
    store.prepare().await.unwrap();
    store.retire("orders", &[]).await.unwrap();
    assert!(!store.remove_bucket_if_empty().await.unwrap());
    assert_eq!(s3.seen().len(), 1);

    let gone = S3::default().on("HEAD", "mine", 404, "");
    let error = gone.store(Some("mine")).prepare().await.unwrap_err();
    assert!(matches!(error, ArtifactError::NoBucket(_)), "{error:?}");
    let far = S3::default().on("HEAD", "mine", 301, "");
    let error = far.store(Some("mine")).prepare().await.unwrap_err();
    assert!(
        matches!(error, ArtifactError::OtherRegion { .. }),
        "{error:?}"
    );
}

/// Two functions, of which the stack runs the publisher.
fn artifacts() -> ([Artifact; 2], BTreeMap<String, String>) {
    let publisher = Artifact::of(Handler::Publisher, b"publisher");
    let runs = ("PublisherCodeKey".to_owned(), key("orders", &publisher));
    let query = Artifact::of(Handler::Query, b"query");
    ([publisher, query], BTreeMap::from([runs]))
}

/// The handlers of the artifacts that the bucket lacks, by these answers.
async fn missing(s3: S3) -> Vec<Handler> {
    let (artifacts, current) = artifacts();
    let store = s3.store(None);
    let missing = store.missing("orders", &artifacts, &current).await.unwrap();
    let missing = missing.iter().map(|artifact| artifact.handler).collect();
    s3.seen();
    // What the stack runs is not packed to be compared with what is there.
    assert!(artifacts[0].zipped().is_none());
    missing
}

#[tokio::test]
async fn what_is_there_is_skipped_and_what_is_missing_is_uploaded() {
    let s3 = S3::default()
        .on("GET", "publisher", 200, NO_TAGS)
        .on("GET", "query", 404, error("NoSuchKey"))
        .on("PUT", "query", 200, "");
    let (artifacts, current) = artifacts();
    let store = s3.store(None);
    let missing = store.missing("orders", &artifacts, &current).await.unwrap();
    let mut uploaded = Vec::new();
    store
        .upload("orders", &missing, |bytes| uploaded.push(bytes))
        .await
        .unwrap();
    let zip = artifacts[1].zipped().unwrap();
    assert_eq!(uploaded, [zip.bytes.len() as u64]);
    assert!(artifacts[0].zipped().is_none());
    // Without a tag it stays.
    let seen = s3.seen();
    let put = seen.last().unwrap();
    assert_eq!(
        (put.method.as_str(), put.header("x-amz-tagging")),
        ("PUT", None)
    );
}

#[tokio::test]
async fn what_the_stack_does_not_run_yet_is_taken_from_the_bucket_only_with_the_right_checksum() {
    let there = || {
        S3::default()
            .on("GET", "publisher", 200, NO_TAGS)
            .on("GET", "query", 200, NO_TAGS)
    };
    let (artifacts, _) = artifacts();
    let checksum = artifacts[1].zip().await.unwrap().sha256.base64();
    let other = artifacts[0].zip().await.unwrap().sha256.base64();

    assert_eq!(missing(there().holds("query", Some(checksum))).await, []);
    // Somebody else's, one without a checksum, and one that may not be looked at.
    let s3 = there().holds("query", Some(other));
    assert_eq!(missing(s3).await, [Handler::Query]);
    let s3 = there().holds("query", None);
    assert_eq!(missing(s3).await, [Handler::Query]);
    let s3 = there().on("HEAD", "query", 403, "");
    assert_eq!(missing(s3).await, [Handler::Query]);
}

#[tokio::test]
async fn what_the_stack_runs_is_uploaded_again_where_it_is_gone_or_may_go() {
    let there = |status, body| {
        S3::default().on("GET", "publisher", status, body).on(
            "GET",
            "query",
            404,
            error("NoSuchKey"),
        )
    };
    let both = [Handler::Publisher, Handler::Query];
    assert_eq!(missing(there(404, error("NoSuchKey"))).await, both);
    assert_eq!(missing(there(200, SUPERSEDED)).await, both);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_is_sent_again_with_its_checksum() {
    let s3 = S3::default()
        .breaks_on("PUT", "query")
        .on("PUT", "query", 200, "");
    let (artifacts, _) = artifacts();
    let upload = [&artifacts[1]];
    s3.store(None)
        .upload("orders", &upload, |_| {})
        .await
        .unwrap();
    let zip = artifacts[1].zipped().unwrap();
    let seen = s3.seen();
    assert_eq!(seen.len(), 2);
    for put in &seen {
        assert_eq!(
            put.header("x-amz-checksum-sha256"),
            Some(zip.sha256.base64().as_str())
        );
        assert_eq!(put.body, String::from_utf8_lossy(&zip.bytes));
    }
}

#[tokio::test]
async fn a_denied_upload_names_the_action() {
    let s3 = S3::default().on("PUT", "query", 403, error("AccessDenied"));
    let store = s3.store(None);
    let (artifacts, _) = artifacts();
    let error = store
        .upload("orders", &[&artifacts[1]], |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "permission denied: s3:PutObject");
    assert_eq!(error.name(), "AccessDenied");
}

fn listing(keys: &[&str], next: Option<&str>) -> &'static str {
    let contents: String = keys
        .iter()
        .map(|k| format!("<Contents><Key>{k}</Key></Contents>"))
        .collect();
    let next = next.map(|t| format!("<NextContinuationToken>{t}</NextContinuationToken>"));
    let next = next.unwrap_or_default();
    format!("<ListBucketResult>{contents}{next}</ListBucketResult>").leak()
}

/// An artifact that differs from others by its number.
fn numbered(number: u8) -> Artifact {
    Artifact::of(Handler::Query, vec![number].leak())
}

/// The key of an artifact of the stack `orders`.
fn key_of(number: u8) -> &'static str {
    key("orders", &numbered(number)).leak()
}

fn tagging(key: &str) -> &'static str {
    format!("{key}?tagging").leak()
}

#[tokio::test]
async fn only_what_the_stack_no_longer_uses_is_tagged() {
    let current = numbered(2);
    let (kept, old, gone) = (key_of(2), key_of(3), key_of(4));
    let s3 = S3::default()
        .on(
            "GET",
            "list-type=2",
            200,
            listing(&[kept, old], Some("more")),
        )
        .on("PUT", tagging(old), 200, "")
        .on(
            "GET",
            "continuation-token=more",
            200,
            listing(&[gone], None),
        )
        .on("PUT", tagging(gone), 404, error("NoSuchKey"));
    s3.store(None).retire("orders", &[current]).await.unwrap();
    let seen = s3.seen();
    let address = &seen[0].address;
    assert!(address.contains("prefix=orders%2F"), "{address}");
    assert!(
        seen[2]
            .body
            .contains("<Key>cqrs</Key><Value>superseded</Value>")
    );
}

#[tokio::test]
async fn all_pages_are_removed_and_counted() {
    let s3 = S3::default()
        .on(
            "GET",
            "list-type=2",
            200,
            listing(&[key_of(1), key_of(2)], Some("more")),
        )
        .on(
            "GET",
            "continuation-token=more",
            200,
            listing(&[key_of(3)], None),
        )
        .on("POST", "?delete", 200, "<DeleteResult/>");
    assert_eq!(s3.store(None).remove_all("orders").await.unwrap(), 3);
    let deleted = &s3.seen()[2].body;
    for key in [1, 2, 3].map(key_of) {
        assert!(deleted.contains(&format!("<Key>{key}</Key>")), "{deleted}");
    }
}

#[tokio::test]
async fn what_is_no_artifact_stays_though_it_lies_beside_them() {
    let others = [
        "orders/query/notes.txt",
        "orders/query/abc.zip",
        "orders/2026/report.csv",
    ];
    let s3 = S3::default()
        .on(
            "GET",
            "list-type=2",
            200,
            listing(&[others[0], key_of(1), others[1], others[2]], None),
        )
        .on("POST", "?delete", 200, "<DeleteResult/>");
    assert_eq!(
        s3.store(Some("ours")).remove_all("orders").await.unwrap(),
        1
    );
    let body = &s3.seen()[1].body;
    assert!(others.iter().all(|other| !body.contains(other)), "{body}");
}

#[tokio::test]
async fn an_object_that_stays_is_an_error_though_the_answer_is_a_success() {
    let stays = key_of(2);
    let failed = format!(
        "<DeleteResult><Error><Key>{stays}</Key><Code>AccessDenied</Code>\
         <Message>Access Denied</Message></Error></DeleteResult>"
    );
    let s3 = S3::default()
        .on(
            "GET",
            "list-type=2",
            200,
            listing(&[key_of(1), stays], None),
        )
        .on("POST", "?delete", 200, failed.leak());
    let error = s3.store(None).remove_all("orders").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "1 of the artifacts in `{MANAGED}` could not be removed, first `{stays}`: Access Denied"
        )
    );
    s3.seen();
}

#[tokio::test]
async fn a_missing_bucket_has_nothing_to_remove() {
    let s3 = S3::default()
        .on("GET", "list-type=2", 404, error("NoSuchBucket"))
        .on("DELETE", MANAGED, 404, error("NoSuchBucket"));
    let store = s3.store(None);
    assert_eq!(store.remove_all("orders").await.unwrap(), 0);
    assert!(!store.remove_bucket_if_empty().await.unwrap());
    s3.seen();
}

#[tokio::test]
async fn the_managed_bucket_stays_while_another_stack_uses_it() {
    let used = S3::default().on("DELETE", MANAGED, 409, error("BucketNotEmpty"));
    // A stack's parameter names the managed bucket like any other.
    assert!(
        !used
            .store(Some(MANAGED))
            .remove_bucket_if_empty()
            .await
            .unwrap()
    );
    let empty = S3::default().on("DELETE", MANAGED, 204, "");
    assert!(empty.store(None).remove_bucket_if_empty().await.unwrap());
    empty.seen();
}
