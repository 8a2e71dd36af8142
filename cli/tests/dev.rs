//! `cqrs dev` and `cqrs deploy --code-only`: what is saved is in the stack, and nothing else changes.
//!
//! The project's crates compile within a second: each runs a handler that was built before, so that a
//! word in it decides which.

use std::path::Path;

use serde_json::{Value, json};

use crate::evolution::second_version;
use crate::support::{AwsStage, HANDLERS, LocalStage, Run, Sandbox, Stage, handlers, repository};
use crate::ui::Page;

const DESCRIPTION: &str = "handlers/domain/domain.json";

/// Makes a project in the sandbox, whose functions are these programs.
fn write_project(sandbox: &Sandbox, programs: &Path) {
    sandbox.write_crates(&HANDLERS, |name| handler(name, programs, ""));
    let description = std::fs::read_to_string(repository().join(DESCRIPTION)).unwrap();
    sandbox.write(DESCRIPTION, &description);
}

/// The source of a handler that runs this program; `more` is another word in it.
fn handler(name: &str, programs: &Path, more: &str) -> String {
    let program = programs.join(name);
    format!(
        "use std::os::unix::process::CommandExt;\n\n\
         fn main() {{\n    let mut program = std::process::Command::new({program:?});\n    \
         panic!(\"{{}}\", program.env(\"MORE\", {more:?}).exec());\n}}\n"
    )
}

fn write_handler(sandbox: &Sandbox, name: &str, programs: &Path, more: &str) {
    let source = handler(name, programs, more);
    sandbox.write(&format!("handlers/{name}/src/main.rs"), &source);
}

/// A run in which Cargo is there, and compiles into the sandbox.
fn building(sandbox: &Sandbox, arguments: &str) -> Run {
    let run = sandbox.cqrs(arguments.split(' ')).with_cargo();
    run.env("CARGO_TARGET_DIR", sandbox.path().join("target"))
        .env("XDG_CACHE_HOME", sandbox.path().join("cache"))
}

