//! What outranks what, and what is refused.

use super::*;

fn global(args: &[&str]) -> Global {
    let args = ["cqrs"].iter().chain(args).chain(&["outputs"]).copied();
    crate::cli::Cli::from_arguments(args, &Domain::bundled())
        .expect("arguments parse")
        .global
}

fn parse(text: &str) -> Result<Section, SettingsError> {
    Section::parse(Path::new("cqrs.toml"), text)
}

fn combine(args: &[&str], text: &str, vars: &[(&str, &str)]) -> Settings {
    let file = parse(text).expect("the file parses");
    Settings::combine(&global(args), file, None, &Domain::bundled(), |name| {
        vars.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| (*v).to_owned())
    })
    .expect("good variables")
}

#[test]
fn values_are_held_to_their_forms() {
    type Form = fn(&str) -> Result<String, String>;
    let stack: Form = |name| name.parse().map(|name: StackName| name.to_string());
    let stacks = ["a", "cqrs", "my-stack-2", "abcdefghijklmnopqrstuvwxyz01"];
    let no_stacks = [
        "",
        "Cqrs",
        "1st",
        "-a",
        "a-",
        "a_b",
        "ä",
        "abcdefghijklmnopqrstuvwxyz012",
    ];
    let regions = ["eu-west-1", "us-gov-east-1", "ap-southeast-12"];
    let no_regions = ["", "ireland", "eu-west", "EU-WEST-1", "eu--1", "eu-west-1 "];
    let roles = [
        "arn:aws:iam::123456789012:role/deploy",
        "arn:aws-cn:iam::123456789012:role/team/deploy",
    ];
    let no_roles = [
        "deploy",
        "arn:aws:iam::123456789012:user/deploy",
        "arn:aws:iam::12:role/deploy",
        "arn:aws:iam:eu-west-1:123456789012:role/deploy",
    ];
    let forms: [(Form, &[&str], &[&str]); 3] = [
        (stack, &stacks, &no_stacks),
        (parse_region, &regions, &no_regions),
        (parse_role, &roles, &no_roles),
    ];
    for (form, good, bad) in forms {
        for value in good {
            assert!(form(value).is_ok(), "{value}");
        }
        for value in bad {
            assert!(form(value).is_err(), "{value}");
        }
    }
}

#[test]
fn a_flag_outranks_the_variable_which_outranks_the_file() {
    let file = "region = \"eu-west-1\"";
    let env = [("AWS_REGION", "us-east-1")];
    let both = combine(&["--region", "eu-north-1"], file, &env);
    assert_eq!(both.aws.region.as_deref(), Some("eu-north-1"));
    assert_eq!(
        combine(&[], file, &env).aws.region.as_deref(),
        Some("us-east-1")
    );
    assert_eq!(
        combine(&[], file, &[]).aws.region.as_deref(),
        Some("eu-west-1")
    );
}

#[test]
fn what_was_typed_decides_between_aws_and_this_machine() {
    let target = |args: &[&str], file: &str| combine(args, file, &[]).target;
    assert_eq!(target(&[], ""), Target::Aws);
    assert_eq!(target(&["--local"], ""), Target::Local);
    assert_eq!(target(&[], "local = true"), Target::Local);
    assert_eq!(target(&["--local=false"], "local = true"), Target::Aws);
    assert_eq!(target(&["--profile", "dev"], "local = true"), Target::Aws);
    assert_eq!(
        target(
            &["--local"],
            "profile = \"dev\"\nendpoint-url = \"http://a\""
        ),
        Target::Local
    );
}

#[test]
fn a_bad_value_of_a_variable_names_the_variable() {
    let outcome = Settings::combine(
        &global(&[]),
        Section::default(),
        None,
        &Domain::bundled(),
        |name| (name == "CQRS_LOCAL_PORT").then(|| "70000".to_owned()),
    );
    let error = outcome.expect_err("no such port").to_string();
    insta::assert_snapshot!(error, @"CQRS_LOCAL_PORT is `70000`: a port is a number from 1 to 65535");
}

#[test]
fn an_environment_adds_to_and_outranks_the_top_level() {
    let mut file = parse(
        "profile = \"dev\"\nregion = \"eu-west-1\"\naccount = \"210987654321\"\n[parameters]\nA = 1\nB = true\n\
         [env.prod]\nprofile = \"prod\"\nparameters = { A = \"2\" }",
    )
    .expect("the file parses");
    let section = file.env.remove("prod").expect("the section").over(file);
    assert_eq!(section.profile.as_deref(), Some("prod"));
    assert_eq!(section.region.as_deref(), Some("eu-west-1"));
    assert_eq!(section.account.as_deref(), Some("210987654321"));
    let parameters = texts(section.parameters);
    assert_eq!(parameters["A"], "2");
    assert_eq!(parameters["B"], "true");
}

#[test]
fn a_preset_is_one_that_is_known_and_an_environment_has_its_own() {
    let mut file = parse("[env.prod]\npreset = \"production\"").expect("the file parses");
    assert_eq!(file.preset, None);
    let section = file.env.remove("prod").expect("the section").over(file);
    assert_eq!(section.preset, Some(Preset::Production));
    let unknown = parse("preset = \"prod\"").expect_err("unknown").to_string();
    assert_eq!(
        unknown,
        "cqrs.toml:1:10: unknown variant `prod`, expected `production`"
    );
}

#[test]
fn the_reference_shows_every_key_of_the_file_and_no_other() {
    let text = crate::commands::reference::SETTINGS_FILE;
    let example = text
        .split("```")
        .nth(1)
        .expect("an example")
        .trim_start_matches("toml");
    let file = parse(example).expect("the example parses");
    let unknown = parse("nope = 1").expect_err("unknown").to_string();
    let known = unknown.split("expected one of ").nth(1).expect("the keys");
    for key in known.split(", ").map(|key| key.trim_matches('`')) {
        let shown =
            example.contains(&format!("\n{key} = ")) || example.contains(&format!("\n[{key}"));
        assert!(shown, "{key}");
    }
    assert_eq!(file.env["prod"].parameters.len(), 2);
    assert!(file.env["prod"].preset.is_some());
}

#[test]
fn an_unknown_key_or_a_bad_value_names_its_line() {
    let at = |text: &str| parse(text).expect_err("a bad file").to_string();
    insta::assert_snapshot!(at("stack = \"ok\"\nregoin = \"eu-west-1\""), @"cqrs.toml:2:1: unknown field `regoin`, expected one of `stack`, `region`, `account`, `profile`, `endpoint-url`, `local`, `cache-url`, `output`, `artifact-bucket`, `role-arn`, `preset`, `parameters`, `tags`, `env`");
    insta::assert_snapshot!(at("[env.prod]\nstack = \"Prod\""), @"cqrs.toml:2:9: a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a letter, does not end in a hyphen and has no two in a row");
    insta::assert_snapshot!(at("account = \"12\""), @r#"cqrs.toml:1:11: an account is 12 digits, such as "123456789012""#);
    insta::assert_snapshot!(at("role-arn = \"deploy\""), @"cqrs.toml:1:12: a role looks like arn:aws:iam::123456789012:role/NAME");
    insta::assert_snapshot!(at("stack = "), @"cqrs.toml:1:9: string values must be quoted, expected literal string");
}
