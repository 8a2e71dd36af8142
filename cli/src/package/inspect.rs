//! Whether a binary can start in the `provided.al2023` runtime, decided before anything is sent.
//!
//! Reads what the dynamic loader there would read: the machine, the loader's path, the needed
//! libraries and the versioned symbols. The file is untrusted: it may be cut off, empty, a script
//! or another system's executable, and each is distinguished. It is never executed.

use std::fmt;

use object::LittleEndian;
use object::elf::{
    DF_1_PIE, DT_FLAGS_1, DT_NEEDED, DT_SONAME, DT_VERNEED, ELFCLASS64, ELFDATA2LSB, ELFMAG,
    EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PT_DYNAMIC, PT_INTERP, PT_LOAD,
    VER_FLG_WEAK,
};
use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::read::{ImportFlags, NameOrOrdinal, Object};

use super::Architecture;
use crate::error::{Explain, Kind};

/// The runtime's C library.
pub(crate) const RUNTIME_GLIBC: GlibcVersion = GlibcVersion::new(2, 34);

/// The libraries that the runtime's image has, by the names linkers write; the loader itself is
/// among the needed ones of some binaries.
const RUNTIME_LIBRARIES: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// A version of the GNU C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GlibcVersion {
    major: u16,
    minor: u16,
    patch: u16,
}

impl GlibcVersion {
    pub(crate) const fn new(major: u16, minor: u16) -> Self {
        Self {
            major,
            minor,
            patch: 0,
        }
    }

    /// Reads a symbol version such as `GLIBC_2.34` or `GLIBC_2.2.5`.
    pub(super) fn parse(symbol_version: &str) -> Option<Self> {
        let mut numbers = symbol_version
            .strip_prefix("GLIBC_")?
            .split('.')
            .map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = numbers.next().unwrap_or(Ok(0)).ok()?;
        numbers.next().is_none().then_some(Self {
            major,
            minor,
            patch,
        })
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)
        } else {
            Ok(())
        }
    }
}

/// A version of the C library that the runtime's does not have, and the symbol that asks for it;
/// some ways of linking ask for one without a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSymbol {
    pub(crate) symbol: Option<String>,
    pub(crate) version: String,
}

/// Why a binary cannot run in the runtime.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InspectError {
    /// Build the handler again; the file was probably never written.
    #[error("the file is empty")]
    Empty,
    /// Give a Linux executable.
    #[error("it is {what}, not a Linux executable")]
    NotElf { what: &'static str },
    /// Copy or build the file again.
    #[error("the file is cut off")]
    Truncated,
    /// Copy or build the file again; no linker writes this.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// Build for a 64-bit target.
    #[error("it is a 32-bit executable, and the runtime is 64-bit")]
    Not64Bit,
    /// Build for the stack's architecture, or deploy the stack with the binary's.
    #[error("it is built for {found}, and the stack is for {expected}")]
    WrongArchitecture {
        found: String,
        expected: Architecture,
    },
    /// Give the executable, not a library or an object file.
    #[error("it is {what}, not an executable")]
    NotExecutable { what: &'static str },
    /// Build against glibc, or statically.
    #[error("it is to be started by `{0}`, which the runtime does not have")]
    ForeignLoader(String),
    /// Link these statically, or do without them.
    #[error("it needs {}, which the runtime does not have", libraries.join(", "))]
    MissingLibraries { libraries: Vec<String> },
    /// Build against an older glibc.
    #[error(
        "it needs a newer C library than the runtime's glibc {RUNTIME_GLIBC}: {}",
        NewSymbols(symbols)
    )]
    GlibcTooNew { symbols: Vec<NewSymbol> },
    /// Keep the section headers: `strip` does.
    #[error("its section headers are removed, so that what it needs cannot be read")]
    NoSections,
}

impl Explain for InspectError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::GlibcTooNew { .. } | Self::ForeignLoader(_) => {
                "`cqrs deploy --builder zigbuild` builds for the runtime's glibc on any machine"
                    .to_owned()
            }
            Self::WrongArchitecture { expected, .. } => format!(
                "build with `--target {}`, or choose the binary's architecture with `cqrs deploy --arch`",
                expected.rust_target()
            ),
            Self::MissingLibraries { .. } => {
                "link these libraries statically, for OpenSSL by its `vendored` feature or by rustls"
                    .to_owned()
            }
            Self::NoSections => "strip with `strip`, or with Cargo's `strip = true`".to_owned(),
            _ => return None,
        })
    }
}

/// Shows the first few symbols; a binary that is built on a newer system can have dozens.
struct NewSymbols<'a>(&'a [NewSymbol]);

impl fmt::Display for NewSymbols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (i, new) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match &new.symbol {
                Some(symbol) => write!(f, "{comma}`{symbol}` needs {}", new.version)?,
                None => write!(f, "{comma}the file itself needs {}", new.version)?,
            }
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

/// What a binary that can run needs of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inspection {
    /// The newest glibc that any of its symbols asks for; none for a static executable.
    pub(super) glibc: Option<GlibcVersion>,
}

