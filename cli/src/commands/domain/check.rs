//! `cqrs domain check`: what is wrong in the domain, before a build and a deployment take their time.

use std::path::Path;
use std::{fmt, fs, io};

use pattern::description::Unreadable;
use serde::Serialize;

use super::options::CheckArgs;
use super::source::{self, Said};
use crate::cli::Cli;
use crate::commands::{counted, project};
use crate::domain::{Domain, DomainError, FILE, faults};
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, TEMPLATE};

const WRITE: &str = "`cqrs domain check --write` writes it anew";

pub(super) async fn run(
    args: &CheckArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let project = project(settings)?;
    let path = project.join(FILE);
    let step = printer.step("Asking handlers/domain what it is about");
    let said = source::ask(&project).await;
    drop(step);
    let mut problems = Problems::default();
    let source = match said {
        Said::Description(text) => Some(text),
        Said::Wrong(reason) => {
            problems.add(reason, "change it there, and check again".to_owned());
            None
        }
        Said::Unknown(reason) if args.write => {
            return Err(Failure::new(
                Kind::Usage,
                format!("{FILE} cannot be written anew: {reason}"),
            ));
        }
        Said::Unknown(reason) => {
            printer.warn(format_args!(
                "{FILE} is not compared with its source: {reason}"
            ));
            None
        }
    };
    let mut text = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(DomainError::Io { path, source }.into()),
    };
    if args.write && source.is_some() && source != text {
        fs::write(&path, source.as_deref().unwrap_or_default()).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot write {FILE}")).caused_by(error.to_string())
        })?;
        printer.note(format_args!("{FILE} is written anew"));
        text.clone_from(&source);
    }
    let domain = problems.of_file(text.as_deref(), source.as_deref(), &project);
    if let Some(domain) = &domain {
        let template = fs::read_to_string(project.join(TEMPLATE)).unwrap_or_default();
        for problem in template_faults(&template, domain) {
            problems.add(problem, format!("change it in {TEMPLATE}"));
        }
    }
    match domain {
        Some(domain) if problems.0.is_empty() => printer.data(&Checked {
            entity: &domain.entity,
            fields: domain.own_fields().count(),
            statuses: domain.statuses.len(),
            commands: domain.commands.len(),
            compared: source.is_some(),
        }),
        _ => Err(problems.failure()),
    }
}

/// What is wrong, each with what to do.
#[derive(Default)]
struct Problems(Vec<(String, String)>);

impl Problems {
    fn add(&mut self, problem: String, hint: String) {
        self.0.push((problem, hint));
    }

    /// Looks at the description's text, beside the one that the source says; gives what can be used.
    fn of_file(
        &mut self,
        text: Option<&str>,
        source: Option<&str>,
        project: &Path,
    ) -> Option<Domain> {
        let Some(text) = text else {
            let missing = DomainError::Missing { path: FILE.into() };
            let hint = match source {
                Some(_) => WRITE.to_owned(),
                None => missing.hint().unwrap_or_default(),
            };
            self.add(missing.to_string(), hint);
            return None;
        };
        let says = match Domain::parse(text, Path::new(FILE)) {
            Ok(says) => says,
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                self.add(unreadable(&error, project), hint);
                return None;
            }
        };
        for fault in faults(&says) {
            self.add(source::placed(fault, project), WRITE.to_owned());
        }
        if let Err(error) = Cli::check(&says) {
            let message = error.to_string();
            let message = message.lines().next().unwrap_or_default();
            let message = message.trim_start_matches("error: ").to_owned();
            let hint = format!("give it another name in {}", source::SOURCE);
            self.add(message, hint);
        }
        if let Some(source) = source.filter(|source| *source != text) {
            self.add(stale(text, source, &says), WRITE.to_owned());
        }
        Some(says)
    }

    fn failure(self) -> Failure {
        let hint = self.0.first().map(|(_, hint)| hint.clone());
        let several = self.0.len() > 1;
        let mut problems = self.0.into_iter().map(|(problem, _)| problem);
        let failure = if several {
            let message = format!("the domain has {}", counted_problems(problems.len()));
            problems.fold(Failure::new(Kind::Usage, message), Failure::caused_by)
        } else {
            Failure::new(Kind::Usage, problems.next().unwrap_or_default())
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn counted_problems(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "problem")
}

/// Why the file cannot be used, with the place.
fn unreadable(error: &DomainError, project: &Path) -> String {
    match error {
        DomainError::Unreadable { source, .. } => match source {
            Unreadable::Json(json) => format!("{FILE}:{}: {source}: {json}", json.line()),
            Unreadable::Names(names) => {
                let reason = names.to_string();
                let reason = reason.trim_start_matches("the domain cannot be used: ");
                source::placed(reason.to_owned(), project)
            }
            Unreadable::Format(_) => format!("{FILE}: {source}"),
        },
        other => other.to_string(),
    }
}

/// How the file differs from what the source says.
fn stale(text: &str, source: &str, says: &Domain) -> String {
    let pairs = text.lines().zip(source.lines());
    let line = pairs.take_while(|(one, other)| one == other).count() + 1;
    let differences = Domain::parse(source, Path::new(source::SOURCE))
        .map(|source| source.differences_from(says))
        .unwrap_or_default();
    let changes: Vec<&str> = differences.iter().map(|d| d.change.as_str()).collect();
    let changes = match changes.is_empty() {
        true => String::new(),
        false => format!(": {}", changes.join("; ")),
    };
    format!("{FILE}:{line}: it is not what handlers/domain says{changes}")
}

/// Where the template names another entity's key or prefix.
fn template_faults(template: &str, domain: &Domain) -> Vec<String> {
    const ATTRIBUTE: &str = "AttributeName:";
    let name = |text: &str| {
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
        let text = text.trim_start().trim_start_matches(['"', '\'']);
        text.split(end).next().unwrap_or_default().to_owned()
    };
    let mut faults = Vec::new();
    let attributes = (1..).zip(template.lines()).filter_map(|(number, line)| {
        let (_, value) = line.split_once(ATTRIBUTE)?;
        Some((number, name(value)))
    });
    let attributes: Vec<(usize, String)> = attributes.collect();
    let is_there = attributes.iter().any(|(_, name)| *name == domain.id);
    if let Some((line, name)) = attributes.first().filter(|_| !is_there) {
        faults.push(format!(
            "{TEMPLATE}:{line}: the key attribute is {name}, and the domain's is {}",
            domain.id
        ));
    }
    for (number, line) in (1..).zip(template.lines()) {
        let Some((_, access)) = line.split_once("AccessString:") else {
            continue;
        };
        for prefix in access.split('~').skip(1) {
            let prefix = name(prefix);
            if !prefix.is_empty() && prefix != domain.plural {
                faults.push(format!(
                    "{TEMPLATE}:{number}: the read model's key prefix is {prefix}, and the \
                     domain's is {}",
                    domain.plural
                ));
            }
        }
    }
    faults
}

#[derive(Serialize)]
struct Checked<'a> {
    entity: &'a str,
    fields: usize,
    statuses: usize,
    commands: usize,
    /// Whether the description was compared with what the source says.
    compared: bool,
}

impl fmt::Display for Checked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: usize, noun| counted(u64::try_from(count).unwrap_or(u64::MAX), noun);
        let statuses = match self.statuses {
            1 => "1 status".to_owned(),
            many => format!("{many} statuses"),
        };
        writeln!(
            f,
            "{}: {}, {statuses}, {}; nothing is wrong",
            self.entity,
            count(self.fields, "field"),
            count(self.commands, "command"),
        )
    }
}
