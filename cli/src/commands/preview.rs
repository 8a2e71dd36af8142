//! How changes look before they are made.

use std::fmt;

use crate::commands::table::table;
use crate::printer::Style;
use crate::stack::change_set::{Action, ResourceChanged};

/// The changes of a change set, for people.
pub(crate) struct Preview<'a> {
    pub(crate) changes: &'a [ResourceChanged],
    pub(crate) style: Style,
}

/// The one table from an action to its symbol, word and colour.
fn look(action: Action, style: Style) -> (String, &'static str) {
    match action {
        Action::Add => (style.green("+"), "add"),
        Action::Modify => (style.yellow("~"), "change"),
        Action::MayReplace => (style.red("±"), "may replace"),
        Action::Replace => (style.red("±"), "replace"),
        Action::Remove => (style.red("-"), "remove"),
    }
}

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.changes.iter().map(|change| {
            vec![
                look(change.action, Style::plain()).1.to_owned(),
                change.logical_id.clone(),
                change.resource_type.clone(),
                change.properties.join(", "),
            ]
        });
        let text = table(&["", "Resource", "Type", "Changed properties"], rows);
        let mut lines = text.lines();
        if let Some(header) = lines.next() {
            writeln!(f, "  {}", self.style.dim(header))?;
        }
        // Coloured symbols are put before the aligned text: escape codes have no width.
        for (line, change) in lines.zip(self.changes) {
            writeln!(f, "{} {line}", look(change.action, self.style).0)?;
        }
        let count = |actions: &[Action]| {
            let changes = self.changes.iter();
            changes
                .filter(|change| actions.contains(&change.action))
                .count()
        };
        write!(
            f,
            "\n{} to add, {} to change, {} to replace, {} to remove",
            count(&[Action::Add]),
            count(&[Action::Modify]),
            count(&[Action::Replace, Action::MayReplace]),
            count(&[Action::Remove]),
        )?;
        for consequence in consequences(self.changes) {
            write!(f, "\n{consequence}")?;
        }
        Ok(())
    }
}

/// What the resources that go mean for the whole stack. Of tables with items their own warning speaks.
fn consequences(changes: &[ResourceChanged]) -> Vec<String> {
    let goes = |kinds: &[&str]| {
        let of_kind = changes
            .iter()
            .filter(|change| kinds.contains(&change.resource_type.as_str()));
        of_kind.map(|change| change.action).max().and_then(|most| {
            Some(match most {
                Action::Replace | Action::Remove => "is",
                Action::MayReplace => "may be",
                Action::Add | Action::Modify => return None,
            })
        })
    };
    let cache = goes(&["AWS::ElastiCache::ReplicationGroup"]).map(|word| {
        format!(
            "The cache {word} another one then, and empty: queries answer `ReadModelIncomplete` until a \
             rebuild from the table, the deployment's last step."
        )
    });
    let network = goes(&[
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::SecurityGroup",
    ]);
    let network = network.map(|word| {
        format!(
            "The network {word} another one then: the old one goes when Lambda has let go of it, which can \
             take 20 minutes and more."
        )
    });
    cache.into_iter().chain(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action, id: &str, properties: &[&str]) -> ResourceChanged {
        ResourceChanged {
            properties: properties.iter().map(|p| (*p).to_owned()).collect(),
            ..ResourceChanged::new(action, id, "AWS::DynamoDB::Table")
        }
    }

    #[test]
    fn what_goes_is_said_in_words_for_the_whole_stack() {
        let of = |action, kind| ResourceChanged::new(action, "X", kind);
        let (cache, vpc) = ("AWS::ElastiCache::ReplicationGroup", "AWS::EC2::VPC");
        let said = |changes: &[ResourceChanged]| consequences(changes).join(" ");
        assert_eq!(said(&[of(Action::Modify, cache), of(Action::Add, vpc)]), "");
        assert_eq!(said(&[of(Action::Replace, "AWS::DynamoDB::Table")]), "");
        let both = said(&[of(Action::Replace, cache), of(Action::Remove, vpc)]);
        assert!(both.starts_with("The cache is another one then"), "{both}");
        assert!(both.contains(" The network is another one then"), "{both}");
        let perhaps = said(&[of(Action::MayReplace, cache)]);
        assert!(perhaps.starts_with("The cache may be another"), "{perhaps}");
    }

    #[test]
    fn a_preview_is_an_aligned_table_with_a_count() {
        let changes = [
            change(Action::Add, "Orders", &[]),
            change(Action::Modify, "PublisherFunction", &["Code", "MemorySize"]),
            change(Action::Replace, "Cache", &["Engine"]),
        ];
        let text = Preview {
            changes: &changes,
            style: Style::plain(),
        }
        .to_string();
        insta::assert_snapshot!(text, @"
                   Resource           Type                  Changed properties
        + add      Orders             AWS::DynamoDB::Table
        ~ change   PublisherFunction  AWS::DynamoDB::Table  Code, MemorySize
        ± replace  Cache              AWS::DynamoDB::Table  Engine

        1 to add, 1 to change, 1 to replace, 0 to remove
        ");
    }
}
