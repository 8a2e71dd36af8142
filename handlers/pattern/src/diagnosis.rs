//! A handler's account of the way to its store, step by step.
//!
//! Asked with `{"diagnose":true}`, each handler goes that way on a connection of its own, also
//! where the one that it holds is broken, and says how far it came and how long each step took. It
//! writes nothing, and what it says holds no secret.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::asked::is_asked;

/// The payload that asks for it; `diagnose` is true.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnose {
    /// Always true.
    pub diagnose: bool,
}

impl Diagnose {
    /// Whether `payload` asks for a diagnosis.
    #[must_use]
    pub fn is_asked(payload: &str) -> bool {
        is_asked(payload, "diagnose")
    }
}

/// How far the handler came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The handler's version.
    pub version: String,
    /// What was done, in order; the first that failed is the last.
    pub steps: Vec<Step>,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub step: StepName,
    /// Whether it succeeded.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What was found, or what came in the way.
    pub detail: String,
}

/// The steps that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    /// The cache's name is looked up.
    Resolve,
    /// A connection to it is made.
    Connect,
    /// The connection is encrypted.
    Tls,
    /// The handler signs in.
    Auth,
    /// The cache answers a `PING`.
    Ping,
    /// The read model is complete.
    Contents,
    /// The table answers a write whose condition never holds.
    Table,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Ping => "ping",
            Self::Contents => "contents",
            Self::Table => "table",
        })
    }
}

impl Diagnosis {
    /// Nothing is done yet.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            version: crate::VERSION.to_owned(),
            steps: Vec::new(),
        }
    }

    /// The step that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.ok)
    }

    /// Adds a step that began at `since` and ends now.
    pub fn add(&mut self, step: StepName, since: Instant, outcome: Result<String, String>) {
        let ok = outcome.is_ok();
        let (Ok(detail) | Err(detail)) = outcome;
        self.steps.push(Step {
            step,
            ok,
            ms: millis(since.elapsed()),
            detail,
        });
    }
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_payload_that_asks_for_it_is_answered_with_a_diagnosis() {
        for payload in [r#"{"diagnose":true}"#, " { \"diagnose\" : true } "] {
            assert!(Diagnose::is_asked(payload), "{payload}");
        }
        for payload in [
            "",
            "{}",
            r#"{"diagnose":false}"#,
            r#"{"diagnose":1}"#,
            r#"{"diagnose":true,"id":"o"}"#,
            r#"{"id":"\"diagnose\""}"#,
            r#"["diagnose"]"#,
        ] {
            assert!(!Diagnose::is_asked(payload), "{payload}");
        }
    }

    #[test]
    fn what_a_client_sends_is_what_a_handler_knows() {
        let payload = serde_json::to_string(&Diagnose { diagnose: true }).unwrap();
        assert!(Diagnose::is_asked(&payload));
    }

    #[test]
    fn a_diagnosis_is_read_as_it_was_written() {
        let mut diagnosis = Diagnosis::begin();
        diagnosis.add(StepName::Resolve, Instant::now(), Ok("10.0.1.5".to_owned()));
        diagnosis.add(StepName::Connect, Instant::now(), Err("refused".to_owned()));
        let text = serde_json::to_string(&diagnosis).unwrap();
        assert_eq!(serde_json::from_str::<Diagnosis>(&text).unwrap(), diagnosis);
        let failed = diagnosis.failed().unwrap();
        assert_eq!(
            (failed.step, failed.detail.as_str()),
            (StepName::Connect, "refused")
        );
    }
}
