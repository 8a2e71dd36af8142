//! The domain's own commands, such as `cqrs order ship`: a guarded change of one, or of each of
//! several.

use std::cell::Cell;
use std::time::Duration;

use clap::{Arg, ArgMatches, Args, Command};
use futures_util::{StreamExt, stream};
use pattern::description::{self, CommandKind};
use pattern::id::{Id, IdempotencyKey};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::app::interrupt::Interrupt;
use crate::commands::entity::client::{Client, Sent};
use crate::commands::entity::ids::{self, Ids, IdsArgs, Several};
use crate::commands::entity::items::Item;
use crate::commands::entity::several::{self, Plan};
use crate::commands::entity::tally::Words;
use crate::commands::entity::wait::{self, Held, Sight, Wanted, Written};
use crate::commands::entity::{WaitArgs, key, of, typed, with};
use crate::domain::{Domain, FieldOption, InvalidArgument, KEY};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::FunctionError;

/// Commands side by side.
const AT_ONCE: usize = 8;
/// How many are waited for with one query.
const WAITED_FOR: usize = 100;

#[derive(Args, Debug)]
struct GuardArgs {
    /// Refuse when the version is another: somebody else changed it. For one id
    #[arg(long, value_name = "N")]
    expected_version: Option<u64>,
}

pub(super) fn command(domain: &Domain, change: &description::Command) -> Command {
    let payload = match &change.kind {
        CommandKind::Move { .. } => &[][..],
        CommandKind::Rule { payload } => &payload.fields,
    };
    let options = payload.iter().map(|field| {
        let option = FieldOption(field).argument();
        option.required(field.required)
    });
    let options: Vec<Arg> = options.collect();
    let (name, plural) = (&change.name, &domain.plural);
    let needed = payload.iter().filter(|field| field.required);
    let needed: String = needed
        .map(|field| FieldOption(field).example(field.examples.first()))
        .collect();
    let id = ids::EXAMPLE;
    let examples = [
        "Examples:".to_owned(),
        typed(domain, &format!("{name} {id}{needed}")),
        typed(
            domain,
            &format!("{name} {id}{needed} --expected-version 1 --wait"),
        ),
        typed(
            domain,
            &format!("{name}{needed} - < ids.txt   any number of {plural}, one id a line"),
        ),
    ];
    let about = match &change.kind {
        CommandKind::Move { to, .. } => {
            format!("{}; it becomes {to}", change.help.trim_end_matches('.'))
        }
        CommandKind::Rule { .. } => change.help.trim_end_matches('.').to_owned(),
    };
    let command = Command::new(name.clone())
        .about(about)
        .after_help(examples.join("\n"))
        .args(options);
    let key = key::argument("Makes repeating safe: the same key again changes nothing more");
    with::<WaitArgs>(with::<GuardArgs>(with::<IdsArgs>(command)).arg(key))
}

pub(super) async fn run(
    name: &str,
    matches: &ArgMatches,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let wait: WaitArgs = of(matches)?;
    let guard: GuardArgs = of(matches)?;
    let ids = Ids::of(of(matches)?)?;
    if guard.expected_version.is_some() {
        ids.must_be_one("--expected-version")?;
    }
    let change = Change::typed(name, matches, &settings.domain)?;
    match ids {
        Ids::One(id) => {
            let payload = change.payload(&id, guard.expected_version);
            one(&change, &payload, wait, settings, printer).await
        }
        Ids::Several(ids) => several(change, ids, wait, settings, interrupt, printer).await,
    }
}

/// A command as it was typed, but for whom.
struct Change<'a> {
    name: &'a str,
    fields: Map<String, Value>,
    key: Option<IdempotencyKey>,
    /// Whether nobody typed the key.
    is_key_made: bool,
    domain: &'a Domain,
    done: &'a str,
}

impl<'a> Change<'a> {
    fn typed(
        name: &'a str,
        matches: &ArgMatches,
        domain: &'a Domain,
    ) -> Result<Self, InvalidArgument> {
        let mut fields = Map::new();
        let mut done = "done";
        let typed = key::typed(matches)?;
        let mut made = None;
        match domain.command(name).map(|command| &command.kind) {
            Some(CommandKind::Rule { payload }) => {
                // The SDK repeats a call whose answer was lost. A move does nothing then, and a rule
                // would do it twice.
                made = typed.is_none().then(key::made);
                for field in &payload.fields {
                    if let Some(value) = FieldOption(field).typed(matches)? {
                        fields.insert(field.name.clone(), value);
                    }
                }
            }
            Some(CommandKind::Move { to, .. }) => done = to,
            None => {}
        }
        Ok(Self {
            name,
            fields,
            is_key_made: made.is_some(),
            key: typed.or(made),
            domain,
            done,
        })
    }

    /// The publisher's payload.
    fn payload(&self, id: &Id, expected_version: Option<u64>) -> Value {
        let mut payload = self.fields.clone();
        payload.insert("command".to_owned(), self.name.into());
        payload.insert(self.domain.id.clone(), id.as_str().into());
        if let Some(key) = &self.key {
            payload.insert(KEY.to_owned(), key.as_str().into());
        }
        if let Some(version) = expected_version {
            payload.insert("expectedVersion".to_owned(), json!(version));
        }
        Value::Object(payload)
    }
}

