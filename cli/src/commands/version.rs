//! `cqrs version`: this tool, and what came with it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::app::version::VERSION;
use crate::bundle::{Bundle, CacheServer};
use crate::error::Failure;
use crate::printer::Printer;

/// Digits of a hash that people are shown.
const DIGITS: usize = 12;

pub(crate) fn run(printer: &Printer) -> Result<(), Failure> {
    let bundle = Bundle::find()?;
    printer.data(&Versions {
        version: VERSION,
        pattern: pattern::VERSION,
        target: env!("CQRS_TARGET"),
        bundle: bundle.map(|bundle| Bundled {
            path: bundle.folder().to_owned(),
            handlers: bundle.manifest().handlers.clone(),
            cache_server: bundle.manifest().cache_server.clone(),
        }),
    })
}

/// What there is of which version.
#[derive(Serialize)]
struct Versions {
    version: &'static str,
    /// Of the library that is built in, which `cqrs new` gives to a project.
    pattern: &'static str,
    /// What the tool is built for.
    target: &'static str,
    /// None where nothing came with the tool.
    bundle: Option<Bundled>,
}

/// What came with the tool; it is of the tool's own version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundled {
    path: PathBuf,
    /// SHA-256 of the zips, by architecture and handler.
    handlers: BTreeMap<String, BTreeMap<String, String>>,
    cache_server: Option<CacheServer>,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            pattern,
            target,
            bundle,
        } = self;
        writeln!(f, "cqrs          {version}, {target}")?;
        writeln!(f, "pattern       {pattern}")?;
        let Some(bundle) = bundle else {
            return write!(
                f,
                "bundle        none: projects are built from their sources"
            );
        };
        writeln!(f, "bundle        {}", bundle.path.display())?;
        for (architecture, hashes) in &bundle.handlers {
            let hashes = hashes.iter().map(|(handler, hash)| {
                let hash = hash.get(..DIGITS).unwrap_or(hash);
                format!("{handler} {hash}")
            });
            let hashes: Vec<_> = hashes.collect();
            writeln!(f, "functions     {architecture}: {}", hashes.join(", "))?;
        }
        match &bundle.cache_server {
            Some(CacheServer { name, version, .. }) => write!(f, "cache server  {name} {version}"),
            None => write!(f, "cache server  none"),
        }
    }
}
