//! The checks on this machine: what is installed, and what is meant.

use std::path::Path;

use host::cache::Choice;

use super::check::{Checked, Finding};
use crate::app::version::VERSION;
use crate::aws::Aws;
use crate::bundle::{Bundle, BundleError};
use crate::cli::Global;
use crate::commands::deploy;
use crate::error::Failure;
use crate::local::cache_program;
use crate::package::{self, BuildError, Builder};
use crate::settings::{FILE, Profile, Settings, TEMPLATE, Target};

/// The project, and what `deploy` would build its handlers with. Nothing of it is needed by what is
/// deployed already, so that nothing of it is a failure.
pub(super) async fn tools(settings: Option<&Settings>) -> Result<Checked<()>, Failure> {
    let cqrs = format!("cqrs {VERSION}");
    let Some(settings) = settings else {
        return Ok(Finding::ok(cqrs).into());
    };
    if let Some(folder) = &settings.bundle {
        return Ok(bundled(&cqrs, folder, settings).await.into());
    }
    let Some(project) = &settings.project else {
        let detail = format!("{cqrs}, no {TEMPLATE} here: deploy and destroy need the project");
        let hint = "go to the project's folder, give it with `--project DIR`, or make one with `cqrs new \
                    NAME`";
        return Ok(Finding::warning(detail).hint(hint).into());
    };
    let local = settings.target == Target::Local;
    let architecture = deploy::architecture(None, settings)?;
    let builder = package::builder(project, architecture, local);
    let (builder, cache) = tokio::join!(builder, cache_server(settings));
    let cache = match cache {
        Ok(cache) => cache,
        Err(damaged) => return Ok(damaged.into()),
    };
    let place = project.display();
    let builder = match builder {
        Ok(builder) => builder,
        Err(BuildError::NoProject(_)) => {
            let detail = format!("{cqrs}, {place}, which has no crates to build");
            let hint = "deploy finished binaries with `cqrs deploy --prebuilt DIR`, or name the \
                        project's folder with `--project DIR`";
            return Ok(Finding::warning(detail).hint(hint).into());
        }
        Err(error) => {
            let failure = Failure::from(error);
            let detail = format!("{cqrs}, {place}, cannot build: {}", failure.with_causes());
            return Ok(Finding::warning(detail).hint_of(&failure).into());
        }
    };
    let detail = format!("{cqrs}, {place}, builds with {builder} for {architecture}");
    if let Some(cache) = cache {
        return Ok(with_cache(&detail, cache).into());
    }
    if builder == Builder::Cargo
        && let Some(version) = package::newer_glibc().await
    {
        let detail = format!(
            "{detail}, against C library {version}, which is newer than the functions' {}",
            package::RUNTIME_GLIBC
        );
        let hint = "`pip install cargo-zigbuild ziglang` builds for the functions' own; deploy \
                    checks each binary and says where it matters";
        return Ok(Finding::warning(detail).hint(hint).into());
    }
    Ok(Finding::ok(detail).into())
}

/// What came with the tool, which is deployed where there is no project.
async fn bundled(cqrs: &str, folder: &Path, settings: &Settings) -> Finding {
    let checked = Bundle::open(folder).and_then(|bundle| bundle.check().map(|()| bundle));
    let bundle = match checked {
        Ok(bundle) => bundle,
        Err(error) => return damaged(error),
    };
    let architectures = bundle.architectures().join(" and ");
    let place = folder.display();
    let detail = format!("{cqrs}, the bundled pattern in {place}, functions for {architectures}");
    match cache_server(settings).await {
        Ok(Some(cache)) => with_cache(&detail, cache),
        Ok(None) => Finding::ok(detail),
        Err(damaged) => damaged,
    }
}

/// Like all of this check, no failure: what is deployed already does not need it.
fn damaged(error: BundleError) -> Finding {
    let failure = Failure::from(error);
    Finding::warning(failure.with_causes()).hint_of(&failure)
}

fn with_cache(detail: &str, cache: Option<String>) -> Finding {
    match cache {
        Some(cache) => Finding::ok(format!("{detail}, {cache}")),
        None => Finding::warning(format!("{detail}, no cache server")).hint(
            "install `valkey` or `redis`, or name a server that runs with `--cache-url \
             redis://HOST:PORT`",
        ),
    }
}

/// The cache of a new stack on this machine: none elsewhere, and there perhaps none.
async fn cache_server(settings: &Settings) -> Result<Option<Option<String>>, Finding> {
    if settings.target == Target::Aws {
        return Ok(None);
    }
    if let Some(url) = &settings.machine.cache_url {
        return Ok(Some(Some(url.clone())));
    }
    Ok(Some(
        match cache_program::find().await.map_err(damaged)? {
            Some(Choice::Program(path)) => Some(path.display().to_string()),
            Some(Choice::Url(url)) => Some(url),
            None => None,
        },
    ))
}

