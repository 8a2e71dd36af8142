//! `cqrs new`: makes a project of one's own, and renews the library of one that it made.

pub(crate) mod options;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use self::options::NewArgs;
use crate::app::interrupt::Interrupt;
use crate::cli::Global;
use crate::domain::Domain;
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::project::{self, Changes, From, InvalidName, Names};
use crate::settings::find_project;

pub(crate) async fn run(
    args: NewArgs,
    global: &Global,
    domain: &Domain,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.update {
        return update(global, domain, printer);
    }
    let names = match &args.name {
        Some(name) => {
            let (entity, plural) = (args.entity.as_deref(), args.plural.as_deref());
            names(name, entity, plural, args.from)?
        }
        None => ask(&args, interrupt, printer).await?,
    };
    let folder = args.path.unwrap_or_else(|| PathBuf::from(&names.project));
    let failed = |cause: String| {
        let message = format!("cannot make {}", folder.display());
        Failure::new(Kind::Failed, message).caused_by(cause)
    };
    check_free(&folder)?;
    let files = project::files(&names, args.from).map_err(|error| failed(error.to_string()))?;
    project::write(&folder, &files).map_err(|error| failed(error.to_string()))?;
    let git = start_git(&folder);
    printer.data(&Made {
        path: folder.clone(),
        entity: names.entity.clone(),
        plural: names.plural,
        files: files.len(),
        git,
    })?;
    printer.note(format_args!(
        "handlers/domain/src/lib.rs says what a {} is; README.md how to go on",
        names.entity
    ));
    printer.next(format_args!("cd {} && cqrs demo --local", folder.display()));
    Ok(())
}

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    path: PathBuf,
    entity: String,
    plural: String,
    files: usize,
    git: bool,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl Explain for InvalidName {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Project { .. } => "`cqrs new NAME` takes another one".to_owned(),
            Self::Entity { .. } => "`--entity NAME` and `--plural NAME` give others".to_owned(),
        })
    }
}

/// The names that were typed, or follow from those.
fn names(
    project: &str,
    entity: Option<&str>,
    plural: Option<&str>,
    from: From,
) -> Result<Names, Failure> {
    Names::check_project(project)?;
    if let Some((one, several)) = from.names() {
        let other = |typed: Option<&str>, own: &str| typed.is_some_and(|it| it != own);
        if other(entity, &one) || other(plural, &several) {
            let message = format!("that domain is about the {one}, of which there are {several}");
            return Err(Failure::new(Kind::Usage, message).hint(
                "leave `--entity` and `--plural` out, or `--from`; names can be edited afterwards",
            ));
        }
        return Ok(Names::new(project, &one, &several)?);
    }
    let entity = entity.map_or_else(|| Names::guessed(project), str::to_owned);
    let plural = plural.map_or_else(|| Names::plural_of(&entity), str::to_owned);
    Ok(Names::new(project, &entity, &plural)?)
}

/// Asks for what was not typed.
async fn ask(args: &NewArgs, interrupt: &Interrupt, printer: &Printer) -> Result<Names, Failure> {
    if !printer.can_ask() {
        let message = "the project needs a name, and there is no terminal to ask for one";
        return Err(Failure::new(Kind::Usage, message).hint("`cqrs new NAME`"));
    }
    let question = async |what: &str, current: &str| -> Result<String, Failure> {
        let shown = match current {
            "" => format!("{what}:"),
            current => format!("{what} [{current}]:"),
        };
        let asked = printer.ask(&shown);
        let interrupted = || Failure::interrupted("interrupted; nothing was made");
        let answer = interrupt.unless(asked, interrupted).await??;
        let answer = answer.trim();
        Ok(if answer.is_empty() { current } else { answer }.to_owned())
    };
    // A closed input answers nothing for ever.
    for _ in 0..20 {
        let project = question("Name of the project", "").await?;
        let entity = match &args.entity {
            None if args.from == From::Starter => {
                Some(question("One of what it holds is a", &Names::guessed(&project)).await?)
            }
            typed => typed.clone(),
        };
        let plural = match (&entity, &args.plural) {
            (Some(entity), None) if args.from == From::Starter => {
                Some(question("Several are", &Names::plural_of(entity)).await?)
            }
            (_, typed) => typed.clone(),
        };
        match names(&project, entity.as_deref(), plural.as_deref(), args.from) {
            Ok(names) => return Ok(names),
            Err(failure) => printer.note(format_args!("  {}", failure.with_causes())),
        }
    }
    Err(Failure::new(Kind::Usage, "no usable names").hint("`cqrs new NAME`"))
}

/// A folder that holds something is never written into.
fn check_free(folder: &Path) -> Result<(), Failure> {
    let taken = |what: &str| {
        let message = format!("{} {what}", folder.display());
        Failure::new(Kind::Usage, message).hint("`--path DIR` makes the project elsewhere")
    };
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(taken("is there already, and is not empty")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(taken("is a file")),
        Err(error) => Err(taken("cannot be looked into").caused_by(error.to_string())),
    }
}

/// Begins a repository, where Git is there and the folder is in none yet; whether it did.
fn start_git(folder: &Path) -> bool {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        let command = command.args(arguments).current_dir(folder);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    !git(&["rev-parse", "--is-inside-work-tree"]) && git(&["init", "--quiet"])
}

fn update(global: &Global, domain: &Domain, printer: &Printer) -> Result<(), Failure> {
    let project = find_project(global.project.as_deref())?.unwrap_or_else(|| PathBuf::from("."));
    let changes = project::update(&project, &domain.id, &domain.plural)?;
    let locked = changes.changed.iter().any(|name| name == "Cargo.lock");
    for name in &changes.left {
        printer.warn(format_args!(
            "{name} was edited and stays as it is; a new project's shows what is newer in it"
        ));
    }
    let renewed = !changes.changed.is_empty();
    printer.data(&Renewed(changes))?;
    if renewed {
        if locked {
            printer.note("Cargo.lock was renewed with it");
        }
        printer.next("cargo test");
    }
    Ok(())
}

/// What an update changed.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Renewed(Changes);

impl fmt::Display for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes {
            from,
            to,
            changed,
            removed,
            ..
        } = &self.0;
        if changed.is_empty() && removed.is_empty() {
            return write!(f, "the library is that of cqrs {to} already");
        }
        writeln!(f, "library of cqrs {from} → {to}")?;
        for name in changed {
            writeln!(f, "  renewed  {name}")?;
        }
        for name in removed {
            writeln!(f, "  removed  {name}")?;
        }
        Ok(())
    }
}
