//! The policies that tasks need: printed without AWS, where the account is typed.

use serde_json::{Value, json};

use crate::support::{Reply, Sandbox, Scripted};

fn policy(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let place = ["--account", "123456789012", "--region", "eu-west-1"];
    let run = sandbox.cqrs(["permissions"]).args(arguments).args(place);
    serde_json::from_str(&run.succeeds()).unwrap()
}

/// The actions that a policy allows on a resource.
fn actions<'a>(policy: &'a Value, resource: &str) -> Vec<&'a str> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let on = statements.filter(|statement| statement["Resource"] == resource);
    on.flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap())
        .collect()
}

#[test]
fn whoever_drives_a_stack_may_invoke_its_functions_and_see_its_outputs() {
    let sandbox = Sandbox::new();
    assert_eq!(
        policy(&sandbox, &["drive", "--stack", "shop"]),
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["cloudformation:DescribeStacks"],
                    "Resource": "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/*",
                },
                {
                    "Effect": "Allow",
                    "Action": ["lambda:InvokeFunction"],
                    "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:shop-*",
                },
            ],
        })
    );
}

#[test]
fn the_account_is_that_of_the_credentials() {
    let server = Scripted::new(|_| Reply::identity());
    let sandbox = Sandbox::against(&server.endpoint());
    let policy: Value = sandbox.cqrs(["permissions", "drive"]).json();
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:cqrs-*";
    assert_eq!(actions(&policy, function), ["lambda:InvokeFunction"]);
}

#[test]
fn with_a_service_role_the_tools_own_calls_are_left_and_handing_the_role_over() {
    let sandbox = Sandbox::new();
    let role = "arn:aws:iam::123456789012:role/cloudformation";
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-*";
    let bucket = "arn:aws:s3:::cqrs-123456789012-eu-west-1-an/cqrs/*";

    let alone = policy(&sandbox, &["deploy", "destroy"]);
    assert!(actions(&alone, table).contains(&"dynamodb:CreateTable"));
    assert!(actions(&alone, bucket).contains(&"s3:DeleteObject"));
    assert_eq!(actions(&alone, role), [""; 0]);

    let caller = policy(&sandbox, &["deploy", "destroy", "--role-arn", role]);
    assert_eq!(actions(&caller, table), [""; 0]);
    assert!(actions(&caller, bucket).contains(&"s3:PutObject"));
    assert_eq!(actions(&caller, role), ["iam:PassRole"]);

    let service = policy(&sandbox, &["service-role"]);
    let both = [actions(&service, table), actions(&service, bucket)].concat();
    assert!(both.contains(&"dynamodb:DeleteTable"));
    assert!(both.contains(&"s3:GetObject"));
    assert!(!both.contains(&"s3:PutObject"));
}

#[test]
fn a_key_has_a_policy_of_its_own_and_is_in_those_of_who_needs_it() {
    let sandbox = Sandbox::new();
    let use_by_logs = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ];
    assert_eq!(
        policy(&sandbox, &["key", "--stack", "shop"]),
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                    "Action": ["kms:*"],
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
                    "Action": use_by_logs,
                    "Resource": "*",
                    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn":
                        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop-*"}},
                },
            ],
        })
    );
    let key = "arn:aws:kms:eu-west-1:123456789012:key/0e1f2a3b";
    let without = policy(&sandbox, &["deploy", "operate"]);
    assert!(!without.to_string().contains("kms:Decrypt"), "{without}");
    let typed = policy(&sandbox, &["deploy", "--key-arn", key]);
    assert!(actions(&typed, key).contains(&"kms:CreateGrant"));
    sandbox.write(
        "cqrs.toml",
        &format!("[parameters]\nKmsKeyArn = \"{key}\"\n"),
    );
    let operate = policy(&sandbox, &["operate"]);
    assert_eq!(actions(&operate, key), ["kms:Decrypt", "kms:DescribeKey"]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_aws_is_asked() {
    let sandbox = Sandbox::new();
    for (arguments, said) in [
        (&["drive", "--account", "1"][..], "an account is 12 digits"),
        (&["deploy", "--role-arn", "admin"], "a role looks like"),
        (&["deploy", "--key-arn", "alias/x"], "a key looks like"),
        (&["key", "deploy"], "goes with no other task"),
        (
            &["drive", "--local"],
            "a stack on this machine asks for no permissions",
        ),
        (&[], "required arguments were not provided"),
    ] {
        let outcome = sandbox.cqrs(["permissions"]).args(arguments).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
    }
}
