//! A deployed stack, and where its parts are.

use serde_json::Value;

use super::Stage;

pub(crate) struct Parts<S> {
    pub(crate) stage: S,
    outputs: Value,
}

impl<S: Stage> Parts<S> {
    pub(crate) fn deployed() -> Self {
        Self::with(S::empty(), &[])
    }

    pub(crate) fn with(stage: S, parameters: &[&str]) -> Self {
        let mut deploy = stage.deploy();
        for parameter in parameters {
            deploy = deploy.args(["--parameter", parameter]);
        }
        let mut deployed: Value = deploy.json();
        let outputs = deployed["outputs"].take();
        Self { stage, outputs }
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap()
    }
}
