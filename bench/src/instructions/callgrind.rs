//! Runs programs under Callgrind, and reads what it counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use test_support::workspace;

/// Where the profiles stay, for a look with `callgrind_annotate`.
pub(super) fn folder() -> PathBuf {
    workspace().join("target/callgrind")
}

/// A program that is counted when it runs.
pub(super) struct Counted {
    program: PathBuf,
    /// Takes the program's place, with the same arguments.
    pub(super) stand_in: PathBuf,
    profile: PathBuf,
}

impl Counted {
    /// `program`, under a name for this use of it.
    pub(super) fn new(program: &Path, name: &str) -> Self {
        fs::create_dir_all(folder()).unwrap();
        let stand_in = folder().join(name);
        let profile = folder().join(format!("{name}.out"));
        // Whole names, so that no line of the profile depends on another.
        let script = format!(
            "#!/bin/sh\nexec valgrind -q --tool=callgrind --compress-strings=no --compress-pos=no \
             --callgrind-out-file='{}' '{}' \"$@\"\n",
            profile.display(),
            program.display()
        );
        fs::write(&stand_in, script).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let _ = fs::remove_file(&profile);
        Self {
            program: program.canonicalize().unwrap(),
            stand_in,
            profile,
        }
    }

    /// What its last run took, which has ended.
    pub(super) fn instructions(&self) -> u64 {
        let profile = fs::read_to_string(&self.profile)
            .unwrap_or_else(|error| panic!("{}: {error}", self.profile.display()));
        let own = own_instructions(&profile, self.program.to_str().unwrap());
        assert!(own > 0, "nothing counted in {}", self.profile.display());
        own
    }
}

/// The instructions of the object file `own`, of all its functions.
///
/// A profile has lines of cost, `LINE INSTRUCTIONS`, below the `ob=` that they belong to. The one
/// behind `calls=` is what was called, which stands by itself elsewhere.
fn own_instructions(profile: &str, own: &str) -> u64 {
    let mut is_own = false;
    let mut is_of_call = false;
    let mut sum = 0;
    for line in profile.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_own = object == own;
        } else if line.starts_with("calls=") {
            is_of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            if is_own && !is_of_call {
                let cost = line
                    .split(' ')
                    .nth(1)
                    .and_then(|cost| cost.parse::<u64>().ok());
                sum += cost.unwrap_or(0);
            }
            is_of_call = false;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_lines_count_and_calls_do_not() {
        let profile = "\
version: 1
events: Ir
summary: 999

ob=/usr/lib/libc.so.6
fl=memcpy.S
fn=memcpy
1 500

ob=/bin/tool
fl=main.rs
fn=main
10 7
cob=/usr/lib/libc.so.6
cfi=memcpy.S
cfn=memcpy
calls=1 1
11 500
12 5
fi=inlined.rs
3 1
";
        assert_eq!(own_instructions(profile, "/bin/tool"), 13);
    }
}
