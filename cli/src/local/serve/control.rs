//! Answers the tool's own requests, below `/_cqrs/`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::gateway::Control;
use host::store::Reply;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::stack::Stack;
use crate::error::{Failure, Kind};
use crate::local::protocol::{Faults, Look, Refusal};

/// See the module's documentation.
pub(super) struct Controller {
    stack: Arc<Stack>,
    stop: watch::Sender<bool>,
}

impl Controller {
    pub(super) fn new(stack: Arc<Stack>, stop: watch::Sender<bool>) -> Self {
        Self { stack, stop }
    }

    fn faults(&self, cleared: usize) -> Faults {
        let faults = self.stack.functions().faults().list();
        Faults { faults, cleared }
    }

    async fn answer(&self, path: &str, body: Bytes) -> Result<Reply, (u16, Refusal)> {
        match path {
            "deploy" => {
                let deployment = read(&body)?;
                // A tool that is interrupted must not leave a stack that is half deployed.
                let (stack, stop) = (Arc::clone(&self.stack), self.stop.clone());
                let deploying = tokio::spawn(async move {
                    let deployed = stack.deploy(deployment).await;
                    if deployed.is_err() && stack.describe().await.is_none() {
                        // There is nothing to serve.
                        stop.send_replace(true);
                    }
                    deployed
                });
                match deploying.await {
                    Ok(Ok(deployed)) => Ok(json(&deployed)),
                    Ok(Err(error)) => Err((400, error.into())),
                    Err(gone) => Err((500, refuse("the deployment ended", gone.to_string()).1)),
                }
            }
            "describe" => match self.stack.describe().await {
                Some(description) => Ok(json(&description)),
                None => Err(refuse("no stack is deployed here", String::new())),
            },
            "status" => Ok(json(&self.stack.status().await)),
            "live" => {
                let Look { after } = read(&body)?;
                Ok(json(&self.stack.watch(after)))
            }
            "fault" => {
                let fault = read(&body)?;
                let begun = self.stack.fault(fault).await;
                begun.map_err(|error| refuse(&error.to_string(), String::new()))?;
                Ok(json(&self.faults(0)))
            }
            "faults" => Ok(json(&self.faults(0))),
            "clear-faults" => {
                let cleared = self.stack.clear_faults().await;
                Ok(json(&self.faults(cleared)))
            }
            "stop" => {
                self.stop.send_replace(true);
                Ok(json(&serde_json::json!({})))
            }
            _ => Err((404, refuse("there is no such request", path.to_owned()).1)),
        }
    }
}

impl Control for Controller {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            self.answer(path, body)
                .await
                .unwrap_or_else(|(status, refusal)| Reply {
                    status,
                    ..json(&refusal)
                })
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (u16, Refusal)> {
    serde_json::from_slice(body)
        .map_err(|error| refuse("the request cannot be read", error.to_string()))
}

fn refuse(message: &str, cause: String) -> (u16, Refusal) {
    let mut failure = Failure::new(Kind::Failed, message);
    if !cause.is_empty() {
        failure = failure.caused_by(cause);
    }
    (400, failure.into())
}

fn json(value: &impl Serialize) -> Reply {
    Reply {
        status: 200,
        body: serde_json::to_vec(value).unwrap_or_default().into(),
    }
}
