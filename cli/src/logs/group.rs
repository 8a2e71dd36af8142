//! One function's log group, page by page.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use crate::app::handler::Handler;
use crate::aws::{Aws, AwsError};
use crate::error::{Explain, Kind};
use crate::logs::Event;

#[derive(Clone, Debug)]
pub(crate) struct LogGroup {
    client: Client,
    pub(crate) handler: Handler,
    pub(crate) name: String,
}

/// What of a group is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// CloudWatch's filter pattern.
    pub(crate) pattern: Option<String>,
    /// The last millisecond, where there is one.
    pub(crate) until_ms: Option<i64>,
}

/// Some events of a group, by their times.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) events: Vec<Event>,
    /// Leads to the next page, which may be empty.
    pub(super) token: Option<String>,
    /// There is no such group.
    pub(super) missing: bool,
}

/// Events that could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogsError {
    #[error(transparent)]
    Aws(#[from] AwsError),

    /// CloudWatch does not take the filter pattern.
    #[error("CloudWatch does not take the filter `{pattern}`: {message}")]
    Pattern { pattern: String, message: String },
}

impl LogsError {
    pub(crate) fn is_throttling(&self) -> bool {
        matches!(self, Self::Aws(AwsError::Throttled { .. }))
    }

    /// Whether asking again later may help.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Aws(AwsError::Throttled { .. } | AwsError::Unreachable { .. }) => true,
            Self::Aws(AwsError::Service { code, .. }) => matches!(
                code.as_str(),
                "ServiceUnavailableException" | "InternalFailure" | "InternalServerError"
            ),
            _ => false,
        }
    }
}

impl Explain for LogsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::Pattern { .. } => Kind::Usage,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::Pattern { .. } => "InvalidFilter".to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Pattern { message, .. } => message.starts_with("Invalid character").then(|| {
                "a term with other characters than letters, digits and `_` is in double quotes, \
                 which the shell must leave: --filter '\"two words\"'"
                    .to_owned()
            }),
        }
    }
}

impl LogGroup {
    pub(crate) fn new(aws: &Aws, handler: Handler, name: &str) -> Self {
        Self {
            client: aws.logs(),
            handler,
            name: name.to_owned(),
        }
    }

    /// The same group, where the stack is now.
    pub(crate) fn through(&self, aws: &Aws) -> Self {
        Self::new(aws, self.handler, &self.name)
    }

    pub(super) async fn page(
        &self,
        from_ms: i64,
        wanted: &Wanted,
        token: Option<String>,
    ) -> Result<Page, LogsError> {
        let answer = self
            .client
            .filter_log_events()
            .log_group_name(&self.name)
            .start_time(from_ms.max(0))
            .set_end_time(wanted.until_ms)
            .set_filter_pattern(wanted.pattern.clone())
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("logs:FilterLogEvents", e));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                return Ok(Page {
                    missing: true,
                    ..Page::default()
                });
            }
            Err(error) => return Err(refused(error, wanted)),
        };
        let events = answer.events.unwrap_or_default().into_iter();
        Ok(Page {
            events: events.map(|event| read(self.handler, event)).collect(),
            token: answer.next_token,
            missing: false,
        })
    }
}

fn refused(error: AwsError, wanted: &Wanted) -> LogsError {
    match (&wanted.pattern, error.message()) {
        (Some(pattern), Some(message)) if error.code() == Some("InvalidParameterException") => {
            LogsError::Pattern {
                pattern: pattern.clone(),
                message: message.to_owned(),
            }
        }
        _ => error.into(),
    }
}

fn read(handler: Handler, event: FilteredLogEvent) -> Event {
    let at_ms = event.timestamp.unwrap_or_default();
    let message = event.message.unwrap_or_default();
    let id = event.event_id.unwrap_or_else(|| {
        // Emulators leave the id out.
        let stream = event.log_stream_name.unwrap_or_default();
        format!("{stream} {at_ms} {message}")
    });
    Event {
        handler,
        at_ms,
        id,
        message,
    }
}
