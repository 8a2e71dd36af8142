//! What the domain's source says: its description as the project's own program prints it, and where
//! in it a name stands.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Where a project has its domain.
pub(super) const SOURCE: &str = "handlers/domain/src/lib.rs";
const CARGO_TOML: &str = "handlers/domain/Cargo.toml";

/// What the source says.
pub(super) enum Said {
    /// Its description.
    Description(String),
    /// What is wrong in it, with the place where that is known.
    Wrong(String),
    /// Nothing, for this reason.
    Unknown(String),
}

/// Asks the source, which Cargo builds first.
pub(super) async fn ask(project: &Path) -> Said {
    if !project.join(CARGO_TOML).is_file() {
        return Said::Unknown(format!("there is no {CARGO_TOML}"));
    }
    let output = Command::new("cargo")
        .args(["run", "-q", "-p", "domain", "--example", "describe"])
        .current_dir(project)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match output.await {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Said::Unknown("there is no cargo in the PATH".to_owned());
        }
        Err(error) => return Said::Unknown(format!("cargo cannot be started: {error}")),
    };
    if output.status.success() {
        return match String::from_utf8(output.stdout) {
            Ok(text) => Said::Description(text),
            Err(_) => Said::Wrong(format!("{SOURCE}: its description is no text")),
        };
    }
    Said::Wrong(complaint(&String::from_utf8_lossy(&output.stderr), project))
}

/// What Cargo, the compiler or the program itself complained about.
fn complaint(said: &str, project: &Path) -> String {
    let lines = || said.lines().map(str::trim);
    let refused = lines().find_map(|line| {
        let quoted = line.strip_prefix("Error: InvalidDomain(")?;
        let quoted = quoted.strip_suffix(')')?;
        serde_json::from_str::<String>(quoted).ok()
    });
    if let Some(reason) = refused {
        return placed(reason, project);
    }
    if let Some(error) = lines().find(|line| line.starts_with("error")) {
        let after = lines().skip_while(|line| *line != error);
        let place = after.filter_map(|line| line.strip_prefix("--> ")).next();
        return match place.and_then(|place| place.rsplit_once(':')) {
            Some((place, _)) => format!("{place}: {error}"),
            None => error.to_owned(),
        };
    }
    let mut rest = lines().skip_while(|line| !line.contains(" panicked at "));
    if let (Some(at), Some(reason)) = (rest.next(), rest.next()) {
        let place = at.split(" panicked at ").nth(1).unwrap_or_default();
        let place = place.trim_end_matches(':').rsplit_once(':');
        return format!("{}: {reason}", place.map_or(SOURCE, |(place, _)| place));
    }
    let last = lines().rfind(|line| !line.is_empty());
    last.unwrap_or("the description is not made, and nothing says why")
        .to_owned()
}

/// What is wrong, with the line of the source that it is about where a search finds it.
pub(super) fn placed(reason: String, project: &Path) -> String {
    let source = std::fs::read_to_string(project.join(SOURCE)).unwrap_or_default();
    match line(&reason, &source) {
        Some(line) => format!("{SOURCE}:{line}: {reason}"),
        None => reason,
    }
}

