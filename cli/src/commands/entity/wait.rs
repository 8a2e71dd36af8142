//! Waits until the read model shows what was written: one entity or many, with one query a look.

use std::future::Future;
use std::time::Duration;

use host::pause::Pause;
use pattern::error::ErrorType;
use pattern::id::Id;
use serde::Serialize;
use tokio::time::Instant;

use crate::commands::entity::WaitArgs;
use crate::commands::entity::client::Client;
use crate::commands::entity::shown::Shown;
use crate::domain::{Document, Domain};
use crate::error::{Failure, Kind};

/// Between two looks: short at first, for the usual lag is a fraction of a second.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What was written.
pub(super) struct Written {
    pub(super) shown: Shown,
    /// How the waiting ended; it is written in any case.
    pub(super) waited: Result<(), Failure>,
}

const ANY_VERSION: u64 = 0;

/// What is waited for, of this version or a later one.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) id: Id,
    version: u64,
}

impl Wanted {
    /// Any version of it.
    pub(super) fn any(id: Id) -> Self {
        let version = ANY_VERSION;
        Self { id, version }
    }

    /// What was written, or what came after it.
    pub(super) fn of(document: &Document) -> Self {
        Self {
            id: document.id.clone(),
            version: document.version,
        }
    }
}

/// What the read model showed of it.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    Seen(Seen),
    Not(Held),
}

/// It, and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) document: Document,
    pub(super) at: Instant,
}

/// What the read model had instead.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Nothing,
    Older(u64),
    /// It cannot be asked; why.
    Unavailable(String),
}

impl Client<'_> {
    /// Sends a command to the publisher; where `wait` asks for that, waits until the read model shows
    /// this version or a later one. It is written however the waiting ends, so a failure of that comes
    /// beside the document, never instead of it.
    pub(super) async fn write(
        &self,
        command: &impl Serialize,
        wait: WaitArgs,
    ) -> Result<Written, Failure> {
        let sent = self.send(command).await;
        let sent = sent.map_err(|error| self.failure(error))?;
        let (seen, waited) = match wait.wait {
            None => (None, Ok(())),
            Some(seconds) => match self.until(Wanted::of(&sent.document), seconds).await {
                Ok(seen) => (Some(seen.at), Ok(())),
                Err(failure) => (None, Err(failure)),
            },
        };
        let shown = sent.shown(seen, self.domain);
        Ok(Written { shown, waited })
    }

    /// Waits for one.
    pub(super) async fn until(&self, wanted: Wanted, seconds: u64) -> Result<Seen, Failure> {
        let printer = self.printer;
        let step = printer
            .is_live()
            .then(|| printer.step("Waiting for the read model"));
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let never = std::future::pending();
        let wanted = [wanted];
        let sights = self.until_all(&wanted, deadline, never).await?;
        drop(step);
        let [wanted] = wanted;
        match sights.into_iter().next() {
            Some(Sight::Seen(seen)) => Ok(seen),
            Some(Sight::Not(held)) => Err(timed_out(&wanted, seconds, held, self.domain)),
            None => Err(timed_out(&wanted, seconds, Held::Nothing, self.domain)),
        }
    }

    /// Looks for all of `wanted`, which are one query, until each was seen, `deadline` has passed or
    /// `enough` comes; once in any case. Gives what was seen, in the same order.
    pub(super) async fn until_all(
        &self,
        wanted: &[Wanted],
        deadline: Instant,
        enough: impl Future<Output = ()>,
    ) -> Result<Vec<Sight>, Failure> {
        let mut enough = std::pin::pin!(enough);
        let mut sights = vec![Sight::Not(Held::Nothing); wanted.len()];
        let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE).growing(1.5);
        loop {
            self.look(wanted, &mut sights).await?;
            let seen = |sight: &Sight| matches!(sight, Sight::Seen(_));
            if sights.iter().all(seen) || Instant::now() + pause.length() > deadline {
                return Ok(sights);
            }
            tokio::select! {
                () = pause.pass() => {}
                () = &mut enough => return Ok(sights),
            }
        }
    }

    /// Looks once for those that were not seen yet.
    async fn look(&self, wanted: &[Wanted], sights: &mut [Sight]) -> Result<(), Failure> {
        let open = wanted.iter().zip(sights);
        let mut open: Vec<_> = open
            .filter(|(_, sight)| matches!(sight, Sight::Not(_)))
            .collect();
        let ids: Vec<Id> = open.iter().map(|(wanted, _)| wanted.id.clone()).collect();
        match self.functions.documents(&ids, self.domain).await {
            // A cache that fails over is back before long, and what is written to an incomplete read
            // model can be read from it.
            Err(error)
                if error.is(ErrorType::ReadModelUnavailable)
                    || error.is(ErrorType::ReadModelIncomplete) =>
            {
                for (_, sight) in &mut open {
                    **sight = Sight::Not(Held::Unavailable(error.to_string()));
                }
            }
            answer => {
                let at = Instant::now();
                let documents = self.logged(answer).map_err(|error| self.failure(error))?;
                for ((wanted, sight), document) in open.into_iter().zip(documents) {
                    *sight = match document {
                        Some(document) if document.version >= wanted.version => {
                            Sight::Seen(Seen { document, at })
                        }
                        Some(document) => Sight::Not(Held::Older(document.version)),
                        None => Sight::Not(Held::Nothing),
                    };
                }
            }
        }
        Ok(())
    }
}

/// The failure of what was not seen in time.
pub(super) fn timed_out(wanted: &Wanted, seconds: u64, held: Held, domain: &Domain) -> Failure {
    let (held, cause) = match held {
        Held::Nothing => ("has nothing of it".to_owned(), None),
        Held::Older(version) => (format!("has version {version} of it"), None),
        Held::Unavailable(cause) => ("cannot be asked for it".to_owned(), Some(cause)),
    };
    let (entity, id) = (&domain.entity, &wanted.id);
    let message = format!("after {seconds} s the read model still {held}: {entity} {id}");
    let mut failure = Failure::new(Kind::TimedOut, message);
    if let Some(cause) = cause {
        failure = failure.caused_by(cause);
    }
    failure.hint(if wanted.version == ANY_VERSION {
        let plural = &domain.plural;
        format!("check the id; `cqrs {entity} list` shows the {plural} that are there")
    } else {
        format!(
            "the {entity} is safe in the write model; look again with `cqrs {entity} get {id} --wait`"
        )
    })
}
