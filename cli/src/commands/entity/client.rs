//! The stack's functions as these commands call them: commands go to the publisher, questions to the
//! query function, and with `--verbose` what they log goes to stderr.

use pattern::error::ErrorType;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::commands::entity::shown::{Shown, Timing};
use crate::commands::local;
use crate::domain::{Document, Domain};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::functions::{Answer, FunctionError, Functions};

pub(in crate::commands) struct Client<'a> {
    pub(super) functions: Functions,
    pub(super) domain: &'a Domain,
    pub(super) printer: &'a Printer,
}

/// A document after its command, and when that was sent and answered.
pub(super) struct Sent {
    pub(super) document: Document,
    sent: Instant,
    answered: Instant,
}

impl Sent {
    /// With its times, where the read model showed it.
    pub(super) fn shown(self, seen: Option<Instant>, domain: &Domain) -> Shown {
        let (sent, answered) = (self.sent, self.answered);
        let timing = seen.map(|seen| Timing::new(answered - sent, seen - answered));
        Shown::new(self.document, timing, domain)
    }
}

impl<'a> Client<'a> {
    pub(in crate::commands) async fn of(
        settings: &'a Settings,
        printer: &'a Printer,
    ) -> Result<Self, Failure> {
        let aws = match settings.target {
            Target::Aws => Aws::connect(&settings.aws).await?,
            Target::Local => local::connect(settings, printer).await?,
        };
        Ok(Self {
            functions: Functions::new(&aws, settings.stack.clone(), printer.is_verbose()),
            domain: &settings.domain,
            printer,
        })
    }

    /// Sends a command to the publisher.
    pub(super) async fn send(&self, command: &impl Serialize) -> Result<Sent, FunctionError> {
        let sent = Instant::now();
        let answer = self.functions.publish(command).await;
        let answered = Instant::now();
        Ok(Sent {
            document: self.logged(answer)?,
            sent,
            answered,
        })
    }

    /// Asks the query function.
    pub(in crate::commands) async fn query<T: DeserializeOwned>(
        &self,
        question: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.functions.query(question).await;
        self.logged(answer).map_err(|error| self.failure(error))
    }

    /// Takes an answer's value, and shows its log lines, a failed call's too.
    pub(super) fn logged<T>(
        &self,
        answer: Result<Answer<T>, FunctionError>,
    ) -> Result<T, FunctionError> {
        let log = match &answer {
            Ok(answer) => answer.log.as_deref(),
            Err(FunctionError::Function { log, .. } | FunctionError::Crashed { log, .. }) => {
                log.as_deref()
            }
            Err(_) => None,
        };
        for line in log.unwrap_or_default().lines() {
            self.printer.detail(line);
        }
        answer.map(|answer| answer.value)
    }

    /// What a call that failed means for the user.
    pub(super) fn failure(&self, error: FunctionError) -> Failure {
        let hint = hint(&error, self.domain);
        let failure = Failure::from(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What to type next, where that is a command of the entity.
fn hint(error: &FunctionError, domain: &Domain) -> Option<String> {
    let (entity, plural) = (&domain.entity, &domain.plural);
    let FunctionError::Function { error_type, .. } = error else {
        return None;
    };
    match error_type {
        ErrorType::NotFound => Some(format!("`cqrs {entity} list` shows the {plural}")),
        ErrorType::VersionConflict => Some(format!(
            "`cqrs {entity} get ID` shows the {entity} as it is now"
        )),
        ErrorType::IdempotencyConflict => Some(format!(
            "use another `--idempotency-key` for another {entity}"
        )),
        _ => None,
    }
}
