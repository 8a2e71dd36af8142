//! How the parts are, as `cqrs status` judges them.

use serde::Serialize;

use crate::observe::judged::Parts;
use crate::observe::{Blind, Minute, Seen};
use crate::settings::{Settings, Target};

/// CloudWatch charges a cent for 1,000 metrics, and each look asks for 13.
/// <https://aws.amazon.com/cloudwatch/pricing/>
const AWS_COST: &str = "asked once a minute while a page is open: 13 metrics of CloudWatch, \
     about $0.008 an hour";

/// All parts, or why there is nothing to see.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    pub(super) stack: StackIs,
    /// Why nothing is seen.
    pub(super) why: Option<String>,
    pub(super) parts: Parts,
    /// What looking costs, on AWS.
    pub(super) cost: Option<&'static str>,
    pub(super) dashboard: Option<String>,
    /// What CloudWatch counted, minute by minute.
    #[serde(skip)]
    pub(super) minutes: Vec<Minute>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StackIs {
    #[default]
    Unknown,
    /// Nothing is deployed.
    None,
    Stopped,
    There,
}

impl Facts {
    /// How long the oldest change waits that is not projected yet.
    pub(super) fn waits_ms(&self) -> Option<f64> {
        Some(self.parts.lag()?.lag_ms? as f64)
    }

    pub(super) fn of(looked: Result<Seen, Blind>, settings: &Settings, at: u64) -> Self {
        let cost = (settings.target == Target::Aws).then_some(AWS_COST);
        match looked {
            Ok(mut seen) => Self {
                at,
                stack: match seen.is_stopped() {
                    true => StackIs::Stopped,
                    false => StackIs::There,
                },
                why: None,
                cost,
                minutes: match &mut seen.activity {
                    Ok(activity) => std::mem::take(&mut activity.minutes),
                    Err(_) => Vec::new(),
                },
                dashboard: seen.dashboard.take(),
                parts: seen.judged(&settings.stack, settings.target),
            },
            Err(blind) => Self {
                at,
                stack: match blind {
                    Blind::NoStack => StackIs::None,
                    _ => StackIs::Unknown,
                },
                why: match blind {
                    Blind::NoStack => None,
                    Blind::NotOurs(error) => Some(error.to_string()),
                    Blind::Because(unseen) => Some(unseen.to_string()),
                },
                cost,
                ..Self::default()
            },
        }
    }
}
