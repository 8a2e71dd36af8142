//! Help texts that speak of the entity: they are written with `{entity}` and the like, in whose place
//! comes what the description says.

use clap::Command;

use super::Domain;

impl Domain {
    /// All help texts of `command` in this domain's words.
    pub(crate) fn worded(&self, command: Command) -> Command {
        let about = command
            .get_about()
            .map(|about| self.words(&about.ansi().to_string()));
        let after = command
            .get_after_help()
            .map(|text| self.words(&text.ansi().to_string()));
        let command = match about.flatten() {
            Some(about) => command.about(about),
            None => command,
        };
        let command = match after.flatten() {
            Some(after) => command.after_help(after),
            None => command,
        };
        command
            .mut_args(|argument| {
                let help = argument.get_help().map(|help| help.ansi().to_string());
                match help.and_then(|help| self.words(&help)) {
                    Some(help) => argument.help(help),
                    None => argument,
                }
            })
            .mut_subcommands(|command| self.worded(command))
    }

    /// `text` in this domain's words; none where it has no word of a domain.
    fn words(&self, text: &str) -> Option<String> {
        text.contains('{').then(|| {
            text.replace("{entity}", &self.entity)
                .replace("{plural}", &self.plural)
                .replace("{id}", &self.id)
                .replace("{one}", &self.one())
                .replace("{example}", &self.example())
        })
    }
}