type Elf<'data> = ElfFile64<'data, LittleEndian>;

/// Checks that `binary` can start in the runtime on `architecture`.
pub(super) fn inspect(
    binary: &[u8],
    architecture: Architecture,
) -> Result<Inspection, InspectError> {
    check_identity(binary)?;
    check_machine(binary, architecture)?;
    check_whole(binary)?;
    let file = Elf::parse(binary).map_err(damaged)?;
    let dynamic = Dynamic::read(&file)?;
    check_executable(&file, &dynamic)?;
    check_loader(&file)?;
    dynamic.check_libraries()?;
    let glibc = check_glibc(&file)?;
    Ok(Inspection { glibc })
}

fn damaged(error: object::Error) -> InspectError {
    InspectError::Damaged(error.to_string())
}

/// The first bytes say what kind of file it is.
fn check_identity(binary: &[u8]) -> Result<(), InspectError> {
    if binary.is_empty() {
        return Err(InspectError::Empty);
    }
    if binary.starts_with(&ELFMAG) {
        return match binary.get(4) {
            None => Err(InspectError::Truncated),
            Some(&class) if class != ELFCLASS64.0 => Err(InspectError::Not64Bit),
            Some(_) => Ok(()),
        };
    }
    let what = match binary {
        [b'#', b'!', ..] => "a script",
        [b'P', b'K', 3, 4, ..] => "a zip",
        [b'M', b'Z', ..] => "a Windows executable",
        [0xcf, 0xfa, 0xed, 0xfe, ..]
        | [0xfe, 0xed, 0xfa, 0xcf, ..]
        | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS executable",
        _ => "an unknown kind of file",
    };
    Err(InspectError::NotElf { what })
}

fn check_machine(binary: &[u8], architecture: Architecture) -> Result<(), InspectError> {
    // The byte order comes before the machine's number, which is read in it.
    let (Some(&order), Some(&[low, high])) = (
        binary.get(5),
        binary.get(18..20).and_then(|m| m.first_chunk()),
    ) else {
        return Err(InspectError::Truncated);
    };
    let little = order == ELFDATA2LSB.0;
    let machine = if little {
        u16::from_le_bytes([low, high])
    } else {
        u16::from_be_bytes([low, high])
    };
    let found = match (machine, little) {
        (m, true) if m == EM_AARCH64.0 => Architecture::Arm64.to_string(),
        (m, true) if m == EM_X86_64.0 => Architecture::X86_64.to_string(),
        (machine, _) => format!("another processor (ELF machine {machine})"),
    };
    if found == architecture.to_string() {
        Ok(())
    } else {
        Err(InspectError::WrongArchitecture {
            found,
            expected: architecture,
        })
    }
}

/// Whether all that the headers point at is there. Linkers write the section headers last, so
/// they tell a file that is cut off from one that is damaged.
fn check_whole(binary: &[u8]) -> Result<(), InspectError> {
    let length = binary.len() as u64;
    if binary.len() < size_of::<FileHeader64<LittleEndian>>() {
        return Err(InspectError::Truncated);
    }
    let header = FileHeader64::<LittleEndian>::parse(binary).map_err(damaged)?;
    let endian = LittleEndian;
    let ends_within =
        |offset: u64, size: u64| offset.checked_add(size).is_some_and(|end| end <= length);
    let table = |count: u16, entry: u16| u64::from(count) * u64::from(entry);
    let sections = table(header.e_shnum(endian), header.e_shentsize(endian));
    let programs = table(header.e_phnum(endian), header.e_phentsize(endian));
    if !ends_within(header.e_shoff(endian), sections)
        || !ends_within(header.e_phoff(endian), programs)
    {
        return Err(InspectError::Truncated);
    }
    let segments = header.program_headers(endian, binary).map_err(damaged)?;
    let loaded = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD);
    for segment in loaded {
        if !ends_within(segment.p_offset(endian), segment.p_filesz(endian)) {
            return Err(InspectError::Truncated);
        }
    }
    Ok(())
}

/// What the dynamic table says; all empty for a static executable.
#[derive(Default)]
struct Dynamic {
    needed: Vec<String>,
    is_pie: bool,
    is_library: bool,
}

impl Dynamic {
    fn read(file: &Elf<'_>) -> Result<Self, InspectError> {
        let endian = file.endian();
        let table = file.elf_dynamic_table().map_err(damaged)?;
        let is_dynamic = file
            .elf_program_headers()
            .iter()
            .any(|segment| segment.p_type(endian) == PT_DYNAMIC);
        // The loader needs only the segments, this check the sections too: without them it would
        // find nothing to complain of.
        if is_dynamic && table.is_empty() {
            return Err(InspectError::NoSections);
        }
        let mut dynamic = Self::default();
        let mut versioned = false;
        for entry in table.dynamics() {
            let value = entry.d_val(endian);
            match entry.d_tag(endian) {
                DT_NEEDED => {
                    let name = entry.string(endian, *table.strings()).map_err(damaged)?;
                    dynamic
                        .needed
                        .push(String::from_utf8_lossy(name).into_owned());
                }
                DT_SONAME => dynamic.is_library = true,
                DT_FLAGS_1 => dynamic.is_pie = value & DF_1_PIE.0 != 0,
                DT_VERNEED => versioned = true,
                _ => {}
            }
        }
        let sections = file.elf_section_table();
        let readable = sections
            .gnu_verneed(endian, file.data())
            .map_err(damaged)?
            .is_some();
        if versioned && !readable {
            return Err(InspectError::NoSections);
        }
        Ok(dynamic)
    }

