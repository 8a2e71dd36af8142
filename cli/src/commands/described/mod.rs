//! Which description a command's words are taken from: the project's, else the one that is kept of the
//! stack, else the one that is built in.
//!
//! A stack is asked only where its words are needed: something was typed that no description at hand
//! has. No start waits for one that has no need of it.

mod kept;

use std::ffi::OsString;
use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};
use pattern::description::Description;

use self::kept::Kept;
use crate::aws::Aws;
use crate::cli::Cli;
use crate::commands::local;
use crate::domain::{Domain, DomainError, FILE};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::functions::Functions;

/// How long a stack may take to say what it is about.
const PATIENCE: Duration = Duration::from_secs(10);
/// The options that lead to a stack, each with a value.
const PLACE: [&str; 6] = [
    "--stack",
    "--env",
    "--region",
    "--profile",
    "--endpoint-url",
    "--project",
];

/// Where a description is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Project,
    Kept,
    BuiltIn,
}

/// The description for these arguments of the tool, before they can be parsed.
pub(crate) fn choose(arguments: &[OsString]) -> Result<(Domain, Origin), DomainError> {
    match Domain::of_arguments(arguments) {
        Ok(Some(domain)) => return Ok((domain, Origin::Project)),
        Ok(None) => {}
        // Its own words are what is wrong: another's are as good for parsing.
        Err(_) if is_check(arguments) => return Ok((Domain::built_in()?, Origin::BuiltIn)),
        Err(error) => return Err(error),
    }
    let built_in = Domain::built_in()?;
    let kept = kept::any().then(|| {
        let settings = settings(arguments, &built_in)?;
        Kept::of(&settings)?.read()
    });
    Ok(match kept.flatten() {
        Some(domain) => (domain, Origin::Kept),
        None => (built_in, Origin::BuiltIn),
    })
}

/// Whether `cqrs domain check` was typed, which says what is wrong in the project's description.
fn is_check(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if PLACE.contains(&word) || ["--output", "--color"].contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            found.push(word);
        }
    }
    found.starts_with(&["domain", "check"])
}

/// What the stack says of itself, where `error` may come from not knowing that; it is kept. None where
/// it says nothing new.
pub(crate) fn by_stack(
    arguments: &[OsString],
    known: &Domain,
    origin: Origin,
    error: &clap::Error,
) -> Option<Domain> {
    let is_suggested = error.get(ContextKind::SuggestedSubcommand).is_some();
    let settings = match (origin, error.kind()) {
        (Origin::Project, _) => return None,
        (_, ErrorKind::InvalidSubcommand)
        | (
            Origin::Kept,
            ErrorKind::UnknownArgument
            | ErrorKind::InvalidValue
            | ErrorKind::MissingRequiredArgument,
        ) => settings(arguments, known)?,
        _ => return None,
    };
    if is_suggested && settings.stack.is_default() {
        return None;
    }
    let printer = Printer::new(settings.printer.clone());
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().ok()?;
    let asked = async {
        let asked = tokio::time::timeout(PATIENCE, ask(&settings, &printer));
        asked.await.unwrap_or_else(|_| {
            let kind = crate::error::Kind::TimedOut;
            Err(Failure::new(kind, "it did not answer in time"))
        })
    };
    match runtime.block_on(asked) {
        Ok(domain) => {
            keep(&domain, &settings, &printer);
            (*domain != **known).then_some(domain)
        }
        Err(failure) => {
            printer.note(format_args!(
                "what stack {} is about is not known: {}",
                settings.stack,
                failure.with_causes()
            ));
            None
        }
    }
}

/// What the stack says of itself, in words that this tool can use.
pub(crate) async fn ask(settings: &Settings, printer: &Printer) -> Result<Domain, Failure> {
    let aws = match settings.target {
        Target::Local => local::connect(settings, printer).await?,
        Target::Aws => Aws::connect(&settings.aws).await?,
    };
    let functions = Functions::new(&aws, settings.stack.clone(), false);
    let description = functions.describe().await?;
    Domain::answered(&description.pretty()).ok_or_else(|| {
        let kind = crate::error::Kind::Failed;
        Failure::new(kind, "this version of the tool cannot use its description")
    })
}

/// Holds the project's description to what the functions say that were just deployed, and keeps it.
/// They are asked unless they have `said` it.
pub(crate) async fn keep_of_project(
    aws: &Aws,
    said: Option<Description>,
    settings: &Settings,
    printer: &Printer,
) {
    let project = settings.project.as_deref();
    let has_own = project.is_some_and(|project| project.join(FILE).is_file());
    if !has_own && settings.bundle.is_none() {
        return;
    }
    let functions = Functions::new(aws, settings.stack.clone(), false);
    let mut domain = settings.domain.clone();
    let described = match said {
        Some(said) => Ok(said),
        None => functions.describe().await,
    };
    match described {
        Ok(mut built) => {
            built.pattern.clone_from(&domain.pattern);
            if built != *domain {
                domain = Domain::answered(&built.pretty()).unwrap_or(domain);
                if has_own {
                    printer.warn(format_args!(
                        "the functions do not say of their domain what {FILE} says: it is out of date, \
                         or they are built from other sources; `cqrs domain check` tells, and `cqrs \
                         domain check --write` makes it anew"
                    ));
                }
            }
        }
        Err(error) => printer.detail(format_args!(
            "what the functions say of their domain is not known: {error}"
        )),
    }
    keep(&domain, settings, printer);
}

/// Forgets a stack that is gone.
pub(crate) fn forget(settings: &Settings, printer: &Printer) {
    if let Some(Err(error)) = Kept::of(settings).map(|kept| kept.remove()) {
        printer.detail(format_args!(
            "the stack's description was not removed from the cache folder: {error}"
        ));
    }
}

/// Keeps what the stack is about.
pub(crate) fn keep(domain: &Domain, settings: &Settings, printer: &Printer) {
    if let Some(Err(error)) = Kept::of(settings).map(|kept| kept.write(domain)) {
        printer.detail(format_args!(
            "the stack's description was not kept in the cache folder: {error}"
        ));
    }
}

/// The settings for these arguments, of which only those are parsed that say where the stack is and
/// how to say something; none where they are wrong, which is said when all are parsed.
fn settings(arguments: &[OsString], domain: &Domain) -> Option<Settings> {
    let mut typed: Vec<OsString> = vec!["cqrs".into()];
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let text = argument.to_str().unwrap_or_default();
        let name = text.split('=').next().unwrap_or_default();
        if PLACE.contains(&name) {
            typed.push(argument.clone());
            if name == text {
                typed.extend(rest.next().cloned());
            }
        } else if ["--local", "--quiet", "--verbose", "-q", "-v"].contains(&name) {
            typed.push(argument.clone());
        }
    }
    typed.push("outputs".into());
    let cli = Cli::from_arguments(typed, domain).ok()?;
    Settings::resolve(&cli.global, domain).ok()
}