/// What the settings come to, and where region and profile come from. On AWS it gives the
/// configuration of all clients.
pub(super) async fn settings(
    global: &Global,
    settings: &Settings,
) -> Result<Checked<Option<Aws>>, Failure> {
    let mut parts = vec![format!("stack {}", settings.stack)];
    let file = settings
        .places()
        .and_then(|places| places.settings(FILE).ok());
    let file = file.filter(|path| path.exists());
    let aws = match settings.target {
        Target::Local => {
            parts.push("on this machine".to_owned());
            None
        }
        Target::Aws => {
            let aws = Aws::connect(&settings.aws).await?;
            let var = |name: &str| std::env::var(name).ok();
            let region = region_origin(global, settings, var);
            parts.push(format!("region {} ({region})", aws.region()));
            parts.push(credentials_origin(global, settings, var));
            if let Some(url) = aws.endpoint_url() {
                parts.push(format!("endpoint {url}"));
            }
            parts.extend(aws.way().described());
            Some(aws)
        }
    };
    if let Some(path) = file {
        let section = settings.env.as_ref().map(|env| format!(" [env.{env}]"));
        parts.push(format!("{}{}", path.display(), section.unwrap_or_default()));
    }
    Ok(Checked::found(aws, Finding::ok(parts.join(", "))))
}

/// By the same precedence as [`Settings`]; what that leaves open, the SDK finds in its files.
fn region_origin(
    global: &Global,
    settings: &Settings,
    var: impl Fn(&str) -> Option<String>,
) -> &'static str {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    if global.region.is_some() {
        return typed(
            global.region.as_ref(),
            set("CQRS_REGION"),
            "--region",
            "CQRS_REGION",
        );
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if set(name).is_some() {
            return name;
        }
    }
    if settings.aws.region.is_some() {
        return FILE;
    }
    "the AWS configuration files"
}

fn credentials_origin(
    global: &Global,
    settings: &Settings,
    var: impl Fn(&str) -> Option<String>,
) -> String {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    let keys = "keys of AWS_ACCESS_KEY_ID";
    match &settings.aws.profile {
        Some(Profile::Typed(name)) => {
            let profile = set("CQRS_PROFILE");
            let from = typed(
                global.profile.as_ref(),
                profile,
                "--profile",
                "CQRS_PROFILE",
            );
            format!("profile {name} ({from})")
        }
        _ if set("AWS_ACCESS_KEY_ID").is_some() => keys.to_owned(),
        Some(Profile::Configured(name)) => format!("profile {name} ({FILE})"),
        None => match set("AWS_PROFILE") {
            Some(name) => format!("profile {name} (AWS_PROFILE)"),
            None => "credentials from AWS's own chain".to_owned(),
        },
    }
}

/// An option's value does not say whether its flag or its variable gave it.
fn typed(
    value: Option<&String>,
    variable: Option<String>,
    flag: &'static str,
    name: &'static str,
) -> &'static str {
    if variable.is_some() && variable.as_ref() == value {
        name
    } else {
        flag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::settings::AwsSettings;

    /// Where region and credentials come from, given what was typed, set and written.
    fn origins(typed: &[&str], set: &[(&str, &str)], aws: AwsSettings) -> (String, String) {
        let domain = crate::domain::Domain::bundled();
        let typed = ["cqrs", "doctor"].iter().chain(typed);
        let global = Cli::from_arguments(typed, &domain).unwrap().global;
        let mut settings = Settings::resolve(&global, &domain).unwrap();
        settings.aws = aws;
        let var = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        (
            region_origin(&global, &settings, var).to_owned(),
            credentials_origin(&global, &settings, var),
        )
    }

    #[test]
    fn region_and_credentials_come_from_what_outranks_the_rest() {
        let typed = AwsSettings {
            region: Some("eu-west-1".to_owned()),
            profile: Some(Profile::Typed("work".to_owned())),
            endpoint_url: None,
        };
        let written = AwsSettings {
            profile: Some(Profile::Configured("work".to_owned())),
            ..typed.clone()
        };
        let keys = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "A")];
        let flags = ["--region", "eu-west-1", "--profile", "work"];
        for (found, expected) in [
            (
                origins(&flags, &keys, typed.clone()),
                ["--region", "profile work (--profile)"],
            ),
            (
                origins(
                    &flags,
                    &[("CQRS_REGION", "eu-west-1"), ("CQRS_PROFILE", "work")],
                    typed,
                ),
                ["CQRS_REGION", "profile work (CQRS_PROFILE)"],
            ),
            (
                origins(&[], &keys, written.clone()),
                ["AWS_REGION", "keys of AWS_ACCESS_KEY_ID"],
            ),
            (
                origins(&[], &[], written),
                ["cqrs.toml", "profile work (cqrs.toml)"],
            ),
            (
                origins(&[], &[("AWS_PROFILE", "home")], AwsSettings::default()),
                ["the AWS configuration files", "profile home (AWS_PROFILE)"],
            ),
            (
                origins(&[], &[], AwsSettings::default()),
                [
                    "the AWS configuration files",
                    "credentials from AWS's own chain",
                ],
            ),
        ] {
            assert_eq!([found.0.as_str(), found.1.as_str()], expected);
        }
    }
}
