//! Calls a stack's functions: one AWS call for one order command or event.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use pattern::description::Description;
use pattern::diagnosis::{Diagnose, Diagnosis};
use pattern::error::ErrorType;
use pattern::id::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::handler::Handler;
use crate::aws::{Aws, AwsError};
use crate::domain::{Batch, Document, Domain};
use crate::error::{Explain, Kind};
use crate::settings::{StackName, Target};
use crate::stack::Stacks;
use crate::stack::ownership::NotOurs;

/// The most documents that one query answers, by ids or as a page.
pub(crate) const MAX_DOCUMENTS: usize = 500;

/// The publisher, subscriber and query functions of one stack.
#[derive(Clone, Debug)]
pub(crate) struct Functions {
    client: Client,
    stack: StackName,
    target: Target,
    with_logs: bool,
    aws: Aws,
}

/// A function's answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    /// The end of the invocation's log, where it was asked for.
    pub(crate) log: Option<String>,
}

/// A call that brought no answer, or the function's own error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FunctionError {
    #[error(transparent)]
    Aws(#[from] AwsError),

    /// No stack of this name is deployed here.
    #[error("stack `{stack}` has no function `{function}` {}", place(*target))]
    NotDeployed {
        stack: StackName,
        function: String,
        target: Target,
    },

    /// The stack of this name belongs to another owner.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),

    /// The stack on this machine stopped while it was asked.
    #[error("the stack on this machine does not answer")]
    Stopped(#[source] AwsError),

    /// The function answered with an error of the domain; `message` is its own.
    #[error("{message}")]
    Function {
        error_type: ErrorType,
        /// The error's name as the function said it: `OrderNotFound`.
        name: String,
        message: String,
        log: Option<String>,
    },

    /// The function did not come to an answer: it crashed, timed out or could not start.
    #[error("`{function}` failed: {message}")]
    Crashed {
        function: String,
        error_type: String,
        message: String,
        log: Option<String>,
    },

    /// The answer is no JSON of the expected shape.
    #[error("`{function}` answered in a form that this version does not know")]
    Unintelligible {
        function: String,
        source: serde_json::Error,
    },
}

fn place(target: Target) -> &'static str {
    match target {
        Target::Aws => "in this region",
        Target::Local => "on this machine",
    }
}

impl FunctionError {
    /// Whether the function answered with this error.
    pub(crate) fn is(&self, expected: ErrorType) -> bool {
        matches!(self, Self::Function { error_type, .. } if *error_type == expected)
    }
}

impl Explain for FunctionError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) | Self::Stopped(error) => error.kind(),
            Self::NotDeployed { .. } => Kind::NotFound,
            Self::NotOurs(error) => error.kind(),
            Self::Function { error_type, .. } => match error_type {
                ErrorType::NotFound => Kind::NotFound,
                ErrorType::InvalidCommand
                | ErrorType::VersionConflict
                | ErrorType::IllegalTransition
                | ErrorType::IdempotencyConflict
                | ErrorType::Refused
                | ErrorType::InvalidQuery => Kind::Refused,
                _ => Kind::Failed,
            },
            Self::Crashed { .. } | Self::Unintelligible { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) | Self::Stopped(error) => error.name(),
            Self::NotDeployed { .. } => "StackNotFound".to_owned(),
            Self::NotOurs(error) => error.name(),
            Self::Function { name, .. } => name.clone(),
            Self::Crashed { error_type, .. } => error_type.clone(),
            Self::Unintelligible { .. } => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::NotDeployed { stack, target, .. } => Some(match target {
                Target::Aws => format!(
                    "`cqrs deploy --stack {stack}` creates it; or check `--stack` and `--region`"
                ),
                Target::Local => {
                    format!("`cqrs deploy --local --stack {stack}` creates it; or check `--stack`")
                }
            }),
            Self::NotOurs(error) => error.hint(),
            Self::Stopped(_) => Some(
                "repeat the command, which starts the stack again: this is safe at any time"
                    .to_owned(),
            ),
            Self::Function { error_type, .. } => match error_type {
                ErrorType::WriteModelUnavailable | ErrorType::ReadModelUnavailable => {
                    Some("repeat the command: this is safe at any time".to_owned())
                }
                ErrorType::ReadModelIncomplete => {
                    Some("`cqrs rebuild` completes it from the table".to_owned())
                }
                // What this tool asks is right for the functions of its own version.
                ErrorType::InvalidQuery | ErrorType::InvalidEvent => {
                    Some("`cqrs deploy` brings the functions to this version".to_owned())
                }
                _ => None,
            },
            Self::Crashed { .. } => Some("`cqrs logs` shows what the function logged".to_owned()),
            Self::Unintelligible { .. } => {
                Some("`cqrs deploy` brings the functions to this version".to_owned())
            }
        }
    }
}

impl Functions {
    pub(crate) fn new(aws: &Aws, stack: StackName, with_logs: bool) -> Self {
        Self {
            client: aws.lambda(),
            stack,
            target: aws.target(),
            with_logs,
            aws: aws.clone(),
        }
    }

    /// The same without the SDK's own retries, for a caller who has to know of every attempt, and
    /// without logs.
    pub(crate) fn one_attempt_each(mut self) -> Self {
        let config = self.client.config().to_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        self.client = Client::from_conf(config);
        self.with_logs = false;
        self
    }

