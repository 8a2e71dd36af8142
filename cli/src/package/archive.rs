//! Zips that depend on nothing but the binary inside: packing one binary twice, on any machine,
//! gives the same bytes.
//!
//! Whatever a zip would take from its surroundings is fixed: the time (the format's first day), the
//! permissions, the "made by" system, and a compressor in plain Rust whose output does not depend
//! on the processor.

use std::io::{self, Cursor, Read, Write};

use bytes::Bytes;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::{ContentHash, Zip};
use crate::error::{Explain, Kind};

/// The one file in a function's zip; the runtime looks for this name.
pub(super) const BOOTSTRAP: &str = "bootstrap";

/// Lambda's limit for the unpacked code. The better known 50 MB limit for the zip itself is not
/// checked: it holds for uploads through the Lambda API, and this code goes through S3.
pub(super) const MAX_UNPACKED: u64 = 250 * 1024 * 1024;

/// Measured on the stripped publisher of 6.5 MB: level 1 takes 0.04 s and leaves 57.4 %, level 6 0.11 s
/// and 46.2 %, level 9 0.32 s and 44.7 %. Who deploys waits for it; the functions' start does not feel
/// a hundredth of their size.
const LEVEL: i64 = 6;

/// The way in which a program is packed, as part of every artifact's name. It is raised when one program
/// would give other bytes than before.
pub(super) const PACKING: u32 = 1;

/// Why a binary cannot be put into a zip, or taken out of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// Make it smaller: Lambda would refuse it after the upload.
    #[error("it is larger than the {MAX_UNPACKED} bytes that Lambda takes")]
    TooLarge,
    /// The file is cut off or no zip at all; make it again.
    #[error("it is not a readable zip")]
    NotAZip(#[source] ZipError),
    /// Put the binary into the zip under the name that the runtime starts.
    #[error("the zip has no file named `bootstrap` at its top")]
    NoBootstrap,
    /// Set the bit, since the runtime could not start the file.
    #[error("`bootstrap` in the zip is not executable (its mode is {mode:o})")]
    NotExecutable { mode: u32 },
    /// The data inside does not match its checksum, or its compression is unknown.
    #[error("`bootstrap` cannot be read from the zip")]
    Unreadable(#[source] io::Error),
    /// Writing to memory failed; nothing a user can change.
    #[error("the zip cannot be written")]
    Write(#[source] ZipError),
}

impl Explain for ArchiveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Write(_) => Kind::Failed,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge => Some("build in release mode with debug symbols stripped".to_owned()),
            Self::NotExecutable { .. } => {
                Some("run `chmod +x bootstrap` before zipping it".to_owned())
            }
            Self::NoBootstrap => {
                Some("`zip DIR/publisher.zip bootstrap` makes such a zip".to_owned())
            }
            Self::NotAZip(_) | Self::Unreadable(_) | Self::Write(_) => None,
        }
    }
}

/// Packs `binary` as an executable `bootstrap`.
pub(super) fn pack(binary: &[u8]) -> Result<Zip, ArchiveError> {
    if binary.len() as u64 > MAX_UNPACKED {
        return Err(ArchiveError::TooLarge);
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755)
        .system(System::Unix);
    let write = |options| -> Result<Vec<u8>, ZipError> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(binary.len() / 2)));
        writer.start_file(BOOTSTRAP, options)?;
        writer.write_all(binary)?;
        Ok(writer.finish()?.into_inner())
    };
    let zip = write(options).map_err(ArchiveError::Write)?;
    let sha256 = ContentHash::of(&zip);
    Ok(Zip {
        bytes: Bytes::from(zip),
        sha256,
    })
}

/// Takes the executable `bootstrap` out of a zip that another tool made.
pub(super) fn unpack(zip: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    unpack_at_most(MAX_UNPACKED, zip)
}

