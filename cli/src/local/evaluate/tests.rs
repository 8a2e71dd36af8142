//! What the tests of the evaluation share, and the repository's own template.

mod dashboard;
mod intrinsics;
mod mutations;
mod own_template;
mod resources;

use std::path::Path;

use super::*;

const FILE: &str = "template.yaml";

fn context() -> Context {
    let programs = ["publisher", "subscriber", "query"];
    Context {
        stack: "shop".to_owned(),
        region: "eu-west-1".to_owned(),
        parameters: BTreeMap::new(),
        programs: programs
            .map(|name| (name.to_owned(), PathBuf::from(format!("/programs/{name}"))))
            .into(),
        endpoint: "http://127.0.0.1:4000".to_owned(),
        cache: Address {
            host: "127.0.0.1".to_owned(),
            port: 6399,
        },
        streams: BTreeMap::new(),
    }
}

fn evaluate_with(text: &str, context: &Context) -> Result<Evaluated, String> {
    Template::from_text(Path::new(FILE), text.to_owned())
        .and_then(|template| evaluate(&template, context))
        .map_err(|error| error.to_string())
}

fn evaluate_text(text: &str) -> Result<Evaluated, String> {
    evaluate_with(text, &context())
}

/// The complaint about a template that cannot be evaluated.
fn complaint(text: &str) -> String {
    match evaluate_text(text) {
        Err(complaint) => complaint,
        Ok(evaluated) => panic!("this was evaluated:\n{text}\n{evaluated:?}"),
    }
}

/// Compares lines of `input => output` with what `answer` makes of each input.
fn check_table(table: &str, answer: impl Fn(&str) -> String) {
    let expected: Vec<&str> = table.trim().lines().map(str::trim).collect();
    let actual = expected.iter().map(|line| {
        let (input, _) = line.split_once(" =>").unwrap();
        format!("{input} => {}", answer(input))
            .trim_end()
            .to_owned()
    });
    assert_eq!(actual.collect::<Vec<_>>(), expected);
}
