//! `--preset production`: values over the template's defaults, shown as a difference before they are
//! taken. What was said for a parameter, by flag or in `cqrs.toml`, goes before the preset.

use std::collections::BTreeMap;
use std::fmt;

use crate::commands::table::table;
use crate::error::{Failure, Kind};
use crate::settings::Preset;
use crate::stack::template::Template;

/// Whom the alarms notify, which nobody but the user knows.
pub(super) const TOPIC: &str = "AlarmTopicArn";
pub(super) const NODE_TYPE: &str = "CacheNodeType";

/// Why each is so: docs/decisions/0103-production-preset.md.
const PRODUCTION: [(&str, &str); 8] = [
    (NODE_TYPE, "cache.m7g.large"),
    ("CacheReplicas", "1"),
    ("CacheFailover", "on"),
    ("DeletionProtection", "on"),
    ("LogRetentionDays", "90"),
    ("PublisherConcurrency", "100"),
    ("SubscriberConcurrency", "50"),
    ("QueryConcurrency", "100"),
];

impl Preset {
    fn values(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Production => &PRODUCTION,
        }
    }

    /// What it has for a parameter.
    pub(super) fn value(self, name: &str) -> Option<&'static str> {
        let found = self.values().iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// Whether all is said that it needs.
    pub(super) fn check(
        self,
        template: &Template,
        given: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let is_missing = given.get(TOPIC).is_none_or(String::is_empty);
        if template.parameter(TOPIC).is_none() || !is_missing {
            return Ok(());
        }
        let name = self.name();
        let message = format!("the preset {name} needs a topic that its alarms notify");
        Err(Failure::new(Kind::Usage, message).hint(format!(
            "add `--parameter {TOPIC}=ARN` with the ARN of an SNS topic, write it to cqrs.toml, or \
             run `cqrs deploy --guided --preset {name}`"
        )))
    }

    /// What becomes of each parameter that it is about.
    pub(super) fn taken<'a>(
        self,
        template: &'a Template,
        given: &'a BTreeMap<String, String>,
        existing: &'a BTreeMap<String, String>,
    ) -> Taken<'a> {
        let parameters = self.values().iter().map(|(name, value)| {
            let default = template
                .parameter(name)
                .map(|known| known.default.as_deref().unwrap_or_default());
            let (now, by) = match (default, given.get(*name), existing.get(*name)) {
                (None, ..) => (*value, By::Nobody),
                (_, Some(given), _) => (given.as_str(), By::Settings),
                // A node that somebody chose holds what is there: a guess does not shrink it.
                (Some(default), None, Some(chosen)) if *name == NODE_TYPE && chosen != default => {
                    (chosen.as_str(), By::Stack)
                }
                _ => (*value, By::Preset),
            };
            Parameter {
                name,
                default: default.unwrap_or_default(),
                now,
                by,
            }
        });
        let topic = given.get(TOPIC).map(|topic| Parameter {
            name: TOPIC,
            default: "",
            now: topic,
            by: By::Settings,
        });
        Taken {
            preset: self,
            parameters: parameters.chain(topic).collect(),
        }
    }
}

/// A preset as it meets a template, the settings and a stack.
pub(super) struct Taken<'a> {
    preset: Preset,
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    name: &'static str,
    default: &'a str,
    now: &'a str,
    by: By,
}

/// Who says a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Preset,
    Settings,
    Stack,
    /// The template has no such parameter.
    Nobody,
}

impl Taken<'_> {
    /// The parameters whose values are the preset's own.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = self.parameters.iter().filter(|one| one.by == By::Preset);
        own.map(|one| (one.name, one.now))
    }

    /// The parameters that the template does not have, so that nothing guards there.
    pub(super) fn unknown(&self) -> Vec<&'static str> {
        let unknown = self.parameters.iter().filter(|one| one.by == By::Nobody);
        unknown.map(|one| one.name).collect()
    }
}