    /// Sends a command to the publisher.
    pub(crate) async fn publish<T: DeserializeOwned>(
        &self,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        self.invoke(Handler::Publisher, payload).await
    }

    /// Asks the query function.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        self.invoke(Handler::Query, payload).await
    }

    /// Asks the query function for several documents, at most [`MAX_DOCUMENTS`]; gives one, or none,
    /// for each id.
    pub(crate) async fn documents(
        &self,
        ids: &[Id],
        domain: &Domain,
    ) -> Result<Answer<Vec<Option<Document>>>, FunctionError> {
        let question = serde_json::json!({ (domain.ids()): ids });
        let Answer { value, log } = self.query::<Batch>(&question).await?;
        let Batch(value) = value;
        if value.len() != ids.len() {
            let source = serde::de::Error::invalid_length(value.len(), &"one for each id");
            let function = self.stack.function(Handler::Query);
            return Err(FunctionError::Unintelligible { function, source });
        }
        Ok(Answer { value, log })
    }

    /// Gives the subscriber an event, as its event source mapping does, or orders to project.
    pub(crate) async fn deliver<T: DeserializeOwned>(
        &self,
        event: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        self.invoke(Handler::Subscriber, event).await
    }

    /// Asks the query function what the stack is about.
    pub(crate) async fn describe(&self) -> Result<Description, FunctionError> {
        let question = serde_json::json!({ "describe": true });
        Ok(self.query(&question).await?.value)
    }

    /// Asks a function how it gets to its store.
    pub(crate) async fn diagnose(
        &self,
        handler: Handler,
    ) -> Result<Answer<Diagnosis>, FunctionError> {
        let payload = Diagnose { diagnose: true };
        self.invoke(handler, &payload).await
    }

    async fn invoke<T: DeserializeOwned>(
        &self,
        handler: Handler,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        let function = self.stack.function(handler);
        let unintelligible = |source| FunctionError::Unintelligible {
            function: function.clone(),
            source,
        };
        let payload = serde_json::to_vec(payload).map_err(unintelligible)?;
        let answer = self
            .client
            .invoke()
            .function_name(&function)
            .set_log_type(self.with_logs.then_some(LogType::Tail))
            .payload(Blob::new(payload))
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("lambda:InvokeFunction", e));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                return Err(self.not_deployed(function).await);
            }
            Err(error @ AwsError::Unreachable { .. }) if self.target == Target::Local => {
                return Err(FunctionError::Stopped(error));
            }
            Err(error) => return Err(error.into()),
        };
        let log = answer.log_result.as_deref().and_then(decode_log);
        let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            return Err(function_error(function, &body, log));
        }
        let value = serde_json::from_slice(&body).map_err(unintelligible)?;
        Ok(Answer { value, log })
    }
}

impl Functions {
    /// Why there is no such function: a stack of that name may belong to another owner.
    async fn not_deployed(&self, function: String) -> FunctionError {
        if self.target == Target::Aws {
            let stacks = Stacks::new(&self.aws);
            // Whoever may only invoke functions gets the rest of the answer.
            if let Ok(Some(state)) = stacks.describe(self.stack.as_str()).await
                && let Err(error) = stacks.check_ours(&state)
            {
                return error.into();
            }
        }
        FunctionError::NotDeployed {
            stack: self.stack.clone(),
            function,
            target: self.target,
        }
    }
}

/// Reads `{"errorType","errorMessage"}`, Lambda's form for every function error, its own included.
fn function_error(function: String, body: &[u8], log: Option<String>) -> FunctionError {
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Body {
        error_type: String,
        error_message: String,
    }
    let Body {
        error_type: name,
        error_message: message,
    } = serde_json::from_slice(body).unwrap_or_else(|_| Body {
        error_type: "Unknown".to_owned(),
        error_message: String::from_utf8_lossy(body).into_owned(),
    });
    match ErrorType::parse(&name) {
        Some(error_type) => FunctionError::Function {
            error_type,
            name,
            message,
            log,
        },
        None => FunctionError::Crashed {
            function,
            error_type: name,
            message,
            log,
        },
    }
}

/// The log's tail comes as base64 of text.
fn decode_log(encoded: &str) -> Option<String> {
    let bytes = aws_smithy_types::base64::decode(encoded).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> FunctionError {
        function_error("cqrs-publisher".to_owned(), body.as_bytes(), None)
    }

    #[test]
    fn an_error_of_the_domain_keeps_its_words_and_its_class() {
        let error = read(r#"{"errorType":"VersionConflict","errorMessage":"it is at 3"}"#);
        assert_eq!(error.to_string(), "it is at 3");
        assert_eq!(
            (error.kind(), error.name()),
            (Kind::Refused, "VersionConflict".to_owned())
        );
    }

    #[test]
    fn a_crash_names_the_function_and_lambdas_own_error_type() {
        let error = read(r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#);
        assert_eq!(error.to_string(), "`cqrs-publisher` failed: exit status 1");
        assert_eq!(
            (error.kind(), error.name()),
            (Kind::Failed, "Runtime.ExitError".to_owned())
        );
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("`cqrs logs`"))
        );
    }

    #[test]
    fn an_error_in_no_known_form_is_shown_as_it_came() {
        assert_eq!(
            read("out of cheese").to_string(),
            "`cqrs-publisher` failed: out of cheese"
        );
    }
}
