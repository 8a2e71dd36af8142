//! Functions as processes on the Runtime API, and what Lambda promises around them.

mod environments;
mod invoking;
mod logs;
mod processes;
mod starting;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use host::definition::Function;
use host::lambda::{Counted, InvokeError, InvokeOptions, Invoked};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::support::Host;
use crate::{comes_true, definitions};

impl Host {
    async fn try_invoke(&self, payload: Value) -> Result<Invoked, InvokeError> {
        let payload = Bytes::from(payload.to_string());
        let options = InvokeOptions::default();
        self.functions.invoke("f", payload, options).await
    }

    async fn invoke(&self, payload: Value) -> Invoked {
        self.try_invoke(payload).await.unwrap()
    }

    async fn answer(&self, payload: Value) -> Value {
        let invoked = self.invoke(payload).await;
        assert!(!invoked.failed, "{:?}", invoked.payload);
        serde_json::from_slice(&invoked.payload).unwrap()
    }

    /// The error's type and message, without the request's id.
    async fn error(&self, payload: Value) -> (String, String) {
        let invoked = self.invoke(payload).await;
        assert!(invoked.failed);
        let document: Value = serde_json::from_slice(&invoked.payload).unwrap();
        let text = |field: &str| document[field].as_str().unwrap().to_owned();
        let message = text("errorMessage").replace(&invoked.request_id, "<id>");
        (text("errorType"), message)
    }

    async fn pid(&self) -> u64 {
        self.answer(json!({ "describe": true })).await["pid"]
            .as_u64()
            .unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("logs/f.log")).unwrap_or_default()
    }
}

fn function() -> Function {
    Function {
        log_json: false,
        log_platform: true,
        ..definitions::function()
    }
}

fn with_variable(name: &str, value: impl Into<String>) -> Function {
    let mut function = function();
    function.environment.insert(name.to_owned(), value.into());
    function
}

fn tailed() -> InvokeOptions {
    InvokeOptions {
        tail: true,
        ..InvokeOptions::default()
    }
}

fn is_running(pid: u64) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

async fn ends(pid: u64) -> bool {
    comes_true(move || !is_running(pid)).await
}
