use object::elf;

use super::fixture::Fixture;
use super::*;

fn check(fixture: &Fixture) -> Result<Inspection, InspectError> {
    inspect(&fixture.build(), fixture.architecture)
}

fn refusal(fixture: &Fixture) -> InspectError {
    check(fixture).unwrap_err()
}

/// An executable with these symbols of libc, and whether each version is marked weak.
fn needing(symbols: &[(&'static str, &'static str, bool)]) -> Fixture {
    Fixture {
        symbols: symbols.to_vec(),
        ..Fixture::default()
    }
}

fn glibc(major: u16, minor: u16) -> Result<Inspection, InspectError> {
    let glibc = Some(GlibcVersion::new(major, minor));
    Ok(Inspection { glibc })
}

#[test]
fn an_executable_for_the_runtime_passes_with_its_newest_need() {
    assert_eq!(check(&Fixture::default()), glibc(2, 34));

    let symbols = [
        ("malloc", "GLIBC_2.17", false),
        ("unwind", "GCC_3.3.1", false),
    ];
    let arm = Fixture {
        architecture: Architecture::Arm64,
        interpreter: Some("/lib/ld-linux-aarch64.so.1"),
        ..needing(&symbols)
    };
    assert_eq!(check(&arm), glibc(2, 17));
}

#[test]
fn a_static_executable_passes_and_needs_no_glibc() {
    let fixed = Fixture {
        file_type: elf::ET_EXEC.0,
        interpreter: None,
        needed: vec![],
        symbols: vec![],
        pie_flag: false,
        ..Fixture::default()
    };
    assert_eq!(check(&fixed), Ok(Inspection { glibc: None }));
    let movable = Fixture {
        file_type: elf::ET_DYN.0,
        pie_flag: true,
        ..fixed
    };
    assert_eq!(check(&movable), Ok(Inspection { glibc: None }));
}

#[test]
fn what_the_runtime_lacks_is_named() {
    let symbols = [
        ("malloc", "GLIBC_2.2.5", false),
        ("__isoc23_strtol", "GLIBC_2.38", false),
    ];
    let libraries = Fixture {
        needed: vec!["libc.so.6", "libssl.so.3", "libcrypto.so.3"],
        ..Fixture::default()
    };
    let musl = Fixture {
        interpreter: Some("/lib/ld-musl-x86_64.so.1"),
        ..Fixture::default()
    };
    for (fixture, said, way_out) in [
        (
            needing(&symbols),
            "it needs a newer C library than the runtime's glibc 2.34: `__isoc23_strtol` needs GLIBC_2.38",
            "--builder zigbuild",
        ),
        (
            libraries,
            "it needs libssl.so.3, libcrypto.so.3, which the runtime does not have",
            "link these libraries statically",
        ),
        (
            musl,
            "it is to be started by `/lib/ld-musl-x86_64.so.1`, which the runtime does not have",
            "--builder zigbuild",
        ),
    ] {
        let error = refusal(&fixture);
        assert_eq!(error.to_string(), said);
        assert!(error.hint().unwrap().contains(way_out), "{error}");
    }
}

#[test]
fn versions_are_compared_as_numbers() {
    let needing = |version| needing(&[("f", version, false)]);
    for old in ["GLIBC_2.4", "GLIBC_2.9", "GLIBC_2.34"] {
        assert!(check(&needing(old)).is_ok(), "{old}");
    }
    for new in [
        "GLIBC_2.34.1",
        "GLIBC_2.35",
        "GLIBC_2.100",
        "GLIBC_3.0",
        "GLIBC_ABI_DT_RELR",
        "GLIBC_PRIVATE",
    ] {
        assert!(
            matches!(refusal(&needing(new)), InspectError::GlibcTooNew { .. }),
            "{new}"
        );
    }
}

#[test]
fn a_weak_version_may_be_missing_as_the_loader_has_it() {
    let symbols = [
        ("malloc", "GLIBC_2.17", false),
        ("pidfd_spawnp", "GLIBC_2.39", true),
    ];
    assert_eq!(check(&needing(&symbols)), glibc(2, 17));
}