/// The line of `source` with the name that `reason` speaks of.
fn line(reason: &str, source: &str) -> Option<usize> {
    const BEFORE: [&str; 6] = [
        "field ", "name ", "command ", "status ", "rule: ", "not to ",
    ];
    let find = |test: &dyn Fn(&str) -> bool| {
        let line = source.lines().position(|line| test(line.trim()))?;
        Some(line + 1)
    };
    if reason.contains("plural must differ") {
        return find(&|line| line.contains("const PLURAL"));
    }
    let name = |text: &str| {
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let text = text.trim_start_matches(['"', '`']);
        text.split(end).next().unwrap_or_default().to_owned()
    };
    let after = BEFORE
        .iter()
        .filter_map(|word| Some(name(reason.split_once(word)?.1)));
    let names: Vec<String> = std::iter::once(name(reason)).chain(after).collect();
    let names = names.iter().filter(|name| !name.is_empty());
    let in_text = |name: &str| find(&|line| line.contains(&format!("\"{name}\"")));
    for name in names {
        let snake = cased(name, '_', false);
        let pascal = cased(name, ' ', true).replace(' ', "");
        let field = || {
            find(&|line| {
                let line = line.strip_prefix("pub ").unwrap_or(line);
                line.strip_prefix(&snake)
                    .is_some_and(|rest| rest.starts_with(": "))
            })
        };
        let variant = || {
            find(&|line| {
                line.strip_prefix(&pascal)
                    .is_some_and(|rest| rest.starts_with([',', ' ', '(']) || rest.is_empty())
            })
        };
        let found = match reason.contains("lists of") {
            true => in_text(name).or_else(field),
            false => field().or_else(|| in_text(name)),
        };
        if let Some(line) = found.or_else(variant) {
            return Some(line);
        }
    }
    None
}

/// `clientId` with its words parted, each in lower case or with a capital.
fn cased(name: &str, between: char, capital: bool) -> String {
    let mut words = String::new();
    let mut begins = true;
    for letter in name.chars() {
        if letter == '-' || (letter.is_ascii_uppercase() && !words.is_empty()) {
            words.push(between);
            begins = true;
        }
        if letter != '-' {
            words.push(match begins && capital {
                true => letter.to_ascii_uppercase(),
                false => letter.to_ascii_lowercase(),
            });
            begins = false;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = include_str!("../../../../handlers/domain/src/lib.rs");

    fn text_of_line(reason: &str) -> &'static str {
        let line = line(reason, ORDERS).unwrap_or_else(|| panic!("{reason}"));
        ORDERS.lines().nth(line - 1).unwrap().trim()
    }

    #[test]
    fn what_is_wrong_is_found_in_the_source() {
        for (reason, text) in [
            (
                "the field clientId is there twice",
                "pub client_id: Text<1, 128>,",
            ),
            (
                "quantity needs a default (`#[serde(default)]`), since no create gives it",
                "pub quantity: Whole<1, 1_000_000>,",
            ),
            (
                "the name order is taken by the tool or the library",
                "const NAME: &'static str = \"order\";",
            ),
            (
                "its plural must differ from its name order",
                "const PLURAL: &'static str = \"orders\";",
            ),
            ("the command ship is there twice", "command: \"ship\","),
            (
                "productId has no single, exact value to make lists of",
                "const LISTS: &'static [&'static str] = &[\"clientId\", \"productId\"];",
            ),
            (
                "an example breaks its rule: clientId must be a string, not a number",
                "pub client_id: Text<1, 128>,",
            ),
        ] {
            assert_eq!(text_of_line(reason), text);
        }
        assert_eq!(line("all is lost", ORDERS), None);
    }

    #[test]
    fn a_complaint_has_the_place_that_was_said_with_it() {
        let nowhere = Path::new("/nowhere");
        let compiler = "warning: unused\n --> a.rs:1:1\nerror[E0412]: cannot find type `Txt`\n  \
                        --> handlers/domain/src/lib.rs:23:9\n";
        assert_eq!(
            complaint(compiler, nowhere),
            "handlers/domain/src/lib.rs:23: error[E0412]: cannot find type `Txt`"
        );
        let panic = "\nthread 'main' (12) panicked at handlers/domain/src/lib.rs:40:5:\nno such \
                     day\nnote: run\n";
        assert_eq!(
            complaint(panic, nowhere),
            "handlers/domain/src/lib.rs:40: no such day"
        );
        let refused = r#"Error: InvalidDomain("the name \"Ab\" must be of lower-case letters")"#;
        assert_eq!(
            complaint(refused, nowhere),
            "the name \"Ab\" must be of lower-case letters"
        );
    }
}
