//! `cqrs ui`: serves the page that shows the stack at work, and opens it.

mod browser;
pub(crate) mod options;

use std::fmt;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::cli::Global;
use crate::commands::local;
use crate::commands::ui::options::UiArgs;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::ui::{Options, Ui};

/// Where the page is.
#[derive(Serialize)]
struct Served {
    address: String,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.address)
    }
}

pub(crate) async fn run(
    args: UiArgs,
    global: &Global,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let ui = open(args, global, settings, printer).await?;
    // Its end is what Ctrl-C is for.
    let _hold = interrupt.hold();
    tokio::select! {
        () = ui.serve() => {}
        () = interrupt.asked() => {}
    }
    Ok(())
}

/// Takes a port for the page, says where it is, and opens it. It is to be served.
pub(crate) async fn open(
    args: UiArgs,
    global: &Global,
    settings: &Settings,
    printer: &Printer,
) -> Result<Ui, Failure> {
    let options = Options {
        port: args.port,
        read_only: args.read_only,
        show_documents: args.show_documents,
        place: place(global, settings),
    };
    let folder = match settings.target {
        Target::Local => Some(local::folder(settings)?),
        Target::Aws => None,
    };
    let ui = Ui::bind(settings, folder, options).await?;
    let served = Served {
        address: ui.address()?,
    };
    printer.data(&served)?;
    match (args.no_open, browser::can_be_opened(printer)) {
        (false, true) => match browser::open(&served.address) {
            Ok(()) => printer.note("The page is open in the browser; Ctrl-C ends it"),
            Err(why) => printer.note(format_args!(
                "Open this address in a browser ({why}); Ctrl-C ends it"
            )),
        },
        _ => printer.note("Open this address in a browser; Ctrl-C ends it"),
    }
    Ok(ui)
}

/// What leads a command to the same stack, whether it was typed or not.
fn place(global: &Global, settings: &Settings) -> Vec<String> {
    let mut place = Vec::new();
    match settings.target {
        Target::Local => place.push("--local".to_owned()),
        Target::Aws => {
            let options = [
                ("--profile", global.profile.as_deref()),
                ("--region", global.region.as_deref()),
                ("--endpoint-url", global.endpoint_url.as_deref()),
            ];
            let typed = options.into_iter().filter_map(|(name, value)| {
                let value = value?;
                Some(format!("{name} {value}"))
            });
            place.extend(typed);
        }
    }
    if let Some(env) = &global.env {
        place.push(format!("--env {env}"));
    }
    if !settings.stack.is_default() {
        place.push(format!("--stack {}", settings.stack));
    }
    place
}
