//! The way to the cache, walked by the query handler: each step that can fail is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};
use test_support::runtime_api::Handler;
use test_support::template::access_string;
use test_support::tls::TlsProxy;
use test_support::valkey::Valkey;

fn handler(environment: &[(&str, &str)]) -> Handler {
    Handler::start(env!("CARGO_BIN_EXE_query"), environment)
}

/// Behind `proxy`, signed in as the stack's user.
fn signed_in(proxy: &TlsProxy) -> Handler {
    handler(&[
        ("CACHE_URL", &proxy.url()),
        ("CACHE_CA_FILE", proxy.authority().to_str().unwrap()),
        ("CACHE_NAME", "cqrs-cache"),
        ("CACHE_USER", "cqrs-query"),
    ])
}

fn diagnosed(handler: &mut Handler) -> Value {
    handler.invoke(&json!({"diagnose": true})).unwrap()
}

/// The names of the steps, in order; the one that failed with a mark.
fn steps(diagnosis: &Value) -> Vec<String> {
    let steps = diagnosis["steps"].as_array().unwrap().iter();
    let name = |step: &Value| {
        let name = step["step"].as_str().unwrap();
        let ok = step["ok"].as_bool().unwrap();
        if ok {
            name.to_owned()
        } else {
            format!("{name}!")
        }
    };
    steps.map(name).collect()
}

/// What the last step says.
fn said(diagnosis: &Value) -> String {
    let last = diagnosis["steps"].as_array().unwrap().last().unwrap();
    last["detail"].as_str().unwrap().to_owned()
}

#[test]
fn an_open_cache_is_reached_in_steps_each_with_its_time() {
    let server = Valkey::start();
    server.complete();
    let mut query = handler(&[("CACHE_URL", &server.url())]);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(
        steps(&diagnosis),
        ["resolve", "connect", "ping", "contents"]
    );
    assert!(diagnosis["version"].is_string(), "{diagnosis}");
    let times = diagnosis["steps"].as_array().unwrap().iter();
    assert!(times.into_iter().all(|step| step["ms"].is_number()));
    let line = query.log_line(0);
    assert_eq!(
        (&line["message"], &line["steps"]),
        (&json!("diagnosed"), &json!(4))
    );
}

#[test]
fn an_encrypted_cache_is_signed_in_to_and_no_secret_is_shown() {
    let server = Valkey::start();
    server.set_user(
        "cqrs-query",
        &format!("{} nopass", access_string("QueryCacheUser")),
    );
    server.complete();
    let proxy = TlsProxy::before(server.port());
    let mut query = signed_in(&proxy);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(
        steps(&diagnosis),
        ["resolve", "connect", "tls", "auth", "ping", "contents"],
        "{diagnosis}"
    );
    assert!(proxy.heard().contains("X-Amz-Signature"));
    let shown = format!("{diagnosis} {}", query.log().join("\n"));
    assert!(!shown.contains("X-Amz"), "{shown}");
}

#[test]
fn a_name_that_is_not_known_fails_at_resolve() {
    let mut query = handler(&[("CACHE_URL", "redis://no-such-cache.invalid:6379")]);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(steps(&diagnosis), ["resolve!"]);
    assert!(
        said(&diagnosis).contains("no-such-cache.invalid"),
        "{diagnosis}"
    );
}

#[test]
fn a_cache_that_is_down_fails_at_connect_and_its_return_is_seen() {
    let mut server = Valkey::start();
    let mut query = handler(&[("CACHE_URL", &server.url())]);
    server.stop();
    let diagnosis = diagnosed(&mut query);
    assert_eq!(steps(&diagnosis), ["resolve", "connect!"]);
    assert!(said(&diagnosis).contains("refused"), "{diagnosis}");
    server.start_again();
    // It comes back empty.
    let diagnosis = diagnosed(&mut query);
    assert_eq!(
        steps(&diagnosis),
        ["resolve", "connect", "ping", "contents!"]
    );
    assert!(said(&diagnosis).contains("incomplete"), "{diagnosis}");
}

#[test]
fn a_cache_that_hangs_fails_at_ping() {
    let server = Valkey::start();
    let mut query = handler(&[("CACHE_URL", &server.url())]);
    server.pause();
    let diagnosis = diagnosed(&mut query);
    server.resume();
    assert_eq!(steps(&diagnosis), ["resolve", "connect", "ping!"]);
    assert_eq!(said(&diagnosis), "no answer within 1 s");
}

#[test]
fn a_certificate_of_an_unknown_authority_fails_at_tls() {
    let server = Valkey::start();
    let proxy = TlsProxy::before(server.port());
    let mut query = handler(&[("CACHE_URL", &proxy.url())]);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(steps(&diagnosis), ["resolve", "connect", "tls!"]);
    assert!(said(&diagnosis).contains("certificate"), "{diagnosis}");
}

#[test]
fn a_cache_without_encryption_fails_at_tls_where_the_url_asks_for_it() {
    let server = Valkey::start();
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let mut query = handler(&[("CACHE_URL", &url)]);
    assert_eq!(
        steps(&diagnosed(&mut query)),
        ["resolve", "connect", "tls!"]
    );
}

#[test]
fn a_user_that_the_cache_does_not_know_fails_at_auth() {
    let server = Valkey::start();
    let proxy = TlsProxy::before(server.port());
    let mut query = signed_in(&proxy);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(
        steps(&diagnosis),
        ["resolve", "connect", "tls", "auth!"],
        "{diagnosis}"
    );
    assert!(
        said(&diagnosis).contains("AuthenticationFailed"),
        "{diagnosis}"
    );
    assert!(!diagnosis.to_string().contains("X-Amz"), "{diagnosis}");
}

#[test]
fn a_password_that_the_function_does_not_have_fails_at_auth() {
    let server = Valkey::start();
    server.run::<()>(&["CONFIG", "SET", "requirepass", "secret"]);
    let mut query = handler(&[("CACHE_URL", &server.url())]);
    let diagnosis = diagnosed(&mut query);
    assert_eq!(steps(&diagnosis), ["resolve", "connect", "auth!"]);
    assert!(
        said(&diagnosis).contains("asks for a password"),
        "{diagnosis}"
    );
}