    fn check_libraries(&self) -> Result<(), InspectError> {
        let known = |name: &String| RUNTIME_LIBRARIES.contains(&name.as_str());
        let libraries: Vec<String> = self
            .needed
            .iter()
            .filter(|name| !known(name))
            .cloned()
            .collect();
        if libraries.is_empty() {
            Ok(())
        } else {
            Err(InspectError::MissingLibraries { libraries })
        }
    }
}

/// A position-independent executable has the file type of a library; that it names a loader or
/// carries the flag tells them apart, and a name of its own is a library's.
fn check_executable(file: &Elf<'_>, dynamic: &Dynamic) -> Result<(), InspectError> {
    let endian = file.endian();
    let what = match file.elf_header().e_type(endian) {
        ET_EXEC => return Ok(()),
        ET_DYN if dynamic.is_pie => return Ok(()),
        ET_DYN if interpreter(file)?.is_some() && !dynamic.is_library => return Ok(()),
        ET_DYN => "a shared library",
        _ => "an object file or a core dump",
    };
    Err(InspectError::NotExecutable { what })
}

fn interpreter<'data>(file: &Elf<'data>) -> Result<Option<&'data [u8]>, InspectError> {
    let endian = file.endian();
    let segment = file
        .elf_program_headers()
        .iter()
        .find(|s| s.p_type(endian) == PT_INTERP);
    match segment {
        None => Ok(None),
        Some(segment) => segment.interpreter(endian, file.data()).map_err(damaged),
    }
}

/// A static executable names no loader, which is as good.
fn check_loader(file: &Elf<'_>) -> Result<(), InspectError> {
    match interpreter(file)? {
        None | Some(b"/lib64/ld-linux-x86-64.so.2" | b"/lib/ld-linux-aarch64.so.1") => Ok(()),
        Some(path) => Err(InspectError::ForeignLoader(
            String::from_utf8_lossy(path).into_owned(),
        )),
    }
}

/// The loader refuses to start a binary when a version that it needs is missing, whether or not
/// the symbol is ever used, unless the version itself is marked weak.
fn check_glibc(file: &Elf<'_>) -> Result<Option<GlibcVersion>, InspectError> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((mut needs, strings)) = sections.gnu_verneed(endian, file.data()).map_err(damaged)?
    else {
        return Ok(None);
    };
    let strings = sections
        .strings(endian, file.data(), strings)
        .map_err(damaged)?;
    let mut newest = None;
    let mut missing = Vec::new();
    while let Some((_, mut versions)) = needs.next().map_err(damaged)? {
        while let Some(version) = versions.next().map_err(damaged)? {
            let name = version.name(endian, strings).map_err(damaged)?;
            let name = String::from_utf8_lossy(name);
            // Others are the compiler's support library's, such as GCC_3.0.
            if !name.starts_with("GLIBC_") || version.vna_flags.get(endian).contains(VER_FLG_WEAK) {
                continue;
            }
            match GlibcVersion::parse(&name) {
                Some(known) if known <= RUNTIME_GLIBC => newest = newest.max(Some(known)),
                // The names without a number, such as GLIBC_ABI_DT_RELR, are all newer than 2.34,
                // and GLIBC_PRIVATE holds between files of one build of glibc only.
                Some(_) | None => missing.push(name.into_owned()),
            }
        }
    }
    if missing.is_empty() {
        return Ok(newest);
    }
    Err(InspectError::GlibcTooNew {
        symbols: symbols_of(file, &missing)?,
    })
}

/// The symbols that ask for one of these versions; a version that none asks for stands for itself.
fn symbols_of(file: &Elf<'_>, versions: &[String]) -> Result<Vec<NewSymbol>, InspectError> {
    let mut symbols = Vec::new();
    for import in file.imports().map_err(damaged)? {
        let import = import.map_err(damaged)?;
        let NameOrOrdinal::Name(name) = import.name() else {
            continue;
        };
        let ImportFlags::Elf {
            version: Some(version),
            ..
        } = import.flags()
        else {
            continue;
        };
        let version = String::from_utf8_lossy(version);
        if versions.iter().any(|missing| *missing == version) {
            symbols.push(NewSymbol {
                symbol: Some(String::from_utf8_lossy(name).into_owned()),
                version: version.into_owned(),
            });
        }
    }
    for version in versions {
        if !symbols.iter().any(|new| new.version == *version) {
            symbols.push(NewSymbol {
                symbol: None,
                version: version.clone(),
            });
        }
    }
    Ok(symbols)
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
