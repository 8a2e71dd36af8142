//! What a project must have: a template, parameters that fit it, and handlers that can run.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::settings::{identity_only, nobody_asks};
use crate::support::{Sandbox, handlers, repository};

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

#[test]
fn a_template_that_is_no_yaml_is_refused_with_its_place() {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.write(
        "template.yaml",
        "Resources:\n  Queue: {Type: AWS::SQS::Queue\n",
    );
    assert_snapshot!(sandbox.cqrs(["deploy", "--yes"]).outcome(), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/template.yaml:3:1: while parsing a flow mapping, did not find expected ',' or '}'
    ");
    assert!(server.actions().is_empty());
}

#[test]
fn a_parameter_that_the_template_lacks_is_refused_with_the_one_meant() {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox
        .cqrs(["deploy", "--yes", "--parameter", "CacheReplica=1"])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: the template has no parameter `CacheReplica`
    hint: did you mean `CacheReplicas`?
    ");
    assert!(server.actions().is_empty());
}

#[test]
fn a_parameter_outside_its_range_is_refused_before_anything_is_sent() {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
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
        let outcome = sandbox
            .cqrs(["deploy", "--yes", "--parameter", parameter])
            .outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains(rule), "{outcome}");
    }
    assert!(server.actions().is_empty());
}

#[test]
fn a_parameter_of_the_file_is_held_to_the_same_rules() {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.write("cqrs.toml", "[parameters]\nCacheReplicas = 6\n");
    assert_snapshot!(sandbox.cqrs(["deploy", "--yes"]).outcome(), @r"
    exit code 2
    --- stderr
    error: the parameter `CacheReplicas` is `6`, and at most 5 is allowed (must be a number from 0 to 5.)
    hint: give another with `--parameter CacheReplicas=VALUE`, or in cqrs.toml
    ");
    assert!(server.actions().is_empty());
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
    let outcome = Sandbox::new()
        .cqrs(["deploy", "--yes", "--parameter", "CacheReplicas"])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: invalid value 'CacheReplicas' for '--parameter <NAME=VALUE>': expected NAME=VALUE

    For more information, try '--help'.
    ");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let server = nobody_asks();
    let sandbox = Sandbox::against(&server.endpoint());
    assert_snapshot!(sandbox.cqrs(["deploy"]).outcome(), @r"
    exit code 2
    --- stderr
    error: nobody can be asked here whether to deploy
    hint: add `--yes` to deploy without asking, or `--plan` to see what would change
    ");
    assert_snapshot!(sandbox.cqrs(["destroy"]).outcome(), @r"
    exit code 2
    --- stderr
    error: nobody can be asked here whether to destroy
    hint: add `--yes` to destroy without asking
    ");
    assert_snapshot!(sandbox.cqrs(["deploy", "--guided"]).outcome(), @r"
    exit code 2
    --- stderr
    error: `--guided` asks questions, and this is no terminal
    hint: write cqrs.toml instead; its keys are listed in docs/reference.md
    ");
    assert!(server.actions().is_empty());
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
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"handlers/publisher\"]\n";
    sandbox.write("Cargo.toml", workspace);
    let publisher = sandbox.project().join("handlers/publisher");
    std::fs::create_dir_all(publisher.join("src")).unwrap();
    let package = "[package]\nname = \"publisher\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    std::fs::write(publisher.join("Cargo.toml"), package).unwrap();
    std::fs::write(publisher.join("src/main.rs"), "fn main() {}\n").unwrap();
    let deploy = sandbox.cqrs(["deploy", "--yes", "--builder", "cargo"]);
    assert_snapshot!(deploy.with_cargo().outcome(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the project `[SANDBOX]/project` has no crate that makes the binary `subscriber`, `query`
    hint: restore these crates under `handlers/`, or deploy finished binaries with `cqrs deploy --prebuilt DIR`
    ");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn handlers_that_do_not_compile_are_shown_with_the_compilers_words() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    let members = r#"["publisher", "subscriber", "query"]"#;
    sandbox.write(
        "Cargo.toml",
        &format!("[workspace]\nresolver = \"3\"\nmembers = {members}\n"),
    );
    for handler in ["publisher", "subscriber", "query"] {
        let folder = sandbox.project().join(handler);
        std::fs::create_dir_all(folder.join("src")).unwrap();
        let package =
            format!("[package]\nname = \"{handler}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        std::fs::write(folder.join("Cargo.toml"), package).unwrap();
        std::fs::write(
            folder.join("src/main.rs"),
            "fn main() { nothing_of_that_name() }\n",
        )
        .unwrap();
    }
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
    let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert!(
        error["error"]["causes"][0]
            .as_str()
            .unwrap()
            .contains("nothing_of_that_name"),
        "{error}"
    );
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn handlers_that_are_not_there_are_all_named() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    std::fs::create_dir(sandbox.path().join("empty")).unwrap();
    let deploy = |folder| {
        sandbox
            .cqrs(["deploy", "--yes", "--prebuilt", folder])
            .outcome()
    };
    assert_snapshot!(deploy("../empty"), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: `../empty` holds no publisher, subscriber, query (looked for `publisher`, `publisher/bootstrap`, `publisher.zip`, `subscriber`, `subscriber/bootstrap`, `subscriber.zip`, `query`, `query/bootstrap`, `query.zip`)
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
    let folder = sandbox.path().join("new");
    std::fs::create_dir(&folder).unwrap();
    for handler in ["publisher", "subscriber", "query"] {
        let mut binary = std::fs::read(handlers().join(handler)).unwrap();
        // The newest version that it asks for, written as one that no system has yet.
        let at = binary
            .windows(11)
            .position(|bytes| bytes == b"GLIBC_2.34\0")
            .unwrap();
        binary[at..at + 10].copy_from_slice(b"GLIBC_2.99");
        std::fs::write(folder.join(handler), binary).unwrap();
    }
    let outcome = sandbox
        .cqrs(["deploy", "--yes", "--prebuilt", "../new"])
        .outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("needs GLIBC_2.99"), "{outcome}");
    assert!(outcome.stderr.contains("--builder zigbuild"), "{outcome}");
    sandbox.set("CQRS_OUTPUT", "json");
    let error = sandbox
        .cqrs(["deploy", "--yes", "--prebuilt", "../new"])
        .outcome()
        .error();
    assert_eq!(error["kind"], "Usage");
    assert!(server.saw_only("GetCallerIdentity"));
}

#[test]
fn a_handler_that_is_cut_off_or_no_program_is_refused() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    let folder = sandbox.path().join("handlers");
    std::fs::create_dir(&folder).unwrap();
    for handler in ["publisher", "subscriber", "query"] {
        std::fs::copy(handlers().join(handler), folder.join(handler)).unwrap();
    }
    let whole = std::fs::read(folder.join("query")).unwrap();
    let deploy = || {
        sandbox
            .cqrs(["deploy", "--yes", "--prebuilt", "../handlers"])
            .outcome()
    };
    std::fs::write(folder.join("query"), &whole[..whole.len() / 2]).unwrap();
    assert_snapshot!(deploy(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: the file is cut off
    ");
    std::fs::write(folder.join("query"), "#!/bin/sh\n").unwrap();
    assert_snapshot!(deploy(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: it is a script, not a Linux executable
    ");
    std::fs::write(folder.join("query"), "").unwrap();
    assert_snapshot!(deploy(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the query at `../handlers/query` cannot run on Lambda
      caused by: the file is empty
    ");
    assert!(server.saw_only("GetCallerIdentity"));
}
