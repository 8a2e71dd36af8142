//! `cqrs order list`: those of the read model, the newest first, page by page.

use clap::{ArgMatches, Args, Command};
use serde_json::{Map, Value, json};

use crate::commands::entity::client::Client;
use crate::commands::entity::shown::Listed;
use crate::commands::entity::{of, typed, with};
use crate::domain::{Domain, FieldOption};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::MAX_DOCUMENTS;

#[derive(Args, Debug)]
pub(super) struct PageArgs {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// All of them, in as many requests as it takes
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

pub(super) fn command(domain: &Domain) -> Command {
    let lists = domain.lists.iter();
    let fields = lists.filter_map(|name| domain.document.field(name));
    let filters = fields.map(|field| {
        let others = domain.lists.iter().filter(|name| **name != field.name);
        FieldOption(field)
            .filter()
            .conflicts_with_all(others.cloned())
    });
    let mut examples = vec!["Examples:".to_owned(), typed(domain, "list")];
    if let Some(status) = domain.statuses.first() {
        let words = format!("list --status {status} --all --output json");
        examples.push(typed(domain, &words));
    }
    let command = Command::new("list")
        .about(format!("List {}, the newest first", domain.plural))
        .after_help(examples.join("\n"))
        .args(filters);
    with::<PageArgs>(command)
}

pub(super) async fn run(
    matches: &ArgMatches,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let domain = &settings.domain;
    let args: PageArgs = of(matches)?;
    let mut filter = Map::new();
    for name in &domain.lists {
        let field = domain.document.field(name).map(FieldOption);
        if let Some(value) = field
            .map(|field| field.typed(matches))
            .transpose()?
            .flatten()
        {
            filter.insert(name.clone(), value);
        }
    }
    let most = match args.all {
        true => usize::MAX,
        false => usize::try_from(args.limit).unwrap_or(usize::MAX),
    };
    let client = Client::of(settings, printer).await?;
    let listed = list(&client, &filter, most).await?;
    if !printer.is_json() && listed.is_empty() {
        printer.note(format_args!("No {}", domain.plural));
        return Ok(());
    }
    printer.data(&listed)?;
    if !printer.is_json() && listed.goes_on() {
        printer.note("There are more: `--all` lists all, `--limit N` lists N");
    }
    Ok(())
}

/// As many as were asked for, in as many requests as it takes.
async fn list(
    client: &Client<'_>,
    filter: &Map<String, Value>,
    most: usize,
) -> Result<Listed, Failure> {
    let mut left = most;
    let mut listed = Listed::new(client.domain);
    loop {
        let mut list = filter.clone();
        list.insert("limit".to_owned(), json!(left.min(MAX_DOCUMENTS)));
        if let Some(cursor) = listed.take_cursor() {
            list.insert("cursor".to_owned(), cursor.into());
        }
        let page = client.query(&json!({ "list": list })).await?;
        left = left.saturating_sub(listed.add(page));
        if left == 0 || !listed.goes_on() {
            return Ok(listed);
        }
    }
}
