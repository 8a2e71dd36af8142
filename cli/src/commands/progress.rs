//! How a stack operation looks while it runs: a line for each resource under way on a terminal,
//! one plain line for each event elsewhere.

use std::collections::HashMap;

use crate::printer::{Printer, Step, Style};
use crate::stack::follow::ResourceEvent;

/// What a status means; symbol and colour follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Working,
    Done,
    Undone,
    Failed,
}

fn category(status: &str) -> Category {
    match status {
        failed if failed.ends_with("_FAILED") => Category::Failed,
        undone if undone.contains("ROLLBACK") => Category::Undone,
        working if working.ends_with("_IN_PROGRESS") => Category::Working,
        _ => Category::Done,
    }
}

fn symbol(category: Category, style: Style) -> String {
    match category {
        Category::Working => style.blue("·"),
        Category::Done => style.green("✓"),
        Category::Undone => style.yellow("↩"),
        Category::Failed => style.red("✗"),
    }
}

/// Shows events as they come.
pub(crate) struct Progress<'a> {
    printer: &'a Printer,
    under_way: HashMap<String, (Step, i64)>,
    deleting: bool,
    told_about_interfaces: bool,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            under_way: HashMap::new(),
            deleting: false,
            told_about_interfaces: false,
        }
    }

    pub(crate) fn event(&mut self, event: &ResourceEvent) {
        self.deleting |= event.is_stack && event.status == "DELETE_IN_PROGRESS";
        if self.printer.is_live() {
            self.live(event)
        } else {
            self.plain(event)
        }
        self.explain_the_wait(event);
    }

    fn plain(&self, event: &ResourceEvent) {
        let reason = event
            .reason
            .as_ref()
            .map(|r| format!("  {r}"))
            .unwrap_or_default();
        self.printer.note(format_args!(
            "{} {:<20} {:<36} {}{reason}",
            clock(event.at_ms),
            event.status,
            event.resource_type,
            event.logical_id,
        ));
    }

    fn live(&mut self, event: &ResourceEvent) {
        let style = self.printer.style();
        let category = category(&event.status);
        if category == Category::Working {
            let message = format!(
                "{} {}",
                event.logical_id,
                style.dim(format_args!("{} {}", event.resource_type, event.status))
            );
            let (step, _) = self
                .under_way
                .entry(event.logical_id.clone())
                .or_insert_with(|| (self.printer.step(message.clone()), event.at_ms));
            step.message(message);
            return;
        }
        let took = self
            .under_way
            .remove(&event.logical_id)
            .map(|(_, since)| event.at_ms - since);
        let took = took
            .filter(|ms| *ms >= 1000)
            .map(|ms| format!(" {}s", ms / 1000));
        self.printer.note(format_args!(
            "{} {} {}{}",
            symbol(category, style),
            event.logical_id,
            style.dim(format_args!("{} {}", event.resource_type, event.status)),
            style.dim(took.unwrap_or_default()),
        ));
        if let (Category::Failed, Some(reason)) = (category, &event.reason) {
            self.printer.note(format_args!("    {}", style.red(reason)));
        }
    }

    /// Lambda gives the network interfaces of functions in a private network back late, which
    /// holds up their security group and subnets at deletion.
    fn explain_the_wait(&mut self, event: &ResourceEvent) {
        let waits_for_interfaces = matches!(
            event.resource_type.as_str(),
            "AWS::EC2::SecurityGroup" | "AWS::EC2::Subnet" | "AWS::Lambda::Function"
        );
        if self.deleting
            && !self.told_about_interfaces
            && waits_for_interfaces
            && event.status == "DELETE_IN_PROGRESS"
        {
            self.told_about_interfaces = true;
            self.printer.note(
                "Lambda takes 20 to 45 minutes to give back the network interfaces of functions in a \
                 private network; the functions, subnets and security group wait for that. Ctrl-C \
                 leaves AWS at it; `--express` does not wait in the first place.",
            );
        }
    }
}

/// The time of day in UTC, as plain lines begin with.
fn clock(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_neither_done_nor_failed() {
        assert_eq!(category("CREATE_COMPLETE"), Category::Done);
        assert_eq!(category("DELETE_IN_PROGRESS"), Category::Working);
        assert_eq!(category("UPDATE_ROLLBACK_COMPLETE"), Category::Undone);
        assert_eq!(category("UPDATE_ROLLBACK_FAILED"), Category::Failed);
    }

    #[test]
    fn the_clock_is_utc() {
        assert_eq!(clock(1_700_000_000_123), "22:13:20Z");
    }
}
