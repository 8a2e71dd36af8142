//! Places where little is as it should be: each gets along, or says what is wrong.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::settings::identity_only;
use crate::support::{HANDLERS, Installed, Outcome, Release, Sandbox, architecture};

const PLAN: [&str; 3] = ["deploy", "--local", "--plan"];

/// This processor and the other, in what is compared.
fn named(outcome: Outcome) -> Outcome {
    outcome
        .filter(other(), "[OTHER]")
        .filter(architecture(), "[THIS]")
        .filter(r"\d+\.\d+\.\d+", "[VERSION]")
}

fn other() -> &'static str {
    match architecture() {
        "x86_64" => "arm64",
        _ => "x86_64",
    }
}

#[test]
fn without_a_home_folder_it_says_which_variables_would_name_one() {
    let user = Installed::new();
    assert_snapshot!(user.cqrs(["demo", "--local"]).without("HOME").outcome(), @"
    exit code 2
    --- stderr
    error: there is no folder to keep this in: neither XDG_DATA_HOME nor HOME names one
    hint: set HOME or XDG_DATA_HOME to a folder of yours, as an absolute path; a project, which `cqrs new` makes, keeps what is its own beside its template
    ");
    let elsewhere = user.path().join("elsewhere");
    let named = user.cqrs(PLAN).without("HOME");
    named.env("XDG_DATA_HOME", elsewhere).succeeds();
    user.cqrs(["version"]).without("HOME").succeeds();
}

#[test]
fn a_home_folder_that_cannot_be_written_is_named() {
    let user = Installed::new();
    // Tests may run as root, who may write everywhere but into a file.
    let file = user.path().join("file");
    File::create(&file).unwrap();
    let demo = user.cqrs(["demo", "--local"]).env("HOME", file);
    assert_snapshot!(demo.outcome(), @"
    exit code 1
    --- stderr
    error: `[SANDBOX]/file/.local/share/cqrs/local/cqrs` cannot be used
      caused by: Not a directory (os error 20)
    hint: a local stack keeps its data in the project's folder `.cqrs`, or without a project in `$XDG_DATA_HOME/cqrs`: let it be written there
    ");
}

#[test]
fn a_folder_that_is_not_utf8_is_refused_where_it_cannot_be_noted() {
    let user = Installed::new();
    let odd = user.path().join(OsStr::from_bytes(b"\xffhome"));
    fs::create_dir(&odd).unwrap();
    let demo = user.cqrs(["demo", "--local"]).env("HOME", &odd);
    assert_snapshot!(demo.outcome(), @"
    exit code 2
    --- stderr
    error: the name of `[SANDBOX]/�home/.local/share/cqrs/local/cqrs` is not UTF-8
    hint: a stack on this machine notes where its files are as text: give that folder another name, or go to another project
    ");

    let release = Release::unpacked_into(odd.join("opt"));
    let demo = release.cqrs(&user, ["demo", "--local"]).outcome();
    assert_eq!(demo.code, 2, "{demo}");
    assert!(demo.stderr.contains("is not UTF-8"), "{demo}");
    assert!(!user.home().join(".local").exists());
    release.cqrs(&user, ["version"]).succeeds();
}

#[test]
fn a_full_disk_is_named_and_the_way_out_of_it() {
    let user = Installed::new();
    let written = user.cqrs(["version"]);
    let full = written.stdout_to(File::options().write(true).open("/dev/full").unwrap());
    assert_snapshot!(full, @"
    exit code 1
    --- stderr
    error: cannot write to standard output
      caused by: No space left on device (os error 28)
    ");
    let Some(outcome) = within(
        &user,
        "mount -t tmpfs -o size=3m tmpfs \"$HOME\"",
        &["demo", "--local"],
    ) else {
        return;
    };
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("No space left on device"),
        "{outcome}"
    );
    let hint = "hint: free some space on this disk and repeat the command";
    assert!(outcome.stderr.contains(hint), "{outcome}");
}

#[test]
fn without_proc_the_stack_is_deployed_and_serves() {
    let user = Installed::new();
    let hide = "mount -t tmpfs tmpfs /proc";
    let Some(outcome) = within(&user, hide, &["demo", "--local"]) else {
        return;
    };
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stdout.contains("status    shipped"), "{outcome}");
    let version = within(&user, hide, &["version"]).unwrap();
    assert!(version.stdout.contains("functions"), "{version}");
    let destroyed = within(&user, hide, &["destroy", "--local", "--yes"]).unwrap();
    assert_eq!(destroyed.code, 0, "{destroyed}");
}

/// Runs the tool where `prepare` was done, which nobody else sees; none where this machine does not let
/// its user do that.
fn within(user: &Installed, prepare: &str, arguments: &[&str]) -> Option<Outcome> {
    let namespace = ["--mount", "--user", "--map-root-user"];
    let tried = |options: &[&str]| {
        let tried = Command::new("unshare")
            .args(options)
            .args(["sh", "-c", prepare])
            .env("HOME", user.home())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let options = [&namespace[..1], &namespace[..]]
        .into_iter()
        .find(|options| tried(options))?;
    let program = user.release.program();
    let script = format!("{prepare} && export PATH=/nowhere && exec \"$0\" \"$@\"");
    let unshare = Path::new("unshare");
    let run = user
        .run(unshare, options)
        .args(["sh", "-c", &script])
        .arg(program);
    Some(run.args(arguments).current_dir(user.home()).outcome())
}

#[test]
fn a_processor_that_there_are_no_functions_for_is_named_with_those_that_there_are() {
    let server = identity_only();
    let sandbox = Sandbox::against(&server.endpoint());
    let release = Release::unpacked_into(sandbox.path().join("opt"));
    let deploy = release.cqrs(&sandbox, ["deploy", "--yes", "--arch", other()]);
    assert_snapshot!(named(deploy.outcome()), @"
    exit code 2
    --- stderr
    Deploying the bundled pattern of cqrs [VERSION], about orders; `cqrs new NAME` makes a project of your own
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: no functions for [OTHER] came with this tool, but for [THIS]
    hint: `--arch [THIS]` deploys those to AWS; `cqrs new` makes a project, whose functions are built for any
    ");

    let user = Installed::new();
    let [this, quoted] = [architecture(), other()].map(|name| format!("\"{name}\""));
    user.release.edit_manifest(&this, &quoted);
    assert_snapshot!(named(user.cqrs(PLAN).outcome()), @"
    exit code 2
    --- stderr
    Deploying the bundled pattern of cqrs [VERSION], about orders; `cqrs new NAME` makes a project of your own
    Stack cqrs on this machine
    error: no functions for [THIS] came with this tool, but for [OTHER]
    hint: `--arch [OTHER]` deploys those to AWS; `cqrs new` makes a project, whose functions are built for any
    ");
}

#[test]
fn what_is_damaged_is_named_and_nothing_of_it_is_used() {
    let user = Installed::new();
    let release = &user.release;
    let refused = |says: &str| {
        let outcome = user.cqrs(["deploy", "--local"]).outcome();
        assert_eq!(outcome.code, 1, "{outcome}");
        assert!(outcome.stderr.contains(says), "{outcome}");
        assert!(outcome.stderr.contains("install cqrs"), "{outcome}");
        assert!(!user.state("cqrs").join("deployment.json").exists());
        outcome
    };
    let put_back = |path: &Path, change: &dyn Fn(), says: &str| {
        let (whole, mode) = (
            fs::read(path).unwrap(),
            fs::metadata(path).unwrap().permissions(),
        );
        change();
        let outcome = refused(says);
        fs::write(path, whole).unwrap();
        fs::set_permissions(path, mode).unwrap();
        outcome
    };
    let cut = |path: &Path| {
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[..whole.len() / 2]).unwrap();
    };
    let zip = release.zip(HANDLERS[1]);
    let outcome = put_back(&zip, &|| cut(&zip), "another SHA-256");
    assert!(outcome.stderr.contains("subscriber.zip"), "{outcome}");
    put_back(&zip, &|| fs::remove_file(&zip).unwrap(), "cannot read");
    let server = release.server();
    put_back(&server, &|| cut(&server), "another SHA-256");
    let forbid = || fs::set_permissions(&server, PermissionsExt::from_mode(0o644)).unwrap();
    put_back(&server, &forbid, "is not executable");
    let manifest = release.manifest();
    put_back(&manifest, &|| cut(&manifest), "is damaged");
    let newer = || release.edit_manifest(env!("CARGO_PKG_VERSION"), "99.0.0");
    put_back(&manifest, &newer, "came with cqrs 99.0.0");

    // What only asks works all the same, and the doctor says it.
    cut(&manifest);
    let doctor: Value = serde_json::from_str(
        &user
            .cqrs(["doctor", "--local", "--output", "json"])
            .outcome()
            .stdout,
    )
    .unwrap();
    assert_eq!(doctor["checks"][0]["status"], "warning", "{doctor}");
    let detail = doctor["checks"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("is damaged"), "{doctor}");
}

#[test]
fn two_installations_side_by_side_take_each_its_own() {
    let user = Installed::new();
    let other = Release::unpacked_into(user.path().join("other"));
    let path = |release: &Release| {
        let versions: Value = release.cqrs(&user, ["version"]).json();
        versions["bundle"]["path"].as_str().unwrap().to_owned()
    };
    let first = path(&user.release);
    assert!(path(&other).ends_with("/other/share/cqrs"));
    assert_ne!(path(&other), first);
    // Also where it is reached by a link, as in a folder of the search path.
    let link = user.path().join("cqrs");
    std::os::unix::fs::symlink(user.release.program(), &link).unwrap();
    let linked: Value = user.run(&link, ["version"]).json();
    assert_eq!(linked["bundle"]["path"], first.as_str());

    // A stack that one deployed goes on under the other, and outlives the first.
    user.cqrs(["demo", "--local", "--quiet"]).succeeds();
    other.cqrs(&user, ["deploy", "--local"]).succeeds();
    user.cqrs(["local", "stop"]).succeeds();
    fs::remove_dir_all(user.release.path("")).unwrap();
    let orders: Value = other.cqrs(&user, ["order", "list", "--local"]).json();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    other
        .cqrs(&user, ["destroy", "--local", "--yes"])
        .succeeds();
}
