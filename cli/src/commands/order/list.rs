//! `cqrs order list`: orders from the read model, the newest first, page by page.

use std::fmt;

use orders::order::Order;
use orders::query::MAX_ORDERS;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cli::ListArgs;
use crate::commands::order::shown::{HEADER, cells};
use crate::commands::order::{functions, unwrap_logged};
use crate::commands::table::table;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::Functions;

pub(super) async fn run(
    args: ListArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let functions = functions(settings, printer).await?;
    let listed = list(&functions, &args, printer).await?;
    if !printer.is_json() {
        if listed.orders.is_empty() {
            printer.note("No orders");
            return Ok(());
        }
        printer.data(&listed)?;
        if listed.cursor.is_some() {
            printer.note("There are more: `--all` lists all, `--limit N` lists N");
        }
        return Ok(());
    }
    printer.data(&listed)
}

/// As many orders as were asked for, in as many requests as it takes.
async fn list(
    functions: &Functions,
    args: &ListArgs,
    printer: &Printer,
) -> Result<Listed, Failure> {
    let mut left = if args.all {
        usize::MAX
    } else {
        args.limit as usize
    };
    let mut listed = Listed::default();
    loop {
        let page = page(functions, args, left, listed.cursor.take(), printer).await?;
        left = left.saturating_sub(page.orders.len());
        listed.orders.extend(page.orders);
        listed.cursor = page.cursor;
        if left == 0 || listed.cursor.is_none() {
            return Ok(listed);
        }
    }
}

async fn page(
    functions: &Functions,
    args: &ListArgs,
    left: usize,
    cursor: Option<String>,
    printer: &Printer,
) -> Result<Listed, Failure> {
    let mut list = Map::new();
    let filters = [
        ("clientId", &args.client),
        ("productId", &args.product),
        ("status", &args.status),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            list.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    list.insert("limit".to_owned(), Value::from(left.min(MAX_ORDERS)));
    if let Some(cursor) = cursor {
        list.insert("cursor".to_owned(), Value::from(cursor));
    }
    unwrap_logged(functions.query(&json!({ "list": list })).await, printer)
}

/// What the query function answers, and what the command prints.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Listed {
    orders: Vec<Order>,
    /// Where the list goes on; absent at its end.
    cursor: Option<String>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.orders.iter().map(|order| cells(order).to_vec());
        f.write_str(&table(&HEADER, rows))
    }
}
