//! Choosing a builder, and building for real.

use std::fs;

use super::*;
use crate::error::Explain;

/// A project whose handlers have no dependencies, so that it is built in a second.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"handlers/*\"]\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    for handler in Handler::ALL {
        let source = folder
            .path()
            .join("handlers")
            .join(handler.name())
            .join("src");
        fs::create_dir_all(&source).unwrap();
        let manifest = format!("[package]\nname = \"{handler}\"\nedition = \"2024\"\n");
        fs::write(source.join("../Cargo.toml"), manifest).unwrap();
        fs::write(source.join("main.rs"), "fn main() {}").unwrap();
    }
    folder
}

async fn cargo_build(project: &Path) -> Result<BTreeMap<Handler, PathBuf>, BuildError> {
    let request = PackageRequest {
        project: project.to_owned(),
        prebuilt: None,
        builder: Builder::Cargo,
        architecture: Architecture::host(),
        output: BuildOutput::Captured,
    };
    build(&request, |_| {}).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_call_builds_all_handlers_and_says_where_they_are() {
    let project = project();
    let binaries = cargo_build(project.path()).await.unwrap();
    assert_eq!(binaries.keys().copied().collect::<Vec<_>>(), Handler::ALL);
    for (handler, path) in binaries {
        assert!(path.is_file(), "{}", path.display());
        assert!(
            path.ends_with(format!("release/{handler}")),
            "{}",
            path.display()
        );
    }
}

#[tokio::test]
async fn a_broken_manifest_is_not_taken_for_a_missing_crate() {
    let project = project();
    fs::write(
        project.path().join("handlers/query/Cargo.toml"),
        "[package\n",
    )
    .unwrap();
    let error = cargo_build(project.path()).await.unwrap_err();
    let BuildError::UnreadableProject { source, .. } = error else {
        panic!("{error:?}")
    };
    assert!(source.to_string().contains("query/Cargo.toml"), "{source}");
}

#[test]
fn auto_prefers_what_builds_for_the_runtimes_own_glibc() {
    use Architecture::{Arm64, X86_64};
    let cargo = Installed {
        cargo: true,
        native: Some(X86_64),
        ..Installed::default()
    };
    let lambda = Installed {
        cargo_lambda: true,
        ..cargo
    };
    let zigbuild = Installed {
        zigbuild: true,
        zig: true,
        ..lambda
    };
    let without_zig = Installed {
        zig: false,
        ..zigbuild
    };
    let choose = |installed: Installed, arch| installed.choose(Builder::Auto, arch).unwrap();
    assert_eq!(choose(zigbuild, X86_64), Builder::Zigbuild);
    assert_eq!(choose(without_zig, X86_64), Builder::CargoLambda);
    assert_eq!(choose(lambda, Arm64), Builder::CargoLambda);
    assert_eq!(choose(cargo, X86_64), Builder::Cargo);
}

#[test]
fn what_cannot_be_done_names_what_to_install() {
    let hint = |installed: Installed, asked| {
        let error = installed.choose(asked, Architecture::Arm64).unwrap_err();
        error.hint().unwrap_or_default()
    };
    let cargo = Installed {
        cargo: true,
        ..Installed::default()
    };
    let cross = hint(cargo, Builder::Auto);
    assert!(
        cross.contains("pip install cargo-zigbuild ziglang"),
        "{cross}"
    );
    assert!(
        cross.contains("rustup target add aarch64-unknown-linux-gnu"),
        "{cross}"
    );
    assert!(hint(Installed::default(), Builder::Auto).contains("install Rust"));
    let zigless = Installed {
        zigbuild: true,
        ..cargo
    };
    assert_eq!(
        hint(zigless, Builder::Zigbuild),
        "run `pip install ziglang`"
    );
    assert!(hint(cargo, Builder::CargoLambda).contains("pip install cargo-lambda"));
}

#[test]
fn each_builder_is_asked_for_all_handlers_at_once() {
    let line = |builder, cross| {
        let arguments = |profile| {
            let out = Path::new("out");
            let arguments = arguments(builder, Architecture::Arm64, profile, cross, out);
            arguments.join(OsStr::new(" ")).into_string().unwrap()
        };
        let line = arguments(Profile::Release);
        assert_eq!(arguments(Profile::Dev), line.replace("--release ", ""));
        line
    };
    let packages = "--release --package publisher --package subscriber --package query";
    let json = "--message-format=json-render-diagnostics";
    let target = "aarch64-unknown-linux-gnu";
    assert_eq!(
        line(Builder::Cargo, false),
        format!("build {json} {packages}")
    );
    assert_eq!(
        line(Builder::Cargo, true),
        format!("build --target {target} {json} {packages}")
    );
    assert_eq!(
        line(Builder::Zigbuild, true),
        format!("zigbuild --target {target}.2.34 {json} {packages}")
    );
    assert_eq!(
        line(Builder::CargoLambda, true),
        format!("lambda build --arm64 --lambda-dir out {packages}")
    );
}

#[test]
fn what_is_built_by_default_is_named_with_the_handlers_so_that_both_share_their_crates() {
    let more = |default_members: &[&str]| {
        let package = |name: &&str| serde_json::json!({ "id": format!("{name}#1"), "name": name, "targets": [] });
        let names = ["cqrs", "publisher", "subscriber", "query", "bench"];
        let metadata: Metadata = serde_json::from_value(serde_json::json!({
            "packages": names.iter().map(package).collect::<Vec<_>>(),
            "workspace_default_members": default_members.iter().map(|name| format!("{name}#1")).collect::<Vec<_>>(),
            "target_directory": "target",
        }))
        .unwrap();
        let more = metadata.beside_the_handlers();
        more.join(OsStr::new(" ")).into_string().unwrap()
    };
    assert_eq!(
        more(&["cqrs", "publisher", "subscriber", "query"]),
        "--package cqrs --bin publisher --bin subscriber --bin query"
    );
    assert_eq!(more(&["cqrs"]), "");
    assert_eq!(more(&["cqrs", "publisher"]), "");
}
