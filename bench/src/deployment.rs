//! `deploy` on an emulator of AWS, beside the AWS SAM CLI where it is named, and the sizes of what is
//! uploaded.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use test_support::emulator::Emulator;
use test_support::workspace;

use crate::Options;
use crate::project::Project;
use crate::report::{Report, Target, bytes, seconds};
use crate::samples::Samples;

/// The handlers, and how large their zips may be.
const ZIPS: [(&str, f64); 3] = [("publisher", 5e6), ("subscriber", 2.5e6), ("query", 2.5e6)];
/// The emulator's cache knows neither TLS nor IAM.
const DEPLOY: [&str; 3] = ["--yes", "--parameter", "CacheAccess=open"];
/// What a deployment starts from, in the order in which they follow.
const STEPS: [&str; 3] = ["new", "no change", "code only"];
/// A fifth of the peer's time.
const OF_THE_PEER: Target = Target::RatioAtMost(0.2);

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let emulator = Emulator::start();
    let environment = emulator.environment();
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let programs = &options.programs.handlers;
    let changed = changed(programs);
    let mut sizes = None;
    let mut ours: [Samples; 3] = Default::default();
    let mut theirs: [Samples; 3] = Default::default();
    let peer = options.sam.as_deref().map(|sam| {
        make_bucket(&emulator.endpoint());
        Peer::new(sam, programs, changed.path())
    });
    for round in 0..=options.scaled(5) {
        let mut project = Project::new(options, &environment);
        let new = project.deploy(&[&DEPLOY[..], &["--verbose"]].concat());
        sizes.get_or_insert(ZIPS.map(|(name, _)| zipped(&new.said, name)));
        let same = project.deploy(&DEPLOY).took;
        project.use_handlers(changed.path());
        let code = project.deploy(&DEPLOY).took;
        project.run(&["destroy", "--yes"]);
        let peer = peer.as_ref().map(|peer| peer.deploy(&project));
        // What an emulator does for the first time takes it long, whoever asks.
        if round > 0 {
            add(&mut ours, [new.took, same, code]);
            peer.into_iter().for_each(|took| add(&mut theirs, took));
        }
    }
    for ((what, ours), theirs) in STEPS.iter().zip(ours).zip(theirs) {
        let line = seconds(format!("deploy on the emulator, {what}"), ours.median());
        report.add(if peer.is_some() {
            let beside = "sam deploy, which looks every 0.5 s";
            line.beside(theirs.median(), beside).target(OF_THE_PEER)
        } else {
            line
        });
    }
    for ((name, most), size) in ZIPS.into_iter().zip(sizes.into_iter().flatten()) {
        let program = fs::metadata(programs.join(name)).unwrap().len() as f64;
        let line = bytes(format!("{name}: zip"), size).beside(program, "the program in it");
        report.add(line.target(Target::AtMost(most)));
    }
}

fn add(samples: &mut [Samples; 3], took: [Duration; 3]) {
    for (samples, took) in samples.iter_mut().zip(took) {
        samples.add(took);
    }
}

/// The size of a handler's zip, as a deployment says it.
fn zipped(said: &str, name: &str) -> f64 {
    let start = format!("{name}: ");
    let size = said.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(&start)?;
        rest.split_once(" bytes zipped")?.0.parse().ok()
    });
    size.unwrap_or_else(|| panic!("no size of {name} in {said}"))
}

/// The same programs with something behind their ends: others that do the same.
fn changed(programs: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in ZIPS {
        let mut program = fs::read(programs.join(name)).unwrap();
        program.extend_from_slice(b"changed");
        fs::write(folder.path().join(name), program).unwrap();
    }
    folder
}

/// The SAM CLI with the same template, which packs and uploads the programs itself.
struct Peer {
    sam: PathBuf,
    /// With the template of each step beside its programs.
    folder: TempDir,
}

impl Peer {
    fn new(sam: &Path, programs: &Path, changed: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(workspace().join("template.yaml")).unwrap();
        for (step, programs) in [("first", programs), ("changed", changed)] {
            let place = folder.path().join(step);
            let mut template = text.clone();
            for (name, parameter) in [
                ("publisher", "PublisherCodeKey"),
                ("subscriber", "SubscriberCodeKey"),
                ("query", "QueryCodeKey"),
            ] {
                let code = format!("{{S3Bucket: !Ref ArtifactBucket, S3Key: !Ref {parameter}}}");
                assert!(template.contains(&code), "no {parameter} in the template");
                template = template.replace(&code, name);
                let bootstrap = place.join(name).join("bootstrap");
                fs::create_dir_all(place.join(name)).unwrap();
                fs::copy(programs.join(name), &bootstrap).unwrap();
                fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
            }
            fs::write(place.join("template.yaml"), template).unwrap();
        }
        let sam = sam.to_owned();
        Self { sam, folder }
    }

    /// Deploys a new stack, the same once more, and other code; and takes it away.
    fn deploy(&self, project: &Project) -> [Duration; 3] {
        let took = ["first", "first", "changed"].map(|step| {
            let mut command = self.command("deploy");
            command
                .args(["--s3-bucket", "peer", "--capabilities", "CAPABILITY_IAM"])
                .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset"])
                .args(["--no-progressbar", "--template-file"])
                .arg(self.folder.path().join(step).join("template.yaml"))
                .args(["--parameter-overrides", "CacheAccess=open"])
                .args(["ArtifactBucket=peer", "PublisherCodeKey=none"])
                .args(["SubscriberCodeKey=none", "QueryCodeKey=none"])
                .arg(format!("Architecture={}", architecture()));
            project.run_here(command).took
        });
        let mut command = self.command("delete");
        command.args(["--no-prompts", "--region", "eu-west-1"]);
        project.run_here(command);
        took
    }

    /// With the shortest pause between two looks that it takes.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new("env");
        command
            .args(["SAM_CLI_POLL_DELAY=0.5", "SAM_CLI_TELEMETRY=0"])
            .arg(&self.sam)
            .args([name, "--stack-name", "peer"]);
        command
    }
}

/// As Lambda names this machine's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

/// Makes the bucket that the peer uploads to.
fn make_bucket(endpoint: &str) {
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>\
                 </CreateBucketConfiguration>";
    write!(
        stream,
        "PUT /peer HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{place}",
        place.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
