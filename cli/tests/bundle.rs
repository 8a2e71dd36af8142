//! `cqrs bundle pack`: the zips of a release are those that a deployment would send.

use std::collections::BTreeMap;
use std::fs::{self, File};

use sha2::{Digest, Sha256};

use crate::support::{AwsStage, HANDLERS, Sandbox, Stage, architecture, handlers};

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_packed_for_a_release_is_what_a_deployment_sends() {
    let stage = AwsStage::deployed();
    let output = stage.path().join("a new/folder");
    let pack = || {
        let pack = stage.cqrs(["bundle", "pack", "--architecture", architecture()]);
        let pack = pack.arg("--handlers").arg(handlers());
        pack.arg("--into").arg(&output).succeeds()
    };
    let hashes: BTreeMap<String, String> = serde_json::from_str(&pack()).unwrap();
    assert_eq!(hashes.len(), HANDLERS.len());
    let bucket = stage.buckets().remove(0);
    for handler in HANDLERS {
        let zip = fs::read(output.join(format!("{handler}.zip"))).unwrap();
        assert_eq!(hashes[handler], sha256(&zip));
        let sent = stage.object(&bucket, &format!("cqrs/{handler}/"));
        assert!(sent == zip, "{handler} is sent as another zip");
    }
    // Twice is the same, and leaves nothing else.
    assert_eq!(
        serde_json::from_str::<BTreeMap<String, String>>(&pack()).unwrap(),
        hashes
    );
    assert_eq!(fs::read_dir(&output).unwrap().count(), HANDLERS.len());
}

#[test]
fn what_cannot_run_or_cannot_be_written_is_not_packed() {
    let sandbox = Sandbox::new();
    let pack = |architecture: &str, output: &str| {
        let pack = sandbox.cqrs(["bundle", "pack", "--architecture", architecture]);
        let pack = pack.arg("--handlers").arg(handlers());
        pack.args(["--into", output]).outcome()
    };
    let other = match architecture() {
        "x86_64" => "arm64",
        _ => "x86_64",
    };
    let refused = pack(other, "out");
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("cannot run on Lambda"), "{refused}");
    assert!(!sandbox.project().join("out").exists());

    File::create(sandbox.project().join("file")).unwrap();
    let refused = pack(architecture(), "file/out");
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("cannot write file/out/"),
        "{refused}"
    );
}
