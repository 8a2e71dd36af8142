//! The names of a new project: what may be said in all the places where they stand.

use pattern::description::check_entity;

use super::source;
use crate::settings::StackName;

/// A name that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidName {
    #[error("the project cannot be called `{name}`: {reason}")]
    Project { name: String, reason: String },
    #[error("the domain cannot be about `{entity}`: {reason}")]
    Entity { entity: String, reason: String },
}

/// What a project and its entity are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The project, its folder and its stack.
    pub(crate) project: String,
    /// In lower case: `ticket`.
    pub(crate) entity: String,
    /// What several are called.
    pub(crate) plural: String,
}

impl Names {
    /// Checks them by the rules of the places where they stand: AWS's for the stack, the library's and
    /// the tool's for the entity, Rust's for its type.
    pub(crate) fn new(project: &str, entity: &str, plural: &str) -> Result<Self, InvalidName> {
        Self::check_project(project)?;
        let invalid = |reason: String| InvalidName::Entity {
            entity: entity.to_owned(),
            reason,
        };
        check_entity(entity, plural).map_err(invalid)?;
        let names = Self {
            project: project.to_owned(),
            entity: entity.to_owned(),
            plural: plural.to_owned(),
        };
        let type_name = names.type_name();
        let starter = source("cli/project/starter/lib.rs");
        let code = starter.lines().filter(|line| !line.contains("//"));
        let is_word = |c: char| c.is_alphanumeric() || c == '{' || c == '}';
        let mut words = code.flat_map(|line| line.split(|c| !is_word(c)));
        if ["Self", "Option"].contains(&&*type_name) || words.any(|word| word == type_name) {
            return Err(invalid(format!(
                "`{type_name}` is a name of Rust or of the library"
            )));
        }
        Ok(names)
    }

    /// Checks the name that the project's stack has too.
    pub(crate) fn check_project(name: &str) -> Result<(), InvalidName> {
        match name.parse::<StackName>() {
            Ok(_) => Ok(()),
            Err(reason) => Err(InvalidName::Project {
                name: name.to_owned(),
                reason,
            }),
        }
    }

    /// The entity of a project that says no more than its own name: `my-tickets` is about tickets.
    pub(crate) fn guessed(project: &str) -> String {
        let last = project.rsplit('-').next().unwrap_or_default();
        if last.ends_with("ss") {
            return last.to_owned();
        }
        match (last.strip_suffix("ies"), last.strip_suffix('s')) {
            (Some(begin), _) => format!("{begin}y"),
            (None, Some(one)) => one.to_owned(),
            (None, None) => last.to_owned(),
        }
    }

    /// The plural that most words have.
    pub(crate) fn plural_of(entity: &str) -> String {
        let vowel = |c: char| "aeiou".contains(c);
        match entity.strip_suffix('y') {
            Some(begin) if !begin.ends_with(vowel) => format!("{begin}ies"),
            _ if ["s", "x", "ch", "sh"]
                .iter()
                .any(|end| entity.ends_with(end)) =>
            {
                format!("{entity}es")
            }
            _ => format!("{entity}s"),
        }
    }

    /// The name of the entity's id: the key of the table.
    pub(super) fn id(&self) -> String {
        pattern::document::id_name(&self.entity)
    }

    fn type_name(&self) -> String {
        let mut letters = self.entity.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    /// A text of a new project, with the names in their places.
    pub(super) fn filled_in(&self, text: &str) -> String {
        text.replace("{name}", &self.project)
            .replace("{Entity}", &self.type_name())
            .replace("{entity}", &self.entity)
            .replace("{plural}", &self.plural)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_guessed_from_the_projects_name() {
        for (project, entity, plural) in [
            ("tickets", "ticket", "tickets"),
            ("my-entries", "entry", "entries"),
            ("box", "box", "boxes"),
            ("class", "class", "classes"),
            ("play", "play", "plays"),
        ] {
            let one = Names::guessed(project);
            let several = Names::plural_of(&one);
            assert_eq!((&*one, &*several), (entity, plural));
        }
    }

    #[test]
    fn names_that_are_taken_somewhere_are_refused() {
        for (project, entity, plural, reason) in [
            ("Tickets", "ticket", "tickets", "lower-case letters"),
            ("a--b", "ticket", "tickets", "no two in a row"),
            ("tickets", "deploy", "deploys", "taken by the tool"),
            ("tickets", "version", "versions", "taken by the tool"),
            ("tickets", "ticket", "ticket", "must differ"),
            ("tickets", "Ticket", "tickets", "lower-case letters"),
            ("tickets", "self", "selves", "of Rust"),
            ("tickets", "text", "texts", "of the library"),
            ("tickets", "entity", "entities", "of the library"),
            ("tickets", "option", "options", "of Rust"),
        ] {
            let error = Names::new(project, entity, plural).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
