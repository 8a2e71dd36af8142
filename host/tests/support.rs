//! All services, and a port before them.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::bucket::Buckets;
use host::definition::{Function, Mapping};
use host::gateway::{self, Control, Services};
use host::journal::Journal;
use host::lambda::{Functions, LogLine, Settings};
use host::mapping::Mappings;
use host::offspring::Offspring;
use host::queue::Queues;
use host::store::{Reply, Store};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::definitions;

/// What the tool's requests must carry.
pub(crate) const TOKEN: &str = "b0a7c0de";
const REGION: &str = "eu-west-1";

/// Answers with what it was asked.
struct Echo;

impl Control for Echo {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Reply> {
        let text = String::from_utf8(body.to_vec()).unwrap();
        let body = json!({"path": path, "body": text}).to_string().into();
        Box::pin(std::future::ready(Reply { status: 200, body }))
    }
}

/// See the module's documentation. It has a function `f`, a table `orders` and a queue `failures`.
pub(crate) struct Host {
    pub(crate) port: u16,
    pub(crate) functions: Functions,
    pub(crate) mappings: Mappings,
    pub(crate) store: Store,
    pub(crate) queues: Queues,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) serving: JoinHandle<()>,
    folder: TempDir,
}

impl Host {
    pub(crate) async fn start() -> Self {
        let host = Self::with([function()]).await;
        host.mappings.apply(vec![mapping()]).await.unwrap();
        host
    }

    /// With these functions in the place of `f`, and no mapping yet.
    pub(crate) async fn with(made: impl IntoIterator<Item = Function>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name);
        let region = REGION.to_owned();
        let settings = Settings {
            region: region.clone(),
            endpoint_url: format!("http://127.0.0.1:{port}"),
            logs: path("logs"),
        };
        let program = PathBuf::from(env!("CARGO_BIN_EXE_offspring-parent"));
        let offspring = Offspring::new(program, &["watch"], folder.path()).unwrap();
        let functions = Functions::new(settings, offspring);
        functions.apply(made.into_iter().collect()).await;
        let journal = Journal::open(&path("journal.db")).unwrap();
        let queues = Queues::new(journal.clone(), REGION).unwrap();
        queues.apply(vec![definitions::queue()]).unwrap();
        let store = Store::open(&path("data.db"), REGION).unwrap();
        store.apply(&definitions::orders()).await.unwrap();
        let parts = (store.clone(), functions.clone(), queues.clone());
        let buckets = Buckets::below(path("buckets"));
        let mappings = Mappings::new(REGION, journal, parts.0, parts.1, parts.2, buckets).unwrap();

        let (stop, stopped) = watch::channel(false);
        let services = Services {
            region,
            store: store.clone(),
            functions: functions.clone(),
            mappings: mappings.clone(),
            queues: queues.clone(),
            control: Arc::new(Echo),
            token: TOKEN.to_owned(),
        };
        Self {
            port,
            functions,
            mappings,
            store,
            queues,
            stop,
            serving: tokio::spawn(gateway::serve(listener, services, stopped)),
            folder,
        }
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The configuration of an SDK's clients, which sign as ever.
    pub(crate) fn aws(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.endpoint())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Sends `request`, whose lines end with CRLF, on a connection of its own, and reads the answer
    /// to its end.
    pub(crate) async fn send(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap()
    }

    /// Posts `body` with `headers`, which are `Name: value` each, and returns the whole answer.
    pub(crate) async fn post(&self, path: &str, headers: &[&str], body: &str) -> String {
        let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            body.len(),
        ))
        .await
    }
}

pub(crate) fn function() -> Function {
    Function {
        environment: [("COLOUR".to_owned(), "green".to_owned())].into(),
        reserved_concurrency: Some(3),
        ..definitions::function()
    }
}

fn mapping() -> Mapping {
    Mapping {
        batch_size: 1,
        window_seconds: 1,
        bisect_on_error: false,
        maximum_retry_attempts: Some(1),
        report_item_failures: false,
        ..definitions::mapping()
    }
}

/// Waits until a function logs `text`.
pub(crate) async fn logged(logs: &mut broadcast::Receiver<LogLine>, text: &str) {
    let found = async { while !logs.recv().await.unwrap().text.contains(text) {} };
    let waited = tokio::time::timeout(Duration::from_secs(20), found).await;
    assert!(waited.is_ok(), "nothing logged {text}");
}
