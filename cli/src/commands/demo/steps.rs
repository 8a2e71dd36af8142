//! The steps of the tour.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use orders::command::{Change, ChangeOrder};
use orders::ids::OrderId;
use serde::Serialize;

use super::told::Step;
use crate::cli::{BulkArgs, CreateArgs, ListArgs, WaitArgs};
use crate::commands::order::list::{Listed, list};
use crate::commands::order::shown::Shown;
use crate::commands::order::{Written, create, get, write};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::stack::functions::Functions;

/// What `--wait` stands for.
const WAIT: WaitArgs = WaitArgs { wait: Some(30) };

/// A tour under way.
pub(super) struct Tour<'a> {
    functions: Functions,
    /// What each command needs to get to this stack.
    flags: String,
    /// Nobody else's orders are listed, also when the tour is taken again.
    client: String,
    printer: &'a Printer,
    steps: Vec<Step>,
}

impl<'a> Tour<'a> {
    pub(super) fn new(functions: Functions, flags: String, printer: &'a Printer) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        Self {
            functions,
            flags,
            client: format!("demo-{}", &unique[..6]),
            printer,
            steps: Vec::new(),
        }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    pub(super) async fn walk(&mut self) -> Result<(), Failure> {
        let first = self.place().await?;
        self.repeat(&first).await?;
        self.place_more().await?;
        self.ship(&first).await?;
        self.look(&first).await?;
        self.list().await
    }

    /// A create under a key that belongs to it.
    fn create(&self, product: &str, quantity: i64) -> (CreateArgs, String) {
        let client = &self.client;
        let key = format!("{client}-{product}");
        let typed = format!(
            "order create --client {client} --product {product} --quantity {quantity} \
             --idempotency-key {key} --wait"
        );
        let args = CreateArgs {
            client: Some(client.clone()),
            product: Some(product.to_owned()),
            quantity: Some(quantity),
            idempotency_key: Some(key),
            wait: WAIT,
            bulk: BulkArgs::default(),
        };
        (args, typed)
    }

    async fn write(&self, command: &impl Serialize) -> Result<Shown, Failure> {
        let Written { shown, waited } = write(&self.functions, command, WAIT, self.printer).await?;
        waited.map(|()| shown)
    }

    async fn place(&mut self) -> Result<OrderId, Failure> {
        let (args, typed) = self.create("keyboard", 2);
        self.announce(
            "Place an order, and wait until the read model shows it",
            &typed,
        )?;
        let begun = Instant::now();
        let shown = self.write(&create::command(args)?).await?;
        let id = shown.order.order_id.clone();
        self.done(begun.elapsed(), &shown, &shown)?;
        Ok(id)
    }

    async fn repeat(&mut self, first: &OrderId) -> Result<(), Failure> {
        let (args, typed) = self.create("keyboard", 2);
        self.announce(
            "Repeat it, as after a lost answer: the key makes it the same order",
            &typed,
        )?;
        let begun = Instant::now();
        let shown = self.write(&create::command(args)?).await?;
        self.expect(
            shown.order.order_id == *first && shown.order.version == 1,
            "the repeated command made another order",
        )?;
        self.done(begun.elapsed(), &shown, &shown)
    }

    async fn place_more(&mut self) -> Result<(), Failure> {
        for (index, (product, quantity)) in [("mouse", 1), ("cable", 10)].into_iter().enumerate() {
            let (args, typed) = self.create(product, quantity);
            let title = match index {
                0 => "Place two more; in a script the id is all there is on standard output",
                _ => "",
            };
            self.announce_typed(title, &format!("id=$(cqrs {typed}{})", self.flags))?;
            let begun = Instant::now();
            let shown = self.write(&create::command(args)?).await?;
            let timing = shown.timing.map(|timing| timing.to_string());
            self.done(begun.elapsed(), &timing.unwrap_or_default(), &shown)?;
        }
        Ok(())
    }

    async fn ship(&mut self, first: &OrderId) -> Result<(), Failure> {
        self.announce(
            "Ship the first one, unless somebody else has changed it",
            &format!("order ship {first} --expected-version 1 --wait"),
        )?;
        let command = ChangeOrder {
            change: Change::Ship,
            order_id: first.clone(),
            expected_version: Some(1),
        };
        let begun = Instant::now();
        let shown = self.write(&command).await?;
        self.done(begun.elapsed(), &shown, &shown)
    }

    async fn look(&mut self, first: &OrderId) -> Result<(), Failure> {
        self.announce(
            "Read it from the read model, which the stream has kept up to date",
            &format!("order get {first}"),
        )?;
        let begun = Instant::now();
        let order = get::read(&self.functions, first.clone(), self.printer).await?;
        self.expect(order.version == 2, "the read model shows an old version")?;
        let shown = Shown {
            order,
            timing: None,
        };
        self.done(begun.elapsed(), &shown, &shown)
    }

    async fn list(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        self.announce(
            "List this client's orders, the newest first",
            &format!("order list --client {client}"),
        )?;
        let args = ListArgs {
            client: Some(client),
            product: None,
            status: None,
            limit: 20,
            all: false,
        };
        let begun = Instant::now();
        let listed: Listed = list(&self.functions, &args, self.printer).await?;
        self.expect(listed.orders.len() == 3, "the list is not of three orders")?;
        self.done(begun.elapsed(), &listed, &listed)
    }

    fn expect(&self, holds: bool, otherwise: &str) -> Result<(), Failure> {
        if holds {
            return Ok(());
        }
        Err(Failure::new(Kind::Failed, otherwise)
            .hint("`cqrs deploy` brings the functions to this version"))
    }

    fn announce(&mut self, title: &'static str, typed: &str) -> Result<(), Failure> {
        self.announce_typed(title, &format!("cqrs {typed}{}", self.flags))
    }

    /// Says what comes, before it is done.
    fn announce_typed(&mut self, title: &'static str, command: &str) -> Result<(), Failure> {
        let style = self.printer.data_style();
        if !title.is_empty() {
            let gap = if self.steps.is_empty() { "" } else { "\n" };
            self.tell(format_args!("{gap}{}", style.bold(title)))?;
        }
        self.tell(format_args!("{} {command}", style.dim("$")))?;
        self.steps.push(Step::begun(title, command));
        Ok(())
    }

    /// What the command printed as text, and its result for programs.
    fn done(
        &mut self,
        took: Duration,
        printed: &impl Display,
        result: &impl Serialize,
    ) -> Result<(), Failure> {
        self.tell(printed)?;
        if let Some(step) = self.steps.last_mut() {
            step.done(took, result);
        }
        Ok(())
    }

    /// Text of the tour; JSON comes as a whole, at the end.
    fn tell(&self, text: impl fmt::Display) -> Result<(), Failure> {
        if self.printer.is_json() || self.printer.is_quiet() {
            return Ok(());
        }
        self.printer.stdout(&text.to_string())
    }
}
