//! `cqrs bundle pack`: zips of finished programs, with their hashes as a release names them.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use super::options::PackArgs;
use crate::error::{Failure, Kind};
use crate::package::{BuildOutput, Builder, PackageRequest, package};
use crate::printer::Printer;

pub(super) async fn run(args: PackArgs, printer: &Printer) -> Result<(), Failure> {
    let request = PackageRequest {
        project: args.handlers.clone(),
        prebuilt: Some(args.handlers),
        builder: Builder::Auto,
        architecture: args.architecture,
        output: BuildOutput::Captured,
    };
    let artifacts = package(request, |_| {}).await?;
    let mut hashes = BTreeMap::new();
    for artifact in artifacts {
        let name = artifact.handler.name();
        let path = args.into.join(format!("{name}.zip"));
        let zip = artifact.zip().await?;
        write(&path, &zip.bytes).map_err(|error| {
            let message = format!("cannot write {}", path.display());
            Failure::new(Kind::Failed, message).caused_by(error.to_string())
        })?;
        hashes.insert(name, zip.sha256.to_string());
    }
    printer.json(&hashes)
}

/// Whole or not at all.
fn write(path: &Path, zip: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("zip.new");
    fs::write(&unfinished, zip)?;
    fs::rename(&unfinished, path)
}
