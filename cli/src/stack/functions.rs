//! Calls a stack's functions: one AWS call for one order command.

use std::borrow::Cow;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use orders::error::ErrorType;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aws::{Aws, AwsError};
use crate::error::{Explain, Kind};
use crate::settings::StackName;

/// The publisher and query functions of one stack.
#[derive(Clone, Debug)]
pub(crate) struct Functions {
    client: Client,
    stack: StackName,
    with_logs: bool,
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
    #[error("stack `{stack}` has no function `{function}` in this region")]
    NotDeployed { stack: StackName, function: String },

    /// The function answered with an error; `message` is its own.
    #[error("{message}")]
    Function {
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

impl Explain for FunctionError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::NotDeployed { .. } => Kind::NotFound,
            Self::Function { error_type, .. } => match ErrorType::parse(error_type) {
                Some(ErrorType::OrderNotFound) => Kind::NotFound,
                Some(
                    ErrorType::InvalidCommand
                    | ErrorType::VersionConflict
                    | ErrorType::IllegalTransition
                    | ErrorType::IdempotencyConflict
                    | ErrorType::InvalidQuery,
                ) => Kind::Refused,
                _ => Kind::Failed,
            },
            Self::Unintelligible { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::NotDeployed { .. } => "StackNotFound".to_owned(),
            Self::Function { error_type, .. } => error_type.clone(),
            Self::Unintelligible { .. } => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::NotDeployed { stack, .. } => Some(format!(
                "`cqrs deploy --stack {stack}` creates it; or check `--stack` and `--region`"
            )),
            Self::Function { error_type, .. } => match ErrorType::parse(error_type)? {
                ErrorType::OrderNotFound => Some("`cqrs order list` shows the orders".to_owned()),
                ErrorType::VersionConflict => {
                    Some("`cqrs order get ID` shows the order as it is now".to_owned())
                }
                ErrorType::IdempotencyConflict => {
                    Some("use another `--idempotency-key` for another order".to_owned())
                }
                ErrorType::WriteModelUnavailable | ErrorType::ReadModelUnavailable => {
                    Some("repeat the command: this is safe at any time".to_owned())
                }
                _ => None,
            },
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
            with_logs,
        }
    }

    /// Sends a command to the publisher.
    pub(crate) async fn publish<T: DeserializeOwned>(
        &self,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        self.invoke("publisher", payload).await
    }

    /// Asks the query function.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        self.invoke("query", payload).await
    }

    async fn invoke<T: DeserializeOwned>(
        &self,
        role: &str,
        payload: &impl Serialize,
    ) -> Result<Answer<T>, FunctionError> {
        let function = format!("{}-{role}", self.stack);
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
                return Err(FunctionError::NotDeployed {
                    stack: self.stack.clone(),
                    function,
                });
            }
            Err(error) => return Err(error.into()),
        };
        let log = answer.log_result.as_deref().and_then(decode_log);
        let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            return Err(function_error(&body, log));
        }
        let value = serde_json::from_slice(&body).map_err(unintelligible)?;
        Ok(Answer { value, log })
    }
}

/// Reads `{"errorType","errorMessage"}`, Lambda's form for every function error, its own included.
fn function_error(body: &[u8], log: Option<String>) -> FunctionError {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(borrow, default)]
        error_type: Cow<'a, str>,
        #[serde(borrow, default)]
        error_message: Cow<'a, str>,
    }
    match serde_json::from_slice::<Body<'_>>(body) {
        Ok(Body {
            error_type,
            error_message,
        }) => FunctionError::Function {
            message: if error_message.is_empty() {
                format!("the function failed with {error_type}")
            } else {
                error_message.into_owned()
            },
            error_type: error_type.into_owned(),
            log,
        },
        Err(_) => FunctionError::Function {
            error_type: String::new(),
            message: String::from_utf8_lossy(body).into_owned(),
            log,
        },
    }
}

/// The log's tail comes as base64 of text.
fn decode_log(encoded: &str) -> Option<String> {
    let bytes = aws_smithy_types::base64::decode(encoded).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
