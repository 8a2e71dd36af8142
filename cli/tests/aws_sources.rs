//! AWS's own variables and configuration files, and the way to AWS: what of it is honoured, and how
//! what has no meaning is said.

use test_support::proxy::Proxy;
use test_support::tls::TlsProxy;

use crate::support::{Outcome, Reply, Run, Sandbox, Scripted};

fn empty_list() -> Scripted {
    Scripted::new(|_| Reply::json(200, r#"{"orders":[],"cursor":null}"#))
}

fn list(sandbox: &Sandbox) -> Run {
    sandbox.cqrs(["order", "list"])
}

/// The sandbox with this as its file of configuration.
fn configured(endpoint: &str, text: &str) -> Sandbox {
    let sandbox = Sandbox::against(endpoint);
    std::fs::create_dir(sandbox.home().join(".aws")).unwrap();
    std::fs::write(sandbox.home().join(".aws/config"), text).unwrap();
    sandbox
}

/// Wrong usage that is said in one line, which names the place.
fn names(outcome: &Outcome, place: &str) {
    assert_eq!(outcome.code, 2, "{outcome}");
    let first = outcome.stderr.lines().next().unwrap();
    assert!(
        first.starts_with("error: ") && first.contains(place),
        "{outcome}"
    );
}

/// A value without a meaning of each form, with its variable and the key of a profile.
const ODD: [(&str, &str, &str); 13] = [
    ("AWS_REGION", "region", "ireland"),
    ("AWS_ENDPOINT_URL", "endpoint_url", "localhost:4566"),
    ("AWS_MAX_ATTEMPTS", "max_attempts", "0"),
    ("AWS_RETRY_MODE", "retry_mode", "often"),
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", "yes"),
    (
        "AWS_AUTH_SCHEME_PREFERENCE",
        "auth_scheme_preference",
        "sigv4,,sigv4a",
    ),
    ("AWS_ACCESS_KEY_ID", "aws_access_key_id", "a\u{e4}"),
    ("AWS_ACCOUNT_ID", "aws_account_id", "12345678901x"),
    ("AWS_SDK_UA_APP_ID", "sdk_ua_app_id", "\u{e4}"),
    ("AWS_CA_BUNDLE", "ca_bundle", "/dev/null"),
    ("AWS_ENDPOINT_URL_LAMBDA", "", "http://[::1"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", "no path"),
    ("HTTPS_PROXY", "", "socks5://127.0.0.1:1"),
];

/// All keys whose variable is called `AWS_` and the key, and the other variables.
const KEYS: &str = "region endpoint_url max_attempts retry_mode use_fips_endpoint \
    use_dualstack_endpoint ignore_configured_endpoint_urls disable_request_compression \
    disable_clock_skew_correction request_min_compression_size_bytes \
    request_checksum_calculation response_checksum_validation account_id_endpoint_mode \
    auth_scheme_preference sigv4a_signing_region_set s3_disable_express_session_auth \
    ec2_metadata_service_endpoint ec2_metadata_service_endpoint_mode access_key_id \
    secret_access_key session_token account_id sdk_ua_app_id ca_bundle";
const VARIABLES: &str = "AWS_ENDPOINT_URL_LAMBDA AWS_ENDPOINT_URL_STS AWS_EC2_METADATA_DISABLED \
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_EXECUTION_ENV \
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_NEW_RETRIES_2026 HTTPS_PROXY http_proxy NO_PROXY \
    AWS_PROFILE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_DEFAULT_REGION \
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN";

#[test]
fn an_odd_value_of_a_variable_is_wrong_usage_that_names_the_variable() {
    let server = Scripted::new(|_| Reply::LOST);
    let sandbox = Sandbox::against(&server.endpoint());
    for (name, _, value) in ODD {
        names(&list(&sandbox).env(name, value).outcome(), name);
    }
    let odd = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
    let outcome = list(&sandbox)
        .env("AWS_RETRY_MODE", odd as &std::ffi::OsStr)
        .outcome();
    names(&outcome, "AWS_RETRY_MODE is not UTF-8");
    let secret = list(&sandbox)
        .env("AWS_SECRET_ACCESS_KEY", "my secret")
        .outcome();
    assert!(!secret.stderr.contains("my secret"), "{secret}");
    assert!(server.actions().is_empty());
}

#[test]
fn an_odd_value_of_a_profile_is_wrong_usage_that_names_file_and_line() {
    let server = Scripted::new(|_| Reply::LOST);
    let keys = ODD.map(|(_, key, value)| (key, value));
    let more = [("credential_source", "Nowhere"), ("sso_region", "ireland")];
    for (key, value) in keys.into_iter().chain(more) {
        if !key.is_empty() {
            let text = format!("[default]\noutput = json\n{key} = {value}\n");
            let outcome = list(&configured(&server.endpoint(), &text)).outcome();
            names(&outcome, key);
            names(&outcome, "/.aws/config:3: ");
        }
    }
    let services = "[default]\nservices = mine\n[services mine]\nlambda =\n  endpoint_url = x\n";
    let sandbox = configured(&server.endpoint(), services);
    names(
        &list(&sandbox).outcome(),
        "/.aws/config:5: endpoint_url is `x`",
    );
    assert!(server.actions().is_empty());
}

#[test]
fn an_empty_variable_or_key_is_none() {
    let server = empty_list();
    let keys = KEYS.split_whitespace();
    let text: String = keys
        .clone()
        .map(|key| format!("{key} =\naws_{key} =\n"))
        .collect();
    let sandbox = configured(&server.endpoint(), &format!("[default]\n{text}"));
    let needed = [
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    let own = keys.map(|key| format!("AWS_{}", key.to_ascii_uppercase()));
    let all = own.chain(VARIABLES.split_whitespace().map(str::to_owned));
    let all = all.filter(|name| !needed.contains(&name.as_str()));
    all.fold(list(&sandbox), |run, name| run.env(&name, ""))
        .succeeds();

    let typed = sandbox.cqrs(["order", "list", "--endpoint-url", &server.endpoint()]);
    typed.env("AWS_ENDPOINT_URL", "").succeeds();
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDFORMATION"] {
        let outcome = sandbox
            .cqrs(["outputs"])
            .env(variable, "")
            .env("AWS_REGION", "")
            .outcome();
        names(&outcome, "no AWS region is set");
    }
}

#[test]
fn what_only_the_aws_cli_knows_is_taken_by_its_nearest_meaning() {
    let server = empty_list();
    let text = "[profile work]\nretry_mode = legacy\nuse_fips_endpoint = False\nregion: eu-west-1 # home\n";
    let sandbox = configured(&server.endpoint(), text);
    list(&sandbox).env("AWS_RETRY_MODE", "legacy").succeeds();
    let run = list(&sandbox)
        .env("AWS_REGION", "")
        .env("AWS_DEFAULT_PROFILE", "work");
    run.succeeds();
}

#[test]
fn profiles_are_read_as_the_aws_cli_reads_them() {
    let server = empty_list();
    let text = "# mine\n[profile broken]\nthis is nonsense\n\n[profile \"My MacBook Pro\"]\n  region = \
                eu-west-1\n  s3 =\n    max_concurrent_requests = 20\n  aws_access_key_id = A\n  \
                aws_secret_access_key = s\n[profile 'of it']\nsource_profile = My MacBook Pro\n\
                region = eu-north-1\nrole_arn = arn:aws:iam::1:role/r\n";
    let sandbox = configured(&server.endpoint(), text);
    let with = |profile: &str| {
        let without = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let run = without
            .iter()
            .fold(list(&sandbox), |run, name| run.env(name, ""));
        run.env("AWS_PROFILE", profile)
    };
    with("My MacBook Pro").succeeds();
    let typed = ["order", "list", "--profile", "My MacBook Pro"];
    sandbox.cqrs(typed).env("AWS_REGION", "").succeeds();
    assert!(
        server
            .actions()
            .iter()
            .all(|action| action.contains("cqrs-query"))
    );

    // The role is asked for with the other profile's keys; this server knows no roles.
    let role = with("of it").outcome();
    assert_eq!(role.code, 1, "{role}");
    assert!(
        server.actions().contains(&"AssumeRole".to_owned()),
        "{role}"
    );

    names(&with("broken").outcome(), "/.aws/config:3: this is neither");
    let typo = with("MacBook").outcome();
    names(
        &typo,
        "the AWS configuration files have no profile `MacBook`",
    );
    assert!(
        typo.stderr
            .contains("hint: they have: My MacBook Pro, broken, of it"),
        "{typo}"
    );
    let doctor = sandbox
        .cqrs(["doctor"])
        .env("AWS_PROFILE", "MacBook")
        .outcome();
    assert_eq!(doctor.code, 2, "{doctor}");
    assert!(doctor.stdout.contains("no profile `MacBook`"), "{doctor}");
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_named() {
    let server = empty_list();
    let sandbox = configured(&server.endpoint(), "region = eu-west-1\n");
    names(&list(&sandbox).outcome(), "/.aws/config:1: this is neither");
    let folder = list(&sandbox)
        .env("AWS_CONFIG_FILE", sandbox.home())
        .outcome();
    names(
        &folder,
        &format!("cannot read {}", sandbox.home().display()),
    );
    let path = sandbox.home().join("wide");
    std::fs::write(&path, b"\xff\xfe[\0").unwrap();
    let wide = list(&sandbox).env("AWS_CONFIG_FILE", &path).outcome();
    names(&wide, &format!("cannot read {}", path.display()));
    assert!(
        wide.stderr.contains("caused by: it is UTF-16, not UTF-8"),
        "{wide}"
    );
    list(&sandbox)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .succeeds();
}

#[test]
fn a_malformed_endpoint_is_wrong_usage_wherever_it_comes_from() {
    for endpoint in [
        "localhost:4566",
        "http://127.0.0.1:4566 ",
        "http://[::1",
        "http://",
        "http://a:x",
    ] {
        let sandbox = Sandbox::against("http://127.0.0.1:1");
        let typed = sandbox.cqrs(["order", "list", "--endpoint-url", endpoint]);
        let ours = list(&sandbox).env("CQRS_ENDPOINT_URL", endpoint);
        let aws = list(&sandbox).env("AWS_ENDPOINT_URL", endpoint);
        let own = list(&sandbox).env("AWS_ENDPOINT_URL_LAMBDA", endpoint);
        for run in [typed, ours, aws, own] {
            let outcome = run.outcome();
            assert_eq!(outcome.code, 2, "{outcome}");
            let looks = "an endpoint looks like `http://127.0.0.1:4566`";
            assert!(outcome.stderr.contains(looks), "{outcome}");
        }
    }
}

#[test]
fn the_way_leads_through_the_proxy_and_trusts_the_bundle_that_are_named() {
    let server = empty_list();
    let port = server
        .endpoint()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let tls = TlsProxy::before(port);
    let proxy = Proxy::start();
    let endpoint = format!("https://localhost:{}", tls.port());
    let mut sandbox = Sandbox::against(&endpoint);
    sandbox.set("AWS_MAX_ATTEMPTS", "1");
    let connect = format!("CONNECT localhost:{} HTTP/1.1", tls.port());

    let distrusted = list(&sandbox).env("HTTPS_PROXY", proxy.url()).outcome();
    assert_eq!(distrusted.code, 1, "{distrusted}");
    assert_eq!(proxy.asked(), [connect.as_str()]);
    assert!(server.actions().is_empty());

    sandbox.set("AWS_CA_BUNDLE", tls.authority().to_str().unwrap());
    let url = proxy.url().replace("http://", "http://me:secret@");
    list(&sandbox).env("HTTPS_PROXY", &url).succeeds();
    assert_eq!(proxy.asked().len(), 2);
    let signed = proxy.asked().pop().unwrap().to_ascii_lowercase();
    assert!(
        signed.ends_with("proxy-authorization: basic bwu6c2vjcmv0"),
        "{signed}"
    );
    assert_eq!(server.actions().len(), 1);

    list(&sandbox).succeeds();
    let run = list(&sandbox)
        .env("HTTPS_PROXY", &url)
        .env("NO_PROXY", "localhost");
    run.succeeds();
    assert_eq!((proxy.asked().len(), server.actions().len()), (2, 3));

    let doctor = sandbox.cqrs(["doctor"]).env("HTTPS_PROXY", &url).outcome();
    let shown = format!("HTTPS_PROXY {}, certificates of {}", proxy.url(), "");
    assert!(doctor.stdout.contains(&shown), "{doctor}");
    assert!(!doctor.stdout.contains("secret"), "{doctor}");
    assert!(proxy.asked().len() > 2, "{doctor}");
}

#[test]
fn an_unencrypted_endpoint_is_asked_through_its_own_proxy_and_a_profile_names_a_bundle() {
    let server = empty_list();
    let proxy = Proxy::start();
    let sandbox = Sandbox::against(&server.endpoint());
    list(&sandbox).env("http_proxy", proxy.url()).succeeds();
    assert!(
        proxy.asked()[0].starts_with("POST http://127.0.0.1:"),
        "{:?}",
        proxy.asked()
    );

    let port = server
        .endpoint()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let tls = TlsProxy::before(port);
    let text = format!("[default]\nca_bundle = {}\n", tls.authority().display());
    let sandbox = configured(&format!("https://localhost:{}", tls.port()), &text);
    list(&sandbox).succeeds();
}
