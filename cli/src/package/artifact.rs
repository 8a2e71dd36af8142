//! A handler's program that can be deployed: named by what is in it, and zipped only where its zip is
//! needed.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::archive::{self, ArchiveError, PACKING};
use super::{Architecture, ContentHash, Handler, PackageError, blocking};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) handler: Handler,
    pub(crate) architecture: Architecture,
    /// What the zip is known by before it is made: the hash of the program, and of how it is packed.
    pub(crate) name: ContentHash,
    path: PathBuf,
    program: Bytes,
    zip: Arc<OnceCell<Zip>>,
}

/// An artifact as it is uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Zip {
    pub(crate) bytes: Bytes,
    /// The checksum on its way, and what S3 says afterwards that it holds.
    pub(crate) sha256: ContentHash,
}

impl Artifact {
    pub(super) fn new(
        handler: Handler,
        architecture: Architecture,
        path: PathBuf,
        program: Bytes,
    ) -> Self {
        Self {
            handler,
            architecture,
            name: name(PACKING, &program),
            path,
            program,
            zip: Arc::default(),
        }
    }

    /// One that was packed before, of the hash that its zip has.
    pub(crate) fn packed(
        handler: Handler,
        architecture: Architecture,
        path: PathBuf,
        zip: Vec<u8>,
        sha256: ContentHash,
    ) -> Result<Self, ArchiveError> {
        let program = archive::unpack(&zip)?.into();
        let artifact = Self::new(handler, architecture, path, program);
        let bytes = zip.into();
        Ok(Self {
            zip: Arc::new(OnceCell::new_with(Some(Zip { bytes, sha256 }))),
            ..artifact
        })
    }

    /// The zip, made by the first who asks, in a thread of its own.
    pub(crate) async fn zip(&self) -> Result<&Zip, PackageError> {
        let packed = || async {
            let program = self.program.clone();
            let packed = blocking(move || archive::pack(&program)).await?;
            packed.map_err(|source| PackageError::Archive {
                handler: self.handler,
                path: self.path.clone(),
                source,
            })
        };
        self.zip.get_or_try_init(packed).await
    }
}

fn name(packing: u32, program: &[u8]) -> ContentHash {
    let mut hash = Sha256::new_with_prefix(format!("cqrs packing {packing}\n"));
    hash.update(Sha256::digest(program));
    ContentHash::new(hash.finalize().into())
}

#[cfg(test)]
impl Artifact {
    /// One for tests, of any program.
    pub(crate) fn of(handler: Handler, program: &'static [u8]) -> Self {
        let program = Bytes::from_static(program);
        Self::new(handler, Architecture::Arm64, PathBuf::new(), program)
    }

    /// The zip, if it was made.
    pub(crate) fn zipped(&self) -> Option<&Zip> {
        self.zip.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifacts_name_comes_from_its_program_and_from_how_it_is_packed() {
        // A change here updates every function once.
        let of = |packing, program: &[u8]| name(packing, program).to_string();
        assert_eq!(
            of(1, b"#!/bin/sh\n"),
            "0f80431fcda4c89d73bb9899a7196f1e15410c6a895612f72e240206533587c8"
        );
        assert_ne!(of(1, b"#!/bin/sh\n"), of(2, b"#!/bin/sh\n"));
        assert_ne!(of(1, b"#!/bin/sh\n"), of(1, b"#!/bin/bash\n"));
    }

    #[tokio::test]
    async fn a_zip_is_made_when_it_is_asked_for_and_once() {
        let artifact = Artifact::of(Handler::Query, b"program");
        assert!(artifact.zipped().is_none());
        let copy = artifact.clone();
        let (one, other) = tokio::join!(artifact.zip(), copy.zip());
        assert_eq!(one.unwrap().bytes.as_ptr(), other.unwrap().bytes.as_ptr());
        assert!(artifact.zipped().is_some());
    }
}