impl fmt::Display for Taken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Preset {}:", self.preset.name())?;
        let shown = self.parameters.iter().filter(|one| match one.by {
            By::Nobody => false,
            By::Preset => one.now != one.default,
            By::Settings | By::Stack => true,
        });
        let row = |one: &Parameter<'_>| {
            let by = match one.by {
                By::Settings => "as you said",
                By::Stack => "as the stack has it",
                By::Preset | By::Nobody => "",
            };
            let default = match one.default {
                "" => "(none)",
                default => default,
            };
            [one.name, default, one.now, by].map(str::to_owned).into()
        };
        let rows = table(&["Parameter", "Default", "Now", ""], shown.map(row));
        for line in rows.lines() {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(parameters: &str) -> Template {
        let text = format!("Parameters:\n{parameters}Resources:\n  Q: {{Type: AWS::SQS::Queue}}\n");
        Template::from_text("template.yaml".as_ref(), text).expect("a template")
    }

    fn own() -> Template {
        let text = crate::project::template().to_owned();
        Template::from_text("template.yaml".as_ref(), text).expect("a template")
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn its_values_are_such_as_the_template_takes() {
        let template = own();
        for (name, value) in Preset::Production.values() {
            let parameter = template.parameter(name).expect(name);
            assert!(parameter.check(value).is_ok(), "{name}");
        }
        assert!(template.parameter(TOPIC).is_some());
    }

    #[test]
    fn what_was_said_and_a_node_that_was_chosen_go_before_it() {
        let template = own();
        let given = map(&[("CacheReplicas", "2"), ("LogRetentionDays", "30")]);
        let existing = map(&[(NODE_TYPE, "cache.r7g.xlarge"), ("LogRetentionDays", "7")]);
        let taken = Preset::Production.taken(&template, &given, &existing);
        insta::assert_snapshot!(taken.to_string(), @"
        Preset production:
          Parameter              Default          Now
          CacheNodeType          cache.t4g.micro  cache.r7g.xlarge  as the stack has it
          CacheReplicas          0                2                 as you said
          DeletionProtection     off              on
          LogRetentionDays       30               30                as you said
          PublisherConcurrency   -1               100
          SubscriberConcurrency  -1               50
          QueryConcurrency       -1               100
        ");
        let names: Vec<_> = taken.values().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "CacheFailover",
                "DeletionProtection",
                "PublisherConcurrency",
                "SubscriberConcurrency",
                "QueryConcurrency"
            ]
        );

        // A new stack, and one that nobody chose a node for, get the preset's.
        for existing in [map(&[]), map(&[(NODE_TYPE, "cache.t4g.micro")])] {
            let given = map(&[]);
            let taken = Preset::Production.taken(&template, &given, &existing);
            assert!(
                taken
                    .values()
                    .any(|one| one == (NODE_TYPE, "cache.m7g.large"))
            );
        }
    }

    #[test]
    fn it_needs_a_topic_where_the_template_takes_one_and_names_what_it_lacks() {
        let with = template("  AlarmTopicArn: {Type: String, Default: ''}\n");
        let given = |value| map(&[(TOPIC, value)]);
        let check = |template: &Template, given: &_| Preset::Production.check(template, given);
        assert!(check(&with, &map(&[])).is_err());
        assert!(check(&with, &given("")).is_err());
        assert!(check(&with, &given("arn:aws:sns:eu-west-1:123456789012:a")).is_ok());

        let without = template("  CacheReplicas: {Type: Number, Default: 0}\n");
        assert!(check(&without, &map(&[])).is_ok());
        let (given, existing) = (map(&[]), map(&[]));
        let taken = Preset::Production.taken(&without, &given, &existing);
        assert_eq!(taken.values().collect::<Vec<_>>(), [("CacheReplicas", "1")]);
        assert_eq!(taken.unknown().len(), 7);
    }
}
