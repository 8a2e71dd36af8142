//! The one port: HTTP from clients to the services.
//!
//! | request | goes to |
//! |---|---|
//! | `X-Amz-Target: DynamoDB_20120810.…`, `DynamoDBStreams_20120810.…` | the store |
//! | `X-Amz-Target: AmazonSQS.…`, or a form of SQS | the queues |
//! | `/2015-03-31/functions/…` | the functions |
//! | `GET /2015-03-31/event-source-mappings/…` | the mappings |
//! | `X-Amz-Target: Logs_20140328.…` | the functions' logs |
//! | a form with `Action=GetCallerIdentity` | an identity that is nobody's |
//! | `POST /_cqrs/…` | the tool's own requests, with the token |
//! | `GET /_cqrs/health` | says that this is here |
//!
//! Signatures are not checked, as nothing here is anybody else's; that no web page gets in is
//! [`guard`](crate::guard)'s business. What AWS has and this has not answers 501 and says so.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::lambda::Functions;
use crate::mapping::Mappings;
use crate::queue::Queues;
use crate::store::{Reply, Store};

mod event;
mod function_name;
mod functions;
mod identity;
mod logs;
mod mappings;
mod payload;
mod respond;
mod route;

use event::Events;

/// How long requests in flight have after the stop.
const GRACE: Duration = Duration::from_secs(2);
/// The most that a request's head can have, in bytes; more is answered 431. Credentials of AWS's own
/// services bring some kilobytes.
const MAXIMUM_HEAD: usize = 64 * 1024;
/// How long to wait where no connection can be taken, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What answers the tool's own requests, below `/_cqrs/`. They carry a token that only the owner
/// of the state folder can read; the gateway has checked it.
pub trait Control: Send + Sync + 'static {
    /// Answers `POST /_cqrs/<path>`.
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Reply>;
}

/// The services behind the port.
#[derive(Clone)]
pub struct Services {
    /// The region in ARNs.
    pub region: String,
    /// DynamoDB and its streams.
    pub store: Store,
    /// Lambda.
    pub functions: Functions,
    /// Lambda's event source mappings.
    pub mappings: Mappings,
    /// SQS.
    pub queues: Queues,
    /// The tool's own requests.
    pub control: Arc<dyn Control>,
    /// What those must carry: `Authorization: Bearer <token>`.
    pub token: String,
}

/// What all connections share.
struct Gateway {
    services: Services,
    events: Events,
}

/// Serves until `stop` becomes true, then lets requests in flight finish for two seconds. Receivers
/// that wait for messages are answered at once, and connections without a request closed.
pub async fn serve(listener: TcpListener, services: Services, mut stop: watch::Receiver<bool>) {
    let queues = services.queues.clone();
    let gateway = Arc::new(Gateway {
        services,
        events: Events::new(stop.clone()),
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&gateway), stop.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    queues.close();
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, finish).await;
}

/// Serves one connection, to its end or to the stop.
async fn connection(stream: TcpStream, gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
    // Only speed is lost without it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(route::answer(&gateway, request).await) }
    });
    // Clients keep connections for longer than any fixed time, and on this machine a slow sender
    // takes nothing from others: no timeouts.
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_header_size(MAXIMUM_HEAD);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = serving.as_mut() => return,
        () = stopped(&mut stop) => {}
    }
    serving.as_mut().graceful_shutdown();
    // The peer that went away is the only error, and has nobody to tell.
    let _ = serving.await;
}

/// Also where the sender is gone without a word.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
