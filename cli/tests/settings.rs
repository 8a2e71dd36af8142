//! What is wrong is said before anything is sent: flags, variables, `cqrs.toml`, the template.

use insta::assert_snapshot;

use crate::support::{Reply, Sandbox, Scripted};

/// A server that counts what is asked; nobody should.
pub(crate) fn nobody_asks() -> Scripted {
    Scripted::new(|_| Reply::LOST)
}

/// A server that says who the caller is, which a deployment asks before it packages.
pub(crate) fn identity_only() -> Scripted {
    Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        _ => Reply::LOST,
    })
}

/// A server on which no order exists.
fn no_orders() -> Scripted {
    Scripted::new(|_| Reply::json(200, "null"))
}

/// A server that lists no orders.
fn empty_list() -> Scripted {
    Scripted::new(|_| Reply::json(200, r#"{"orders":[],"cursor":null}"#))
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_its_place() {
    let sandbox = Sandbox::new();
    let with = |text: &str| {
        sandbox.write("cqrs.toml", text);
        sandbox.cqrs(["outputs"]).outcome()
    };
    assert_snapshot!(with("stack = \"shop\"\nregoin = \"eu-west-1\"\n"), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/cqrs.toml:2:1: unknown field `regoin`, expected one of `stack`, `region`, `account`, `profile`, `endpoint-url`, `local`, `cache-url`, `output`, `artifact-bucket`, `role-arn`, `preset`, `parameters`, `tags`, `env`
    hint: the keys of cqrs.toml are listed in docs/reference.md
    ");
    assert_snapshot!(with("[env.prod]\nstack = \"Shop\"\n"), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/cqrs.toml:2:9: a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a letter, does not end in a hyphen and has no two in a row
    hint: the keys of cqrs.toml are listed in docs/reference.md
    ");
    assert_snapshot!(with("stack = \"shop\"\n[env\n"), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/cqrs.toml:2:5: unclosed table, expected `]`
    hint: the keys of cqrs.toml are listed in docs/reference.md
    ");
}

#[test]
fn credentials_of_another_account_than_the_file_says_change_nothing() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    let file = "account = \"123456789012\"\n[env.prod]\naccount = \"210987654321\"\n";
    sandbox.write("cqrs.toml", file);
    assert_snapshot!(sandbox.cqrs(["destroy", "--yes", "--env", "prod"]).outcome(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the credentials are of account 123456789012, and the stack belongs into 210987654321, as cqrs.toml says for the environment prod
    hint: sign in to that account, for example with `--profile NAME`; or correct `account` in cqrs.toml
    ");
    let deploy = sandbox
        .cqrs(["deploy", "--plan", "--env", "prod"])
        .outcome();
    assert_eq!(deploy.code, 2, "{deploy}");
    assert!(
        deploy.stderr.contains("belongs into 210987654321"),
        "{deploy}"
    );
    let doctor = sandbox.cqrs(["doctor", "--env", "prod"]).outcome();
    assert!(
        doctor
            .stdout
            .contains("✗ credentials  the credentials are of account 123456789012"),
        "{doctor}"
    );
    assert!(
        server.saw_only("GetCallerIdentity"),
        "{:?}",
        server.actions()
    );
    // In the account that it names, the command goes on.
    sandbox.cqrs(["destroy", "--yes"]).outcome();
    assert!(!server.saw_only("GetCallerIdentity"));
}

#[test]
fn an_environment_that_the_file_lacks_is_refused_with_those_it_has() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "cqrs.toml",
        "[env.test]\nstack = \"a\"\n[env.prod]\nstack = \"b\"\n",
    );
    assert_snapshot!(sandbox.cqrs(["outputs", "--env", "prdo"]).outcome(), @r"
    exit code 2
    --- stderr
    error: [SANDBOX]/project/cqrs.toml has no section [env.prdo]
    hint: it has: prod, test
    ");
}

#[test]
fn a_flag_outranks_a_variable_which_outranks_the_file_which_outranks_the_default() {
    let server = no_orders();
    let sandbox = Sandbox::against(&server.endpoint());
    let get = || sandbox.cqrs(["order", "get", "1"]);
    let asked = || server.actions().pop().unwrap();
    let path = |stack: &str| format!("POST /2015-03-31/functions/{stack}-query/invocations");

    get().outcome();
    assert_eq!(asked(), path("cqrs"));
    sandbox.write(
        "cqrs.toml",
        "stack = \"file\"\n[env.prod]\nstack = \"section\"\n",
    );
    get().outcome();
    assert_eq!(asked(), path("file"));
    get().env("CQRS_ENV", "prod").outcome();
    assert_eq!(asked(), path("section"));
    get()
        .env("CQRS_ENV", "prod")
        .env("CQRS_STACK", "variable")
        .outcome();
    assert_eq!(asked(), path("variable"));
    get()
        .env("CQRS_STACK", "variable")
        .args(["--stack", "flag"])
        .outcome();
    assert_eq!(asked(), path("flag"));
}

#[test]
fn the_file_is_found_from_a_folder_below_the_project() {
    let server = no_orders();
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.write("cqrs.toml", "stack = \"shop\"\n");
    let below = sandbox.project().join("handlers/orders");
    std::fs::create_dir_all(&below).unwrap();
    sandbox
        .cqrs(["order", "get", "1"])
        .current_dir(below)
        .outcome();
    assert_eq!(
        server.actions(),
        ["POST /2015-03-31/functions/shop-query/invocations"]
    );
}

#[test]
fn a_value_that_cannot_be_is_refused_with_the_rule_or_an_example() {
    let sandbox = Sandbox::new();
    let with = |option, value| sandbox.cqrs(["outputs", option, value]).outcome();
    assert_snapshot!(with("--stack", "My_Stack"), @r"
    exit code 2
    --- stderr
    error: invalid value 'My_Stack' for '--stack <NAME>': a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a letter, does not end in a hyphen and has no two in a row

    For more information, try '--help'.
    ");
    assert_snapshot!(with("--region", "Ireland"), @r"
    exit code 2
    --- stderr
    error: invalid value 'Ireland' for '--region <REGION>': a region looks like `eu-west-1`

    For more information, try '--help'.
    ");
    assert_snapshot!(with("--endpoint-url", "localhost:4566"), @r"
    exit code 2
    --- stderr
    error: invalid value '[ADDRESS]' for '--endpoint-url <URL>': an endpoint looks like `http://[ADDRESS]`

    For more information, try '--help'.
    ");
}

#[test]
fn an_empty_variable_is_none_and_what_is_wrong_with_another_is_said_of_the_variable() {
    let server = empty_list();
    let mut sandbox = Sandbox::against(&server.endpoint());
    let names = "STACK ENV REGION PROFILE ENDPOINT_URL LOCAL OUTPUT QUIET VERBOSE COLOR PROJECT \
                 LOCAL_PORT CACHE_URL";
    for name in names.split(' ') {
        sandbox.set(&format!("CQRS_{name}"), "");
    }
    sandbox.cqrs(["order", "list"]).succeeds();

    for (name, value, option) in [
        ("CQRS_REGION", "ireland", "--region"),
        ("CQRS_STACK", "Upper", "--stack"),
        ("CQRS_OUTPUT", "yaml", "--output"),
        ("CQRS_COLOR", "blue", "--color"),
        ("CQRS_ENDPOINT_URL", "localhost:4566", "--endpoint-url"),
    ] {
        sandbox.set(name, value);
        let outcome = sandbox.cqrs(["order", "list"]).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        let first = outcome.stderr.lines().next().unwrap();
        assert!(first.contains(name) && !first.contains(option), "{outcome}");
        let typed = sandbox.cqrs(["order", "list", option, value]).outcome();
        assert!(typed.stderr.contains(option), "{typed}");
        sandbox.set(name, "");
    }
}

#[test]
fn a_typed_wish_to_hear_more_or_less_outranks_the_variable_of_the_other() {
    let server = empty_list();
    let mut sandbox = Sandbox::against(&server.endpoint());
    sandbox.set("CQRS_QUIET", "1");
    sandbox.cqrs(["order", "list", "--verbose"]).succeeds();
    let both = sandbox.cqrs(["order", "list", "-q", "-v"]).outcome();
    assert_eq!(both.code, 2, "{both}");
    sandbox.set("CQRS_VERBOSE", "1");
    let both = sandbox.cqrs(["order", "list"]).outcome();
    assert_eq!(both.code, 2, "{both}");
    assert!(
        both.stderr
            .contains("`CQRS_QUIET` cannot be used with `CQRS_VERBOSE`"),
        "{both}"
    );
}

#[test]
fn a_settings_file_with_a_mark_of_its_encoding_is_read_and_one_in_utf_16_is_said_to_be() {
    let server = empty_list();
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.write("cqrs.toml", "\u{feff}stack = \"other\"\n");
    sandbox.cqrs(["order", "list"]).succeeds();
    assert!(
        server
            .actions()
            .iter()
            .all(|action| action.contains("other-query"))
    );
    std::fs::write(sandbox.project().join("cqrs.toml"), b"\xff\xfes\0t\0").unwrap();
    let outcome = sandbox.cqrs(["order", "list"]).outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("caused by: it is UTF-16, not UTF-8"),
        "{outcome}"
    );
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    let outcome = Sandbox::new()
        .cqrs(["outputs", "--stack", "My_Stack", "--output", "json"])
        .outcome();
    assert_snapshot!(outcome, @r#"
    exit code 2
    --- stderr
    {"error":{"kind":"Usage","message":"invalid value 'My_Stack' for '--stack <NAME>': a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a letter, does not end in a hyphen and has no two in a row","causes":[],"hint":"`cqrs --help` shows what can be typed"}}
    "#);
}

#[test]
fn without_a_region_it_says_how_to_give_one() {
    assert_snapshot!(Sandbox::new().cqrs(["outputs"]).outcome(), @r#"
    exit code 2
    --- stderr
    error: no AWS region is set
    hint: give `--region REGION`, set AWS_REGION, or write `region = "…"` into cqrs.toml
    "#);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let outcome = Sandbox::new()
        .cqrs(["outputs", "--region", "eu-west-1", "--profile", "nobody"])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 2
    --- stderr
    error: the AWS configuration files have no profile `nobody`
    hint: `aws configure --profile NAME` or `aws configure sso` makes one
    ");
}

#[test]
fn without_credentials_it_says_how_to_sign_in() {
    let server = nobody_asks();
    let sandbox = Sandbox::new();
    let outcome = sandbox
        .cqrs([
            "outputs",
            "--region",
            "eu-west-1",
            "--endpoint-url",
            &server.endpoint(),
        ])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 1
    --- stderr
    error: no AWS credentials could be loaded
      caused by: other: the credential provider was not enabled: no credentials found in chain. Attempted:
          Environment: the credential provider was not enabled: environment variable not set
          Profile: the credential provider was not enabled
          WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set
          EcsContainer: the credential provider was not enabled: ECS provider not configured
          Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`
    hint: sign in with `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or add `--local` to work on this machine, without an account
    ");
    assert!(server.actions().is_empty());
}
