//! What a project must have: a template, parameters that fit it, and handlers that can run.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::settings::{identity_only, nobody_asks};
use crate::support::{HANDLERS, Outcome, Sandbox, handlers, handlers_with, repository};

#[test]
fn a_description_that_cannot_be_used_says_why() {
    let described = fs::read_to_string(repository().join("handlers/domain/domain.json")).unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("template.yaml", "");
    let refused = |edit: &dyn Fn(&mut Value)| {
        let mut description: Value = serde_json::from_str(&described).unwrap();
        edit(&mut description);
        sandbox.write("handlers/domain/domain.json", &description.to_string());
        let outcome = sandbox.cqrs(["deploy", "--plan"]).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        outcome
            .stderr
            .replace(&sandbox.project().display().to_string(), "[PROJECT]")
    };
    let field = |name: &'static str| {
        move |description: &mut Value| {
            for schema in ["draft", "document"] {
                let fields = &mut description[schema]["properties"];
                fields[name] = fields["quantity"].clone();
            }
        }
    };
    let said = [
        refused(&|description| description["entity"] = "deploy".into()),
        refused(&|description| description["commands"][0]["name"] = "create".into()),
        refused(&field("idempotencyKey")),
        refused(&field("wait")),
        refused(&field("region")),
        refused(&|description| description["entity"] = "follow".into()),
        refused(&|description| description["plural"] = "rate".into()),
        refused(&|description| description["format"] = 2.into()),
        refused(&|description| description["draft"] = 2.into()),
    ];
    assert_snapshot!(said.join("\n"), @"
    error: cannot use [PROJECT]/handlers/domain/domain.json
      caused by: the domain cannot be used: the name deploy is taken by the tool or the library
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: cannot use [PROJECT]/handlers/domain/domain.json
      caused by: the domain cannot be used: the command create is one that the library has
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: cannot use [PROJECT]/handlers/domain/domain.json
      caused by: the domain cannot be used: the field idempotencyKey is one that the library adds
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: the domain cannot be used: `create` has an option `wait` already
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: the domain cannot be used: `create` has an option `region` already
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: the domain cannot be used: `logs` has an option `follow` already
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: the domain cannot be used: `bench` has an option `rate` already
    hint: give it another name in handlers/domain, and make handlers/domain/domain.json anew

    error: cannot use [PROJECT]/handlers/domain/domain.json
      caused by: it is of format 2, and only format 1 is known
    hint: a newer version of this tool made it: install that one

    error: cannot use [PROJECT]/handlers/domain/domain.json
      caused by: it is no description of a domain
      caused by: invalid type: integer `2`, expected struct Object at line 1 column 109
    hint: make it anew: `cargo run -p domain --example describe > handlers/domain/domain.json`
    ");
}

#[test]
fn a_project_that_does_not_exist_is_named() {
    let outcome = Sandbox::new()
        .cqrs(["deploy", "--yes", "--project", "nowhere"])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: the project folder nowhere does not exist
    hint: give the folder that holds template.yaml
    ");
}

#[test]
fn outside_of_a_project_deploying_says_where_to_go() {
    let sandbox = Sandbox::new();
    let outcome = sandbox
        .cqrs(["deploy", "--yes"])
        .current_dir(sandbox.home())
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: there is no template.yaml here or in a folder above
    hint: go to the project's folder, give it with `--project DIR`, or make one with `cqrs new NAME`
    ");
}

#[test]
fn a_project_without_a_template_is_named() {
    let sandbox = Sandbox::new();
    std::fs::remove_file(sandbox.project().join("template.yaml")).unwrap();
    let outcome = sandbox
        .cqrs(["deploy", "--yes", "--project", "."])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: `./template.yaml` does not exist
    hint: name the project's folder with `--project DIR`
    ");
}

/// What a command says that is refused before anything is sent, in a project with this file.
fn refused(file: Option<(&str, &str)>, arguments: &[&str]) -> Outcome {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
    if let Some((name, text)) = file {
        sandbox.write(name, text);
    }
    let outcome = sandbox.cqrs(arguments).outcome();
    assert!(server.actions().is_empty(), "{outcome}");
    outcome
}