#[test]
fn what_is_saved_is_swapped_and_what_does_not_compile_is_not() {
    let second = second_version();
    let stage = LocalStage::empty();
    write_project(&stage, &handlers());
    let mut page = Page::served(&stage, building(&stage, "dev --ui"));
    let about = |page: &Page| page.get("api/about", "").1;
    let dev = &mut page.running;
    dev.until("Building the handlers");
    dev.until("Watching handlers/ and template.yaml");
    let id = stage.place_order();

    stage.write("handlers/query/src/main.rs", "fn main() { no }");
    dev.until("✗ handlers/query/src/main.rs: not deployed; what ran before runs on");
    stage.cqrs(["order", "get", &id]).succeeds();

    write_handler(&stage, "query", &handlers(), "other");
    dev.until("✓ handlers/query/src/main.rs: Query updated in");
    let before: Value = stage.cqrs(["order", "get", &id]).json();
    assert_eq!(before["quantity"], 1);
    assert!(about(&page).contains(r#""option":"quantity""#));
    let dev = &mut page.running;

    // Another domain: what it did to what exists is said, and the commands are those of the new one.
    for name in HANDLERS {
        write_handler(&stage, name, &second.handlers, "");
    }
    dev.until("field urgency is new; items that exist are read with 3");
    dev.until("field quantity is removed");
    dev.until("handlers/domain/domain.json is written anew");
    dev.until("updated in");
    let said = about(&page);
    assert!(said.contains(r#""option":"urgency""#), "{said}");
    assert!(!said.contains("quantity"), "{said}");
    let description = std::fs::read_to_string(stage.project().join(DESCRIPTION)).unwrap();
    assert_eq!(description, second.says.pretty());
    let create = "order create --client 42 --product abc --urgency 4 --wait";
    stage.cqrs(create.split(' ')).succeeds();
    let kept: Value = stage.cqrs(["order", "get", &id]).json();
    assert_eq!(kept["clientId"], "42");

    page.running.interrupt();
    let outcome = page.running.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stderr.contains("`cqrs local stop`"), "{outcome}");
    let complaint = "cannot find value `no` in this scope";
    assert!(outcome.stderr.contains(complaint), "{outcome}");
    // Its own description was no change.
    let rounds = outcome.stderr.matches("updated in").count();
    assert!((2..=4).contains(&rounds), "{outcome}");
    stage.cqrs(["order", "get", &id]).succeeds();
}

#[test]
fn a_template_that_is_saved_is_deployed_and_one_that_is_wrong_is_not() {
    let stage = LocalStage::empty();
    write_project(&stage, &handlers());
    let deploy = building(&stage, "deploy --yes --quiet");
    deploy.succeeds();
    let mut dev = building(&stage, "dev --output json --verbose").start();
    dev.until("Watching");
    dev.interrupt();
    let outcome = dev.outcome();
    let first: Value = serde_json::from_str(outcome.stdout.trim()).unwrap();
    assert_eq!(first["status"], "unchanged", "{outcome}");
    assert_eq!(first["changed"], json!([]), "{outcome}");

    let mut dev = building(&stage, "dev").start();
    dev.until("✓ nothing to change");
    dev.until("Watching");
    stage.edit_template("\nResources:\n", "\nResourcen:\n");
    dev.until("✗ template.yaml: not deployed; what ran before runs on");
    stage.edit_template("\nResourcen:\n", "\nResources:\n");
    dev.until("✓ template.yaml: nothing to change");
    stage.edit_template(
        "\nOutputs:\n",
        "\n  More: {Type: AWS::SQS::Queue}\n\nOutputs:\n",
    );
    dev.until("✓ template.yaml: More updated in");
    dev.interrupt();
    let outcome = dev.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn code_alone_is_swapped_by_the_stacks_own_parameters() {
    let mut stage = AwsStage::empty();
    write_project(&stage, &handlers());
    let deploy = building(
        &stage,
        "deploy --yes --builder cargo --parameter FunctionMemory=256",
    );
    deploy.succeeds();
    let first = stage.stack_parameter("cqrs", "QueryCodeKey");

    // What else the project says meanwhile is for a whole deployment.
    stage.set("CQRS_ENV", "other");
    stage.write(
        "cqrs.toml",
        "[env.other.parameters]\nFunctionMemory = 512\nCacheAccess = \"open\"\n",
    );
    stage.edit_template("\nOutputs:\n", "\nOutputs:\n  More: {Value: more}\n");
    write_handler(&stage, "query", &handlers(), "other");
    let code_only = || building(&stage, "deploy --code-only --yes --builder cargo");
    let swapped: Value = code_only().json();
    let changed = |deployed: &Value| {
        let changes = deployed["changes"].as_array().unwrap().iter();
        changes
            .map(|change| change["logicalId"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(changed(&swapped), [json!("Query")]);
    assert!(swapped["outputs"].get("More").is_none(), "{swapped}");
    assert_ne!(stage.stack_parameter("cqrs", "QueryCodeKey"), first);
    assert_eq!(stage.stack_parameter("cqrs", "FunctionMemory"), "256");
    stage.cqrs(["order", "list"]).succeeds();

    let again: Value = code_only().json();
    assert_eq!(again["status"], "unchanged");
    // The next whole deployment has nothing of it to change.
    stage.restore_template();
    stage.write(
        "cqrs.toml",
        "[env.other.parameters]\nFunctionMemory = 256\nCacheAccess = \"open\"\n",
    );
    let whole: Value = building(&stage, "deploy --yes --builder cargo").json();
    assert_eq!(whole["status"], "unchanged", "{whole}");
}

#[test]
fn code_alone_needs_a_stack_and_nothing_that_is_for_a_whole_deployment() {
    let stage = AwsStage::empty();
    write_project(&stage, &handlers());
    let deploy =
        |more: &str| building(&stage, &format!("deploy --code-only --yes{more}")).outcome();
    let nothing = deploy("");
    assert_eq!(nothing.code, 3, "{nothing}");
    assert!(
        nothing.stderr.contains("there is no stack `cqrs`"),
        "{nothing}"
    );
    let parameter = deploy(" --parameter FunctionMemory=256");
    assert_eq!(parameter.code, 2, "{parameter}");
    let here = building(&stage, "deploy --code-only --local").outcome();
    assert_eq!(here.code, 2, "{here}");
}

#[test]
fn a_stack_on_aws_gets_the_code_that_is_saved() {
    let stage = AwsStage::empty();
    write_project(&stage, &handlers());
    let deploy = building(&stage, "deploy --yes --quiet --builder cargo");
    deploy.succeeds();
    let asks = building(&stage, "dev --stack cqrs").outcome();
    assert_eq!(asks.code, 2, "{asks}");
    assert!(asks.stderr.contains("add `--yes`"), "{asks}");

    let mut dev = building(&stage, "dev --stack cqrs --yes --builder cargo").start();
    dev.until("✓ nothing to change");
    dev.until("Watching handlers/;");
    write_handler(&stage, "query", &handlers(), "other");
    dev.until("✓ handlers/query/src/main.rs: Query updated in");
    dev.interrupt();
    let outcome = dev.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    stage.cqrs(["order", "list"]).succeeds();
}
