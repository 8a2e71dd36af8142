//! A release as it lies on a disk: the binary that is tested, the functions and the cache server that the
//! tests have.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest, Sha256};
use test_support::valkey;

use super::guard::Guard;
use super::run::Run;
use super::sandbox::{HANDLERS, Sandbox, architecture, handlers, target};

/// The folder with `bin` and what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Release(PathBuf);

impl Release {
    /// Unpacks it into a folder that is not there yet.
    pub(crate) fn unpacked_into(folder: impl Into<PathBuf>) -> Self {
        let release = Self(folder.into());
        for name in ["bin", "libexec/cqrs"] {
            fs::create_dir_all(release.path(name)).unwrap();
        }
        let ours = Path::new(env!("CARGO_BIN_EXE_cqrs"));
        let program = release.program();
        if fs::hard_link(ours, &program).is_err() {
            fs::copy(ours, &program).unwrap();
        }
        let mut hashes = BTreeMap::new();
        fs::create_dir_all(release.handlers()).unwrap();
        for handler in HANDLERS {
            let zip = release.zip(handler);
            fs::copy(zips().join(format!("{handler}.zip")), &zip).unwrap();
            hashes.insert(handler, sha256(&zip));
        }
        fs::copy(valkey::executable(), release.server()).unwrap();
        fs::set_permissions(release.server(), PermissionsExt::from_mode(0o755)).unwrap();
        let manifest = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "target": "test",
            "handlers": { architecture(): hashes },
            "cacheServer": {
                "name": "valkey", "version": "8.1.0", "sha256": sha256(&release.server()),
            },
        });
        fs::write(release.manifest(), manifest.to_string()).unwrap();
        release
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.path("bin/cqrs")
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.path("share/cqrs/bundle.json")
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.path("libexec/cqrs/valkey-server")
    }

    fn handlers(&self) -> PathBuf {
        self.path("share/cqrs/handlers").join(architecture())
    }

    pub(crate) fn zip(&self, handler: &str) -> PathBuf {
        self.handlers().join(format!("{handler}.zip"))
    }

    /// Puts `new` for `old` in what it says of itself.
    pub(crate) fn edit_manifest(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.manifest()).unwrap();
        assert!(text.contains(old), "{old:?} is not in {text}");
        fs::write(self.manifest(), text.replace(old, new)).unwrap();
    }

    /// Its tool, in the home folder of a user who has nothing else: no project, no compiler, no cache
    /// server.
    pub(crate) fn cqrs<S: AsRef<OsStr>>(
        &self,
        sandbox: &Sandbox,
        arguments: impl IntoIterator<Item = S>,
    ) -> Run {
        let run = sandbox.run(&self.program(), arguments);
        let run = run.env("PATH", sandbox.path().join("no programs"));
        // Nothing is to be put there.
        let run = run.env("TMPDIR", sandbox.path().join("no temporary folder"));
        run.current_dir(sandbox.home())
    }
}

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The functions' zips, which are packed once for all tests.
fn zips() -> PathBuf {
    let folder = target().join("zips");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let changed = |path: &Path| {
        let file = fs::metadata(path).unwrap();
        format!("{} {} {}\n", file.len(), file.mtime(), file.mtime_nsec())
    };
    let tool = Path::new(env!("CARGO_BIN_EXE_cqrs"));
    let made_of = HANDLERS.map(|handler| handlers().join(handler));
    let made_of = made_of.iter().map(PathBuf::as_path).chain([tool]);
    let stamp: String = made_of.map(changed).collect();
    if fs::read_to_string(folder.join("stamp")).is_ok_and(|before| before == stamp) {
        return folder;
    }
    let packed = Command::new(tool)
        .args(["bundle", "pack", "--architecture", architecture()])
        .arg("--handlers")
        .arg(handlers())
        .arg("--into")
        .arg(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&packed.stderr);
    assert!(packed.status.success(), "{said}");
    fs::write(folder.join("stamp"), stamp).unwrap();
    folder
}

/// A user who has installed a release and nothing else. What runs for it ends with the value.
pub(crate) struct Installed {
    // Before the sandbox, whose folder goes with it.
    _guard: Guard,
    sandbox: Sandbox,
    pub(crate) release: Release,
}

impl Installed {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let release = Release::unpacked_into(sandbox.path().join("opt/c q r s"));
        Self {
            _guard: Guard::of(&sandbox, Some(release.path("share/cqrs"))),
            sandbox,
            release,
        }
    }

    /// The installed tool with these arguments.
    pub(crate) fn cqrs<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.release.cqrs(&self.sandbox, arguments)
    }

    /// The folder with all that belongs to a stack on this machine.
    pub(crate) fn state(&self, stack: &str) -> PathBuf {
        self.home().join(".local/share/cqrs/local").join(stack)
    }
}

impl Deref for Installed {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for Installed {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}
