//! The one port: HTTP from clients to the services.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::lambda::Functions;
use crate::queue::Queues;
use crate::store::{Reply, Store};

/// What answers the tool's own requests, below `/_cqrs/`. They carry a token that only the owner
/// of the state folder can read; the gateway has checked it.
pub trait Control: Send + Sync + 'static {
    /// Answers `POST /_cqrs/<path>`.
    fn call<'a>(
        &'a self,
        path: &'a str,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;
}

/// The services behind the port.
#[derive(Clone)]
pub struct Services<C> {
    /// DynamoDB and its streams.
    pub store: Store,
    /// Lambda.
    pub functions: Functions,
    /// SQS.
    pub queues: Queues,
    /// The tool's own requests.
    pub control: std::sync::Arc<C>,
    /// What those must carry: `Authorization: Bearer <token>`.
    pub token: String,
}

/// Serves until `stop` becomes true, then lets requests in flight finish for a moment.
pub async fn serve<C: Control>(
    listener: TcpListener,
    services: Services<C>,
    stop: watch::Receiver<bool>,
) {
    let _: (
        TcpListener,
        Services<C>,
        watch::Receiver<bool>,
        Option<SocketAddr>,
    ) = (listener, services, stop, None);
    todo!()
}