fn unpack_at_most(limit: u64, zip: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(ArchiveError::NotAZip)?;
    let file = match archive.by_name(BOOTSTRAP) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Err(ArchiveError::NoBootstrap),
        Err(error) => return Err(ArchiveError::NotAZip(error)),
    };
    // A zip made on Windows carries no mode; the runtime's unpacking then decides, and it is
    // packed again here with the right one.
    if let Some(mode) = file.unix_mode()
        && mode & 0o111 == 0
    {
        return Err(ArchiveError::NotExecutable {
            mode: mode & 0o7777,
        });
    }
    // The size in the header is whatever the zip says; the limit holds for what really comes out.
    let mut binary = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut binary)
        .map_err(ArchiveError::Unreadable)?;
    if binary.len() as u64 > limit {
        return Err(ArchiveError::TooLarge);
    }
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip_of(name: &str, mode: u32, data: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(mode);
        writer.start_file(name, options).unwrap();
        writer.write_all(data).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn the_bytes_of_a_zip_are_fixed() {
        // Other bytes are another way of packing, and `PACKING` is to be raised with them: else an
        // artifact is taken for what it is not.
        let zip = pack(b"#!/bin/sh\n").unwrap();
        assert_eq!(PACKING, 1);
        assert_eq!(
            zip.sha256.to_string(),
            "4e0a020e59e5101f0e811bd98820ddab0459fcad73200a7b847c1090e0af0230"
        );
    }

    #[test]
    fn nothing_of_the_machine_is_in_a_zip() {
        let zip = pack(&[7; 4096]).unwrap().bytes;
        let mut archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), BOOTSTRAP);
        assert_eq!(file.unix_mode().map(|mode| mode & 0o7777), Some(0o755));
        assert_eq!(file.last_modified(), Some(DateTime::DEFAULT));
        assert_eq!(file.extra_data().unwrap_or_default(), b"");
        assert_eq!(file.comment(), "");
        // "made by" in the central directory: Unix, whatever the host.
        let central = zip
            .windows(4)
            .position(|bytes| bytes == b"PK\x01\x02")
            .unwrap();
        assert_eq!(zip[central + 5], 3);
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let binary: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let zip = pack(&binary).unwrap();
        assert_eq!(unpack(&zip.bytes).unwrap(), binary);
        assert_eq!(zip.sha256, ContentHash::of(&zip.bytes));
    }

    #[test]
    fn a_zip_without_a_bootstrap_is_refused() {
        let error = unpack(&zip_of("bin/bootstrap", 0o755, b"x")).unwrap_err();
        assert!(matches!(error, ArchiveError::NoBootstrap), "{error:?}");
    }

    #[test]
    fn a_bootstrap_that_cannot_be_executed_is_refused() {
        let error = unpack(&zip_of(BOOTSTRAP, 0o644, b"x")).unwrap_err();
        assert!(
            matches!(error, ArchiveError::NotExecutable { mode: 0o644 }),
            "{error:?}"
        );
    }

    #[test]
    fn a_zip_that_is_cut_off_or_damaged_is_refused() {
        let zip = zip_of(BOOTSTRAP, 0o755, &[1; 5000]);
        assert!(matches!(
            unpack(&zip[..zip.len() / 2]),
            Err(ArchiveError::NotAZip(_))
        ));
        assert!(matches!(unpack(b""), Err(ArchiveError::NotAZip(_))));
        let mut damaged = zip;
        damaged[45] ^= 0xff;
        assert!(matches!(unpack(&damaged), Err(ArchiveError::Unreadable(_))));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = zip_of(BOOTSTRAP, 0o755, &vec![0; 1_000_000]);
        assert!(bomb.len() < 10_000);
        let error = unpack_at_most(20_000, &bomb).unwrap_err();
        assert!(matches!(error, ArchiveError::TooLarge), "{error:?}");
        assert!(unpack_at_most(1_000_000, &bomb).is_ok());
    }
}
