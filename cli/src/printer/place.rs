//! Where the stack is, as it was typed, so that a command that is named to be typed next leads there
//! too.

use std::borrow::Cow;

/// The options that say it: `--local`, `--stack shop`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(Vec<String>);

/// What begins a command that is named in a text.
const BEGIN: &str = "`cqrs ";
/// Options that a stack on this machine does not take.
const FOR_AWS: [&str; 5] = [
    "--guided",
    "--arch",
    "--preset",
    "--termination-protection",
    "--rollback-alarms",
];

impl Place {
    pub(crate) fn new(options: Vec<String>) -> Self {
        Self(options)
    }

    /// `text`, each of whose commands between backticks has the options that it lacks.
    pub(crate) fn complete<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() || !text.contains(BEGIN) {
            return text.into();
        }
        let mut completed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(BEGIN) {
            let (before, from) = rest.split_at(at + 1);
            let (command, after) = from.split_at(from.find('`').unwrap_or(from.len()));
            completed.push_str(before);
            completed.push_str(command);
            for option in self.lacked_by(command) {
                completed.push(' ');
                completed.push_str(option);
            }
            rest = after;
        }
        completed.push_str(rest);
        completed.into()
    }

    fn lacked_by(&self, command: &str) -> impl Iterator<Item = &str> {
        let has = |name: &str| command.split([' ', '=']).any(|word| word == name);
        // These are about no stack.
        let is_help = has("--help") || command.starts_with("cqrs new");
        let is_local = command.starts_with("cqrs local") || FOR_AWS.into_iter().any(has);
        self.0.iter().map(String::as_str).filter(move |option| {
            let name = option.split(' ').next().unwrap_or_default();
            !(is_help || has(name) || (is_local && name == "--local"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(options: &[&str], text: &str) -> String {
        let place = Place::new(options.iter().map(|&option| option.to_owned()).collect());
        place.complete(text).into_owned()
    }

    #[test]
    fn a_command_that_is_named_leads_to_the_stack_that_was_typed() {
        let both = ["--local", "--stack shop"];
        for (text, expected) in [
            (
                "run `cqrs rebuild`, then `cqrs verify --repair` in `here`",
                "run `cqrs rebuild --local --stack shop`, then `cqrs verify --repair --local --stack shop` in `here`",
            ),
            (
                "`cqrs deploy --local --stack shop` creates it; or check `--stack`",
                "`cqrs deploy --local --stack shop` creates it; or check `--stack`",
            ),
            ("`cqrs local stop`", "`cqrs local stop --stack shop`"),
            (
                "`cqrs deploy --guided`",
                "`cqrs deploy --guided --stack shop`",
            ),
            ("`cqrs order create --help`", "`cqrs order create --help`"),
            ("`cqrs status", "`cqrs status --local --stack shop"),
            ("next: cqrs status", "next: cqrs status"),
        ] {
            assert_eq!(completed(&both, text), expected);
        }
        assert_eq!(completed(&[], "`cqrs rebuild`"), "`cqrs rebuild`");
    }
}
