//! `cqrs order get`: one, or several, as the read model has them.

use std::time::Duration;

use clap::{ArgMatches, Command};
use pattern::id::Id;
use tokio::time::Instant;

use crate::app::interrupt::Interrupt;
use crate::commands::entity::client::Client;
use crate::commands::entity::ids::{self, Ids, IdsArgs, Several};
use crate::commands::entity::items::Item;
use crate::commands::entity::several::{self, Plan};
use crate::commands::entity::shown::{Shown, Timing};
use crate::commands::entity::tally::Words;
use crate::commands::entity::wait::{self, Seen, Sight, Wanted};
use crate::commands::entity::{WaitArgs, of, typed, with};
use crate::domain::{Document, Domain};
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::MAX_DOCUMENTS;

/// Batches side by side.
const AT_ONCE: usize = 4;

pub(super) fn command(domain: &Domain) -> Command {
    let id = ids::EXAMPLE;
    let plural = &domain.plural;
    let examples = [
        "Examples:".to_owned(),
        typed(domain, &format!("get {id}")),
        typed(domain, &format!("get {id} --output json | jq .status")),
        typed(
            domain,
            &format!("get - < ids.txt   any number of {plural}, one id a line"),
        ),
    ];
    let command = Command::new("get")
        .about(format!("Show {plural} as the read model has them"))
        .after_help(examples.join("\n"));
    with::<WaitArgs>(with::<IdsArgs>(command))
}

pub(super) async fn run(
    matches: &ArgMatches,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let wait: WaitArgs = of(matches)?;
    match Ids::of(of(matches)?)? {
        Ids::One(id) => one(id, wait, settings, printer).await,
        Ids::Several(ids) => several(ids, wait, settings, interrupt, printer).await,
    }
}

async fn one(
    id: Id,
    wait: WaitArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = Client::of(settings, printer).await?;
    let begun = Instant::now();
    let (document, timing) = match wait.wait {
        Some(seconds) => {
            let seen = client.until(Wanted::any(id), seconds).await?;
            (seen.document, Some(Timing::of_reading(seen.at - begun)))
        }
        None => (read(&client, id).await?, None),
    };
    printer.data(&Shown::new(document, timing, client.domain))
}

async fn several(
    ids: Several,
    wait: WaitArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = Client::of(settings, printer).await?;
    let plan = Plan {
        piece: MAX_DOCUMENTS,
        at_once: AT_ONCE,
        words: Words {
            doing: format!("Reading {}", client.domain.plural),
            done: "read".to_owned(),
        },
        only_reads: true,
    };
    let reading = Reading {
        client: &client,
        begun: Instant::now(),
        interrupt,
    };
    let read = async |ids: Vec<Id>| match wait.wait {
        Some(seconds) => reading.wait_for(ids, seconds).await,
        None => reading.look_at(ids).await,
    };
    several::run(ids, plan, interrupt, &client, read).await
}

/// Several that are read.
struct Reading<'a> {
    client: &'a Client<'a>,
    begun: Instant,
    interrupt: &'a Interrupt,
}

impl Reading<'_> {
    async fn look_at(&self, ids: Vec<Id>) -> Vec<Item> {
        let (client, domain) = (self.client, self.client.domain);
        let answer = client.functions.documents(&ids, domain).await;
        let documents = match client.logged(answer) {
            Ok(documents) => documents,
            Err(error) => return none_read(ids, client.failure(error)),
        };
        let read = ids.into_iter().zip(documents);
        let read = read.map(|(id, document)| match document {
            Some(document) => Item::done(Shown::new(document, None, domain)),
            None => Item::failed(id.as_str().to_owned(), NotInReadModel::new(id, domain)),
        });
        read.collect()
    }

    async fn wait_for(&self, ids: Vec<Id>, seconds: u64) -> Vec<Item> {
        let domain = self.client.domain;
        let wanted: Vec<Wanted> = ids.iter().cloned().map(Wanted::any).collect();
        let deadline = self.begun + Duration::from_secs(seconds);
        let enough = self.interrupt.asked();
        let sights = match self.client.until_all(&wanted, deadline, enough).await {
            Ok(sights) => sights,
            Err(failure) => return none_read(ids, failure),
        };
        let seen = ids.into_iter().zip(wanted).zip(sights);
        let seen = seen.map(|((id, wanted), sight)| match sight {
            Sight::Seen(Seen { document, at }) => {
                let timing = Timing::of_reading(at - self.begun);
                Item::done(Shown::new(document, Some(timing), domain))
            }
            Sight::Not(_) if self.interrupt.is_set() => {
                Item::failed(id.as_str().to_owned(), NotInReadModel::new(id, domain))
            }
            Sight::Not(held) => {
                Item::failed(id.as_str(), wait::timed_out(&wanted, seconds, held, domain))
            }
        });
        seen.collect()
    }
}

/// The items of a piece whose query failed: so would the next.
fn none_read(ids: Vec<Id>, failure: Failure) -> Vec<Item> {
    let mut ids = ids.into_iter();
    let first = ids.next().map(|id| Item::stopped(id, failure));
    first.into_iter().chain(ids.map(Item::not_tried)).collect()
}

/// The one of this id, which must be there.
async fn read(client: &Client<'_>, id: Id) -> Result<Document, Failure> {
    let question = serde_json::json!({ (client.domain.id.as_str()): id });
    let document: Option<Document> = client.query(&question).await?;
    Ok(document.ok_or_else(|| NotInReadModel::new(id, client.domain))?)
}

/// The read model does not have it, or not yet.
#[derive(Debug, thiserror::Error)]
#[error("the read model has no {} {id}", domain.entity)]
struct NotInReadModel {
    id: Id,
    domain: Domain,
}

impl NotInReadModel {
    fn new(id: Id, domain: &Domain) -> Self {
        let domain = domain.clone();
        Self { id, domain }
    }
}

impl Explain for NotInReadModel {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn name(&self) -> String {
        self.domain.not_found()
    }

    fn hint(&self) -> Option<String> {
        let (one, entity) = (self.domain.one(), &self.domain.entity);
        Some(format!(
            "{one} just written takes a moment to get there: `cqrs {entity} get {} --wait`",
            self.id
        ))
    }
}