#[test]
fn a_template_that_is_no_yaml_is_refused_with_its_place() {
    let text = "Resources:\n  Queue: {Type: AWS::SQS::Queue\n";
    assert_snapshot!(refused(Some(("template.yaml", text)), &["deploy", "--yes"]), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/template.yaml:3:1: while parsing a flow mapping, did not find expected ',' or '}'
    ");
}

#[test]
fn a_parameter_that_the_template_lacks_is_refused_with_the_one_meant() {
    let deploy = ["deploy", "--yes", "--parameter", "CacheReplica=1"];
    assert_snapshot!(refused(None, &deploy), @r"
    exit code 2
    --- stderr
    error: the template has no parameter `CacheReplica`
    hint: did you mean `CacheReplicas`?
    ");
}

#[test]
fn a_parameter_outside_its_range_is_refused_before_anything_is_sent() {
    for (parameter, rule) in [
        ("CacheReplicas=6", "a number from 0 to 5"),
        ("CacheReplicas=many", "a number from 0 to 5"),
        ("CacheAccess=public", "iam, or open for emulators"),
        ("VpcCidr=8.8.8.0/24", "a range of 10.0.0.0/8"),
        (
            "LogRetentionDays=8",
            "a number of days that CloudWatch Logs offers",
        ),
    ] {
        let outcome = refused(None, &["deploy", "--yes", "--parameter", parameter]);
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains(rule), "{outcome}");
    }
}

#[test]
fn a_parameter_of_the_file_is_held_to_the_same_rules() {
    let file = ("cqrs.toml", "[parameters]\nCacheReplicas = 6\n");
    assert_snapshot!(refused(Some(file), &["deploy", "--yes"]), @r"
    exit code 2
    --- stderr
    error: the parameter `CacheReplicas` is `6`, and at most 5 is allowed (must be a number from 0 to 5.)
    hint: give another with `--parameter CacheReplicas=VALUE`, or in cqrs.toml
    ");
}

#[test]
fn a_cache_that_anybody_may_read_is_not_deployed_to_aws() {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ACCESS_KEY_ID", "test");
    sandbox.set("AWS_SECRET_ACCESS_KEY", "test");
    sandbox.set("AWS_REGION", "eu-west-1");
    let open = ["deploy", "--yes", "--parameter", "CacheAccess=open"];
    assert_snapshot!(sandbox.cqrs(open).outcome(), @"
    exit code 2
    --- stderr
    error: `CacheAccess=open`, without TLS and sign-in, is not for AWS
    hint: `--parameter CacheAccess=iam` is for AWS; `open` for an emulator's `--endpoint-url`, and `--local` needs neither
    ");
    let own = "https://cloudformation.eu-west-1.amazonaws.com";
    let outcome = sandbox.cqrs(open).args(["--endpoint-url", own]).outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
}

#[test]
fn a_parameter_without_a_value_is_wrong_usage() {
    let deploy = ["deploy", "--yes", "--parameter", "CacheReplicas"];
    assert_snapshot!(refused(None, &deploy), @r"
    exit code 2
    --- stderr
    error: invalid value 'CacheReplicas' for '--parameter <NAME=VALUE>': expected NAME=VALUE

    For more information, try '--help'.
    ");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    assert_snapshot!(refused(None, &["deploy"]), @r"
    exit code 2
    --- stderr
    error: nobody can be asked here whether to deploy
    hint: add `--yes` to deploy without asking, or `--plan` to see what would change
    ");
    assert_snapshot!(refused(None, &["destroy"]), @r"
    exit code 2
    --- stderr
    error: nobody can be asked here whether to destroy
    hint: add `--yes` to destroy without asking
    ");
    assert_snapshot!(refused(None, &["deploy", "--guided"]), @r"
    exit code 2
    --- stderr
    error: `--guided` asks questions, and this is no terminal
    hint: write cqrs.toml instead; its keys are listed in docs/reference.md
    ");
}

#[test]
fn a_project_without_handlers_cannot_be_built() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    assert_snapshot!(sandbox.cqrs(["deploy", "--yes"]).outcome(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: `[SANDBOX]/project` is not a project: it has no `Cargo.toml`
    hint: name the project's folder with `--project DIR`
    ");
    sandbox.write_crates(&["publisher"], |_| "fn main() {}\n".to_owned());
    let deploy = sandbox.cqrs(["deploy", "--yes", "--builder", "cargo"]);
    assert_snapshot!(deploy.with_cargo().outcome(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the project `[SANDBOX]/project` has no crate that makes the binary `subscriber`, `query`
    hint: restore these crates under `handlers/`, or deploy finished binaries with `cqrs deploy --prebuilt DIR`
    ");
    assert!(server.saw_only("GetCallerIdentity"));
    assert!(!sandbox.project().join("target").exists());
}

#[test]
fn handlers_that_do_not_compile_are_shown_with_the_compilers_words() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    let main = "fn main() { nothing_of_that_name() }\n";
    sandbox.write_crates(&HANDLERS, |_| main.to_owned());
    let deploy = || {
        sandbox
            .cqrs(["deploy", "--yes", "--builder", "cargo"])
            .with_cargo()
    };
    let outcome = deploy().outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("nothing_of_that_name"), "{outcome}");
    // Where programs read, the compiler's words are part of the one document.
    let outcome = deploy().args(["--quiet", "--output", "json"]).outcome();
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    let cause = error["error"]["causes"][0].as_str().unwrap();
    assert!(cause.starts_with("error[E0425]: "), "{cause}");
    assert!(cause.contains("nothing_of_that_name"), "{cause}");
    assert!(!cause.contains('\x1b'), "{cause:?}");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn handlers_that_are_not_there_are_all_named() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.write("built/subscriber", "");
    let deploy = |folder: &str| sandbox.deploy_from(folder.as_ref()).outcome();
    assert_snapshot!(deploy("built"), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: `built` holds no publisher, query (looked for `publisher`, `publisher/bootstrap`, `publisher.zip`, `query`, `query/bootstrap`, `query.zip`)
    hint: leave `--prebuilt` out to build the handlers from the project
    ");
    assert_snapshot!(deploy("../nowhere"), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: `../nowhere` is not a folder
    hint: leave `--prebuilt` out to build the handlers from the project
    ");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn handlers_for_the_other_processor_are_refused() {
    let server = identity_only();
    let mut sandbox = Sandbox::against(&server.endpoint());
    sandbox
        .filters
        .add_text(handlers().to_str().unwrap(), "[HANDLERS]");
    let other = if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "x86_64"
    };
    let outcome = sandbox
        .cqrs(["deploy", "--yes", "--arch", other, "--prebuilt"])
        .arg(handlers())
        .outcome()
        .filter(other, "[OTHER]")
        .filter(r"x86_64|arm64", "[THIS]")
        .filter(r"[a-z0-9_]+-unknown-linux-gnu", "[TARGET]");
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the publisher at `[HANDLERS]/publisher` cannot run on Lambda
      caused by: it is built for [THIS], and the stack is for [THIS]
    hint: build with `--target [TARGET]`, or choose the binary's architecture with `cqrs deploy --arch`
    ");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn handlers_that_need_a_newer_c_library_are_refused_with_the_symbol() {
    let server = identity_only();
    let mut sandbox = Sandbox::against(&server.endpoint());
    let folder = handlers_with(|_, binary| {
        // The newest version that it asks for, written as one that no system has yet.
        let mut asked = binary.windows(11);
        let at = asked.position(|bytes| bytes == b"GLIBC_2.34\0").unwrap();
        binary[at..at + 10].copy_from_slice(b"GLIBC_2.99");
    });
    let outcome = sandbox.deploy_from(folder.path()).outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("needs GLIBC_2.99"), "{outcome}");
    assert!(outcome.stderr.contains("--builder zigbuild"), "{outcome}");
    sandbox.set("CQRS_OUTPUT", "json");
    let error = sandbox.deploy_from(folder.path()).outcome().error();
    assert_eq!(error["kind"], "Usage");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn a_handler_that_is_cut_off_or_no_program_is_refused() {
    let server = identity_only();
    let mut sandbox = Sandbox::against(&server.endpoint());
    let folder = handlers_with(|_, _| {});
    let path = folder.path().to_str().unwrap();
    sandbox.filters.add_text(path, "../handlers");
    let query = folder.path().join("query");
    let whole = std::fs::read(&query).unwrap();
    let with = |content: &[u8]| {
        std::fs::write(&query, content).unwrap();
        sandbox.deploy_from(folder.path()).outcome()
    };
    assert_snapshot!(with(&whole[..whole.len() / 2]), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: the file is cut off
    ");
    assert_snapshot!(with(b"#!/bin/sh\n"), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: it is a script, not a Linux executable
    ");
    assert_snapshot!(with(b""), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: the file is empty
    ");
    assert!(server.saw_only("GetCallerIdentity"));
}
