//! The handlers' binaries as they run on this machine: no zip, and no question of Lambda's C
//! library.

use std::borrow::Cow;
use std::path::PathBuf;

use super::inspect::{self, InspectError};
use super::{
    Architecture, ArchiveError, ContentHash, Handler, PackageError, PackageEvent, PackageRequest,
    archive, blocking, build, prebuilt, read,
};

/// A handler's binary, and what tells it from others.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) handler: Handler,
    pub(crate) content: Content,
    /// Of the content as it is.
    pub(crate) sha256: ContentHash,
}

/// A program as it was found.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Plain(Vec<u8>),
    /// Packed, and unpacked only where it is needed.
    Zip(Vec<u8>),
}

impl Content {
    /// The program itself.
    pub(crate) fn program(&self) -> Result<Cow<'_, [u8]>, ArchiveError> {
        match self {
            Self::Plain(bytes) => Ok(bytes.into()),
            Self::Zip(zip) => archive::unpack(zip).map(Cow::from),
        }
    }
}

/// Builds or reads the handlers' binaries, in the order of [`Handler::ALL`].
pub(crate) async fn programs(
    request: PackageRequest,
    mut events: impl FnMut(PackageEvent),
) -> Result<Vec<Program>, PackageError> {
    let files = match &request.prebuilt {
        Some(folder) => prebuilt::find(folder)?,
        None => {
            build::build_native(&request, |builder| {
                events(PackageEvent::Building { builder })
            })
            .await?
        }
    };
    let mut programs = Vec::new();
    for (handler, path) in files {
        programs.push(blocking(move || program(handler, path)).await??);
    }
    Ok(programs)
}

fn program(handler: Handler, path: PathBuf) -> Result<Program, PackageError> {
    let bytes = read(handler, &path)?;
    match check(&bytes) {
        Ok(()) => Ok(Program {
            handler,
            sha256: ContentHash::of(&bytes),
            content: Content::Plain(bytes),
        }),
        Err(source) => Err(PackageError::Foreign {
            handler,
            path,
            source,
        }),
    }
}

/// Refuses what no Linux machine of this kind could run. What only Lambda's runtime lacks is not
/// asked, and other systems have other executables.
fn check(bytes: &[u8]) -> Result<(), InspectError> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    match inspect::inspect(bytes, Architecture::host()) {
        Err(
            error @ (InspectError::Empty
            | InspectError::NotElf { .. }
            | InspectError::Truncated
            | InspectError::Not64Bit
            | InspectError::WrongArchitecture { .. }
            | InspectError::NotExecutable { .. }),
        ) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::inspect::fixture::Fixture;
    use super::*;

    fn fixture(architecture: Architecture) -> Vec<u8> {
        Fixture {
            architecture,
            ..Fixture::default()
        }
        .build()
    }

    #[test]
    fn a_binary_of_another_architecture_is_refused_and_this_machines_is_not() {
        let (here, other) = match Architecture::host() {
            Architecture::Arm64 => (Architecture::Arm64, Architecture::X86_64),
            Architecture::X86_64 => (Architecture::X86_64, Architecture::Arm64),
        };
        check(&fixture(here)).unwrap();
        let refused = check(&fixture(other)).unwrap_err();
        assert!(matches!(refused, InspectError::WrongArchitecture { .. }));
        assert!(matches!(
            check(b"#!/bin/sh").unwrap_err(),
            InspectError::NotElf { .. }
        ));
    }
}
