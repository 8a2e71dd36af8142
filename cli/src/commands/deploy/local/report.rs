//! What is said of a stack on this machine beside the result: where it is, and what its template has that
//! has no counterpart here.

use serde::Serialize;

use crate::local::protocol::{Description, LeftOut, WithoutEffect};
use crate::printer::Printer;

/// See the module's documentation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands::deploy) struct Here {
    endpoint: String,
    cache: String,
    left_out: Vec<LeftOut>,
    without_effect: Vec<WithoutEffect>,
    notes: Vec<String>,
}

/// One of the template's parts that is missing here.
struct Missing {
    /// Whether one machine has no use for it.
    needless: bool,
    what: String,
    /// What is said where there is a use.
    warning: String,
}

impl Here {
    pub(super) fn new(endpoint: String, description: Description) -> Self {
        Self {
            endpoint,
            cache: description.cache,
            left_out: description.left_out,
            without_effect: description.without_effect,
            notes: description.notes,
        }
    }

    pub(in crate::commands::deploy) fn show(&self, printer: &Printer) {
        let needless = self.left_out.iter().filter(|resource| resource.needless);
        let kinds = distinct(needless.map(|resource| kind(&resource.resource_type)));
        let resources = self.left_out.iter().map(|resource| {
            let what = format!("{} ({})", resource.logical_id, resource.resource_type);
            Missing {
                needless: resource.needless,
                warning: format!("{what} has no counterpart on this machine"),
                what,
            }
        });
        let about = "\nnot needed on one machine:";
        show(about, ["resource", "resources"], &kinds, resources, printer);

        let needless = self.without_effect.iter().filter(|one| one.needless);
        let mut names = distinct(needless.map(|one| match kind(&one.resource_type) {
            "cache" => "all of the cache",
            _ => &one.property,
        }));
        names.sort_unstable();
        let properties = self.without_effect.iter().map(|one| {
            let (property, logical_id) = (&one.property, &one.logical_id);
            Missing {
                needless: one.needless,
                what: format!("{property} of {logical_id}"),
                warning: format!("`{property}` of {logical_id} has no effect on this machine"),
            }
        });
        let about = "without effect on one machine:";
        show(
            about,
            ["property", "properties"],
            &names,
            properties,
            printer,
        );

        for note in &self.notes {
            printer.warn(note);
        }
    }
}

/// Counts what is not needed, and warns of the rest.
fn show(
    about: &str,
    [one, several]: [&str; 2],
    names: &[&str],
    missing: impl Iterator<Item = Missing>,
    printer: &Printer,
) {
    let (needless, missed): (Vec<_>, Vec<_>) = missing.partition(|missing| missing.needless);
    if !needless.is_empty() {
        let noun = if needless.len() == 1 { one } else { several };
        printer.note(format_args!(
            "{} {} {noun} ({})",
            printer.style().dim(about),
            needless.len(),
            names.join(", ")
        ));
    }
    for missing in needless {
        printer.detail(format_args!("  {}", missing.what));
    }
    for missing in missed {
        printer.warn(missing.warning);
    }
}

/// Each once, in the order in which they come.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

/// What people call resources of this type.
fn kind(resource_type: &str) -> &str {
    match resource_type {
        t if t.starts_with("AWS::EC2::") => "network",
        "AWS::IAM::Role" => "roles",
        t if t.starts_with("AWS::IAM::") => "policies",
        "AWS::CloudWatch::Alarm" => "alarms",
        "AWS::CloudWatch::Dashboard" => "dashboards",
        "AWS::Logs::LogGroup" => "log groups",
        t if t.starts_with("AWS::Logs::") => "log settings",
        t if t.starts_with("AWS::ElastiCache::") => "cache",
        t if t.ends_with("Policy") => "policies",
        t if t.ends_with("::Permission") => "permissions",
        other => other,
    }
}