#[test]
fn a_version_that_no_symbol_asks_for_is_named_all_the_same() {
    let mut binary = needing(&[("f", "GLIBC_ABI_DT_RELR", false)]).build();
    let name = b"\0f\0GLIBC_ABI_DT_RELR\0";
    let at = binary
        .windows(name.len())
        .position(|bytes| bytes == name)
        .unwrap();
    // A symbol without a name is none.
    binary[at + 1] = 0;
    let error = inspect(&binary, Architecture::X86_64).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(": the file itself needs GLIBC_ABI_DT_RELR"),
        "{error}"
    );
}

#[test]
fn a_long_list_of_symbols_is_shortened() {
    let error = refusal(&needing(&[("f", "GLIBC_2.38", false); 8]));
    assert_eq!(error.to_string().matches("GLIBC_2.38").count(), 5);
    assert!(error.to_string().ends_with(", and 3 more"));
}

#[test]
fn a_library_or_an_object_file_is_no_executable() {
    let library = Fixture {
        interpreter: None,
        pie_flag: false,
        soname: Some("libpublisher.so"),
        ..Fixture::default()
    };
    let what = "a shared library";
    assert_eq!(refusal(&library), InspectError::NotExecutable { what });
    // The C library itself names a loader, since it can be run to show its version.
    let libc = Fixture {
        interpreter: Fixture::default().interpreter,
        ..library
    };
    assert_eq!(refusal(&libc), InspectError::NotExecutable { what });
    let object = Fixture {
        file_type: elf::ET_REL.0,
        ..Fixture::default()
    };
    assert!(matches!(
        refusal(&object),
        InspectError::NotExecutable { .. }
    ));
}

#[test]
fn the_wrong_architecture_is_said_by_both_names() {
    let binary = Fixture::default().build();
    let error = inspect(&binary, Architecture::Arm64).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is built for x86_64, and the stack is for arm64"
    );

    let mut riscv = binary.clone();
    riscv[18] = 243;
    let error = inspect(&riscv, Architecture::X86_64).unwrap_err();
    assert!(error.to_string().contains("ELF machine 243"), "{error}");

    let mut small = binary.clone();
    small[4] = 1;
    assert_eq!(
        inspect(&small, Architecture::X86_64),
        Err(InspectError::Not64Bit)
    );
}

#[test]
fn what_is_no_elf_file_is_called_what_it_is() {
    let cases: [(&[u8], &str); 5] = [
        (b"#!/bin/sh\nexec true\n", "a script"),
        (b"PK\x03\x04rest", "a zip"),
        (b"MZ\x90\x00", "a Windows executable"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "a macOS executable"),
        (b"hello", "an unknown kind of file"),
    ];
    for (bytes, what) in cases {
        assert_eq!(
            inspect(bytes, Architecture::X86_64),
            Err(InspectError::NotElf { what })
        );
    }
    assert_eq!(inspect(b"", Architecture::X86_64), Err(InspectError::Empty));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let binary = Fixture::default().build();
    for length in 5..binary.len() {
        let error = inspect(&binary[..length], Architecture::X86_64).unwrap_err();
        assert_eq!(
            error,
            InspectError::Truncated,
            "cut to {length} of {}",
            binary.len()
        );
    }
}

#[test]
fn no_damaged_byte_makes_the_check_panic() {
    let binary = Fixture::default().build();
    let mut refused = 0;
    for at in 0..binary.len() {
        for value in [0x00, 0x7f, 0xff] {
            let mut damaged = binary.clone();
            damaged[at] = value;
            refused += usize::from(inspect(&damaged, Architecture::X86_64).is_err());
        }
    }
    assert!(
        refused > 100,
        "only {refused} of the damaged files were refused"
    );
}

#[test]
fn a_file_without_section_headers_is_not_waved_through() {
    let stripped = Fixture {
        sections: false,
        ..Fixture::default()
    };
    assert_eq!(refusal(&stripped), InspectError::NoSections);
}

/// What this machine's linker really writes. The verdict depends on the machine's glibc, so only
/// what holds on all of them is asserted.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn this_very_executable_is_read() {
    let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    match inspect(&binary, Architecture::host()) {
        Ok(inspection) => assert!(inspection.glibc >= Some(GlibcVersion::new(2, 2))),
        Err(InspectError::GlibcTooNew { symbols }) => {
            assert!(
                symbols.iter().all(|new| new.version.starts_with("GLIBC_")),
                "{symbols:?}"
            );
        }
        Err(error) => panic!("{error}"),
    }
}