async fn one(
    change: &Change<'_>,
    payload: &Value,
    wait: WaitArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = Client::of(settings, printer).await?;
    let written = client.write(payload, wait).await;
    let Written { shown, waited } = written.map_err(|failure| match &change.key {
        Some(made) if change.is_key_made => key::hinted(failure, made, "does it no second time"),
        _ => failure,
    })?;
    printer.data(&shown)?;
    waited
}

async fn several(
    change: Change<'_>,
    ids: Several,
    wait: WaitArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = Client::of(settings, printer).await?;
    let words = Words {
        doing: format!("{}: {}", change.name, client.domain.plural),
        done: change.done.to_owned(),
    };
    // What is waited for is waited for together, and one piece after the other.
    let (piece, at_once) = match wait.wait {
        None => (1, AT_ONCE),
        Some(_) => (WAITED_FOR, 1),
    };
    let plan = Plan {
        piece,
        at_once,
        words,
        only_reads: false,
    };
    let changes = Changes {
        change,
        client: &client,
        patience: wait.wait.map(Patience::new),
        interrupt,
        stopped: Cell::new(false),
    };
    several::run(ids, plan, interrupt, &client, |ids| changes.piece(ids)).await
}

struct Changes<'a> {
    change: Change<'a>,
    client: &'a Client<'a>,
    patience: Option<Patience>,
    interrupt: &'a Interrupt,
    /// Something failed that would fail for the others too.
    stopped: Cell<bool>,
}

/// What is left of the time to wait, which all pieces share. Writing takes none of it.
struct Patience {
    seconds: u64,
    left: Cell<Duration>,
}

impl Patience {
    fn new(seconds: u64) -> Self {
        Self {
            seconds,
            left: Cell::new(Duration::from_secs(seconds)),
        }
    }
}

impl Changes<'_> {
    async fn piece(&self, ids: Vec<Id>) -> Vec<Item> {
        let sent = stream::iter(ids).map(|id| self.send(id));
        let sent: Vec<_> = sent.buffered(AT_ONCE).collect().await;
        let Some(patience) = &self.patience else {
            let domain = self.client.domain;
            let items = sent.into_iter().map(|sent| match sent {
                Ok(sent) => Item::done(sent.shown(None, domain)),
                Err(item) => item,
            });
            return items.collect();
        };
        self.wait(sent, patience).await
    }

    async fn send(&self, id: Id) -> Result<Sent, Item> {
        if self.stopped.get() || self.interrupt.is_set() {
            return Err(Item::not_tried(id));
        }
        let payload = self.change.payload(&id, None);
        self.client.send(&payload).await.map_err(|error| {
            let alone = matches!(
                error,
                FunctionError::Function { .. } | FunctionError::Crashed { .. }
            );
            let failure = self.client.failure(error);
            if alone {
                return Item::failed(id.as_str(), failure);
            }
            self.stopped.set(true);
            Item::stopped(id, failure)
        })
    }

    /// Waits until the read model shows what was written.
    async fn wait(&self, sent: Vec<Result<Sent, Item>>, patience: &Patience) -> Vec<Item> {
        let wanted = sent.iter().flatten();
        let wanted: Vec<Wanted> = wanted.map(|sent| Wanted::of(&sent.document)).collect();
        let begun = Instant::now();
        let deadline = begun + patience.left.get();
        let enough = self.interrupt.asked();
        let looked = match wanted.is_empty() {
            true => Ok(Vec::new()),
            false => self.client.until_all(&wanted, deadline, enough).await,
        };
        let left = patience.left.get().saturating_sub(begun.elapsed());
        patience.left.set(left);
        let (sights, failed) = match looked {
            Ok(sights) => (sights, None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let mut sights = wanted.iter().zip(sights);
        let items = sent.into_iter().map(|sent| {
            let sent = match sent {
                Ok(sent) => sent,
                Err(item) => return item,
            };
            let (seen, failure) = match sights.next() {
                Some((_, Sight::Seen(seen))) => (Some(seen.at), None),
                Some((wanted, Sight::Not(held))) => {
                    (None, Some(self.unseen(wanted, held, patience)))
                }
                None => (None, failed.clone()),
            };
            let shown = sent.shown(seen, self.client.domain);
            match failure {
                Some(failure) => Item::done_in_part(shown, failure),
                None => Item::done(shown),
            }
        });
        items.collect()
    }

    fn unseen(&self, wanted: &Wanted, held: Held, patience: &Patience) -> Failure {
        let domain = self.client.domain;
        if self.interrupt.is_set() {
            let (entity, id) = (&domain.entity, &wanted.id);
            return Failure::interrupted(format!("{entity} {id} was not waited for"));
        }
        wait::timed_out(wanted, patience.seconds, held, domain)
    }
}
