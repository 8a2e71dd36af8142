"""What scripts/install.sh does, and what it leaves, with made-up releases: a program that says its version,
served on 127.0.0.1. Each test runs in each shell that is there."""

import contextlib
import functools
import hashlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "install.sh"
MACHINE = "x86_64-unknown-linux-gnu"
# All that the script may start.
PROGRAMS = "cat cp cut dirname grep ln ls mkdir mv readlink rm rmdir sha256sum tar gzip uname".split()
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def release(place: Path, version: str, program: str | None = None) -> Path:
    """Makes a release's archives in `place`, as scripts/release packs them."""
    tree = place / f"cqrs-{version}-{MACHINE}"
    program = program or f'#!/bin/sh\n[ "$1" = --version ] && echo "cqrs {version}"\n'
    for name, text in {
        "bin/cqrs": program,
        "share/cqrs/bundle.json": "{}",
        # Larger unpacked than packed.
        "share/cqrs/handlers/x86_64/query.zip": "0" * 1_000_000,
        "share/man/man1/cqrs.1": "man",
        "share/man/man1/cqrs-deploy.1": "man",
        "share/bash-completion/completions/cqrs": "bash",
        "share/zsh/site-functions/_cqrs": "zsh",
        "share/fish/vendor_completions.d/cqrs.fish": "fish",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "bin/cqrs").chmod(0o755)
    shutil.copy(SCRIPT, tree / "share/cqrs/install.sh")
    pack(tree, place)
    shutil.rmtree(tree)
    return place / f"{tree.name}.tar.xz"


def pack(tree: Path, output: Path) -> None:
    command = [sys.executable, HERE / "archive.py", tree, output]
    subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1795737600"})


def checksum(archive: Path) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(archive.name + ".sha256").write_text(f"{digest}  {archive.name}\n")


class Answers(http.server.SimpleHTTPRequestHandler):
    """Serves a folder. A file whose name is in `stuck` begins, and goes on when the test ends."""

    stuck: threading.Event | None = None
    reached = threading.Event()

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        if self.stuck and ".sha256" not in self.path:
            outputfile.write(source.read(10))
            outputfile.flush()
            self.reached.set()
            self.stuck.wait()
            return
        with contextlib.suppress(BrokenPipeError):
            super().copyfile(source, outputfile)


class Install:
    """The tests, whichever the shell."""

    shell: list[str]
    releases: tempfile.TemporaryDirectory

    @classmethod
    def setUpClass(cls):
        cls.releases = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.releases.cleanup)
        cls.archives = Path(cls.releases.name)
        for version in ("1.0.0", "1.1.0"):
            release(cls.archives, version)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = Path(folder.name)
        self.home = self.scratch / "home"
        self.home.mkdir()
        self.path = self.scratch / "path"
        self.path.mkdir()
        self.provide(*PROGRAMS, "curl", "xz")
        # Programs start `sh`, which is the shell under test.
        shell = self.path / "sh"
        shell.write_text(f'#!/bin/sh\nexec {" ".join(self.shell)} "$@"\n')
        shell.chmod(0o755)

    def provide(self, *programs):
        for program in programs:
            found = shutil.which(program)
            if not found:
                self.skipTest(f"{program} is not installed")
            (self.path / program).symlink_to(found)

    def withhold(self, *programs):
        for program in programs:
            (self.path / program).unlink()

    def instead(self, program: str, text: str):
        (self.path / program).unlink()
        (self.path / program).write_text(f"#!/bin/sh\n{text}\n")
        (self.path / program).chmod(0o755)

    def serve(self, stuck: threading.Event | None = None) -> str:
        answers = type("Stuck", (Answers,), {"stuck": stuck, "reached": threading.Event()})
        self.answers = answers
        handler = functools.partial(answers, directory=self.archives)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        if stuck:
            self.addCleanup(stuck.set)
        return f"http://127.0.0.1:{server.server_port}"

    def command(self, *arguments, before=""):
        line = f'{before} exec {" ".join(self.shell)} "$0" "$@"'
        return ["/bin/sh", "-c", line, SCRIPT, *arguments]

    def environment(self, **more):
        return {"PATH": str(self.path), "HOME": str(self.home), "LC_ALL": "C", **more}

    def run_script(self, *arguments, before="", **more):
        return subprocess.run(
            self.command(*arguments, before=before),
            env={k: v for k, v in self.environment(**more).items() if v is not None},
            cwd=self.scratch,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )

    def install(self, *arguments, **more):
        done = self.run_script("--from", str(self.archives), *arguments, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, *arguments, code=1, **more) -> str:
        done = self.run_script(*arguments, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("error: ", done.stderr)
        return done.stderr

    def files(self, folder: Path | None = None) -> list[str]:
        folder = folder or self.home
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))

    def says(self, program: Path) -> str:
        return subprocess.check_output([program, "--version"], text=True)

    # What it is for ---------------------------------------------------------------------------

    def test_it_installs_from_an_address_and_leaves_nothing_when_it_uninstalls(self):
        address = self.serve()
        done = self.run_script("--from", address, "--version", "1.0.0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        local = self.home / ".local"
        self.assertEqual(self.says(local / "bin/cqrs"), "cqrs 1.0.0\n")
        self.assertEqual((local / "share/man/man1/cqrs-deploy.1").read_text(), "man")
        self.assertEqual((local / "share/fish/vendor_completions.d/cqrs.fish").read_text(), "fish")
        self.assertEqual(sorted(p.name for p in (local / "lib/cqrs").iterdir()), ["1.0.0"])
        self.assertIn(f"cqrs 1.0.0 for {MACHINE}, from {address}", done.stdout)
        self.assertIn(f"installed in {local}/lib/cqrs/1.0.0\n", done.stdout)
        self.assertIn(f"{local}/bin is not on your search path", done.stdout)

        # With the line that it said, whose script goes away with the rest.
        line = next(l for l in done.stdout.splitlines() if l.startswith("to remove: "))
        line = line.removeprefix("to remove: ")
        subprocess.run(["sh", "-c", line], check=True, env=self.environment(), capture_output=True)
        self.assertEqual(self.files(), [])

    def test_the_search_path_is_looked_at(self):
        bin = self.home / ".local/bin"
        said = self.install("--version", "1.0.0", PATH=f"{bin}:{self.path}")
        self.assertNotIn("search path", said)
        (self.path / "cqrs").symlink_to("/bin/true")
        said = self.install("--version", "1.0.0", PATH=f"{self.path}:{bin}")
        self.assertIn(f"note: `cqrs` on your search path is {self.path}/cqrs\n", said)

    def test_wget_and_gzip_do_where_curl_and_xz_are_not(self):
        self.withhold("curl", "xz")
        self.provide("wget")
        done = self.run_script("--from", self.serve(), "--version=1.0.0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.says(self.home / ".local/bin/cqrs"), "cqrs 1.0.0\n")

    def test_a_folder_with_spaces_that_is_not_utf_8_serves(self):
        prefix = os.fsencode(self.scratch) + b"/my pr\xe9fix"
        self.install("--version", "1.0.0", "--prefix", prefix)
        self.assertEqual(subprocess.check_output([prefix + b"/bin/cqrs", "--version"]), b"cqrs 1.0.0\n")
        done = self.run_script("--uninstall", "--prefix", prefix)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(prefix))

    def test_a_prefix_may_be_relative_and_written_in_any_way(self):
        self.install("--version", "1.0.0", "--prefix", "there/../here//")
        self.assertEqual(self.says(self.scratch / "here/bin/cqrs"), "cqrs 1.0.0\n")
        self.assertEqual(self.run_script("--uninstall", "--prefix=here").returncode, 0)
        self.assertFalse((self.scratch / "here").exists())

    def test_versions_stand_side_by_side(self):
        self.install("--version", "1.0.0")
        self.install("--version", "1.1.0")
        local = self.home / ".local"
        self.assertEqual(self.says(local / "bin/cqrs"), "cqrs 1.1.0\n")
        self.assertEqual(self.says(local / "lib/cqrs/1.0.0/bin/cqrs"), "cqrs 1.0.0\n")

        done = self.run_script("--uninstall", "--version", "1.1.0")
        self.assertIn(f"linked cqrs 1.0.0 as {local}/bin/cqrs", done.stdout)
        self.assertEqual(self.says(local / "bin/cqrs"), "cqrs 1.0.0\n")
        self.assertEqual(sorted(p.name for p in (local / "lib/cqrs").iterdir()), ["1.0.0"])
        self.run_script("--uninstall")
        self.assertEqual(self.files(), [])

    def test_the_same_version_again_is_installed_anew(self):
        self.install("--version", "1.0.0")
        before = self.files()
        (self.home / ".local/lib/cqrs/1.0.0/share/cqrs/bundle.json").unlink()
        self.install("--version", "1.0.0")
        self.assertEqual(self.files(), before)

    def test_what_others_have_there_stays(self):
        for name in ("bin/other", "share/man/man1/other.1"):
            (self.home / ".local" / name).parent.mkdir(parents=True)
            (self.home / ".local" / name).write_text("other")
        before = self.files()
        self.install("--version", "1.0.0")
        self.run_script("--uninstall")
        self.assertEqual(self.files(), before)

    def test_what_is_at_work_is_not_taken_away(self):
        self.install("--version", "1.0.0")
        server = self.home / ".local/lib/cqrs/1.0.0/libexec/cqrs/valkey-server"
        server.parent.mkdir(parents=True)
        shutil.copy(os.path.realpath(shutil.which("sleep")), server)
        before = self.files()
        process = subprocess.Popen([server, "1000"])
        try:
            said = self.refused("--uninstall")
        finally:
            process.kill()
            process.wait()
        self.assertIn(f"cqrs 1.0.0 is at work, as process {process.pid}", said)
        self.assertEqual(self.files(), before)
        self.assertEqual(self.run_script("--uninstall").returncode, 0)
        self.assertEqual(self.files(), [])

    # What goes wrong: said, and nothing is left ------------------------------------------------

    def test_a_checksum_that_differs_stops_it(self):
        with tempfile.TemporaryDirectory() as place:
            archive = release(Path(place), "1.0.0")
            archive.write_bytes(archive.read_bytes()[:-1] + b"!")
            said = self.refused("--from", place, "--version", "1.0.0")
            self.assertIn("has the SHA-256", said)
            self.assertIn("Nothing was installed.", said)
            self.assertEqual(self.files(), [])
            (archive.parent / f"{archive.name}.sha256").write_text("")
            self.assertIn("and not any as", self.refused("--from", place, "--version", "1.0.0"))
            self.assertEqual(self.files(), [])

    def test_an_archive_that_is_cut_short_stops_it(self):
        with tempfile.TemporaryDirectory() as place:
            archive = release(Path(place), "1.0.0")
            archive.write_bytes(archive.read_bytes()[:-400])
            checksum(archive)
            said = self.refused("--from", place, "--version", "1.0.0")
            self.assertIn(f"cannot unpack {archive.name}", said)
            self.assertEqual(self.files(), [])

    def test_a_program_that_does_not_start_replaces_none(self):
        self.install("--version", "1.0.0")
        before = self.files()
        with tempfile.TemporaryDirectory() as place:
            for program, words in {
                "#!/bin/sh\nexit 1\n": "does not start here",
                "#!/bin/sh\necho cqrs 2.0.0\n": "says that it is `cqrs 2.0.0`",
            }.items():
                release(Path(place), "1.1.0", program)
                self.assertIn(words, self.refused("--from", place, "--version", "1.1.0"))
                self.assertEqual(self.files(), before)
                self.assertEqual(self.says(self.home / ".local/bin/cqrs"), "cqrs 1.0.0\n")

    def test_a_version_that_is_not_there_is_said(self):
        said = self.refused("--from", self.serve(), "--version", "3.0.0")
        self.assertIn("404", said)
        self.assertIn(f"cannot get cqrs-3.0.0-{MACHINE}.tar.xz.sha256 from http://127.0.0.1:", said)
        self.assertEqual(self.files(), [])

    def test_a_server_that_is_not_there_is_said(self):
        said = self.refused("--from", "http://127.0.0.1:1", "--version", "1.0.0")
        self.assertIn("cannot get ", said)
        self.assertEqual(self.files(), [])

    def test_a_disk_that_is_full_stops_it(self):
        # A limit of what one file may hold stands in for the disk's end.
        most = (self.archives / f"cqrs-1.0.0-{MACHINE}.tar.xz").stat().st_size // 512
        self.assertLess(most, 1_000_000 // 512 - 2)
        for blocks, words in {most - 2: "cannot get ", most + 2: "cannot unpack "}.items():
            before = f"trap '' XFSZ; ulimit -f {blocks};"
            said = self.refused("--from", self.serve(), "--version", "1.0.0", before=before)
            self.assertIn(words, said)
            self.assertIn("is there room on the disk?", said)
            self.assertEqual(self.files(), [])

    def test_an_interruption_leaves_nothing(self):
        for stop, code in {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}.items():
            stuck = threading.Event()
            process = subprocess.Popen(
                self.command("--from", self.serve(stuck), "--version", "1.0.0"),
                env=self.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                # What runs these tests in the background may ignore it, and a shell cannot trap that.
                preexec_fn=lambda: signal.signal(stop, signal.SIG_DFL),
            )
            self.answers.reached.wait()
            self.assertEqual(self.files()[-1], ".local/lib/cqrs/.incoming/process")
            # As a terminal does, to all of it.
            os.killpg(process.pid, stop)
            _, said = process.communicate()
            self.assertEqual((process.returncode, self.files()), (code, []), said)

    def test_what_a_killed_one_left_is_cleared_up(self):
        stuck = threading.Event()
        process = subprocess.Popen(
            self.command("--from", self.serve(stuck), "--version", "1.0.0"),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.answers.reached.wait()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.assertIn(".local/lib/cqrs/.incoming", self.files())
        self.install("--version", "1.0.0")
        self.assertNotIn(".local/lib/cqrs/.incoming", self.files())

    def test_two_at_once_are_not_let_in(self):
        incoming = self.home / ".local/lib/cqrs/.incoming"
        incoming.mkdir(parents=True)
        (incoming / "process").write_text(f"{os.getpid()}\n")
        before = self.files()
        said = self.refused("--from", str(self.archives), "--version", "1.0.0")
        self.assertIn(f"is at work, as process {os.getpid()}", said)
        self.assertEqual(self.files(), before)

    def test_a_file_that_it_did_not_make_is_not_replaced(self):
        program = self.home / ".local/bin/cqrs"
        program.parent.mkdir(parents=True)
        program.write_text("mine")
        before = self.files()
        said = self.refused("--from", str(self.archives), "--version", "1.0.0")
        self.assertIn(f"{program} is there, and this script did not make it", said)
        self.assertEqual((self.files(), program.read_text()), (before, "mine"))

    def test_a_failure_while_it_links_brings_the_version_before_back(self):
        self.install("--version", "1.0.0")
        before = self.files()
        # The last link cannot be made: its folder's place is taken.
        shutil.rmtree(self.home / ".local/share/fish")
        (self.home / ".local/share/fish").write_text("mine")
        said = self.refused("--from", str(self.archives), "--version", "1.1.0")
        self.assertIn("Nothing was installed.", said)
        (self.home / ".local/share/fish").unlink()
        local = self.home / ".local"
        self.assertEqual(self.says(local / "bin/cqrs"), "cqrs 1.0.0\n")
        self.assertEqual(self.files(), [f for f in before if not f.startswith(".local/share/fish")])

    def test_a_folder_that_cannot_be_written_is_said(self):
        (self.home / ".local").write_text("")
        said = self.refused("--from", str(self.archives), "--version", "1.0.0")
        self.assertIn(f"cannot make {self.home}/.local/lib/cqrs", said)
        self.assertEqual(self.files(), [".local"])

    def test_without_a_home_a_prefix_is_asked_for(self):
        said = self.refused("--from", str(self.archives), "--version", "1.0.0", HOME=None)
        self.assertIn("HOME is not set", said)

    def test_other_machines_are_told_apart(self):
        for machine, words in {"riscv64": "the processor riscv64", "aarch64": "no glibc at /lib/"}.items():
            self.instead("uname", f"[ $1 = -m ] && echo {machine} || echo Linux")
            self.assertIn(words, self.refused("--from", str(self.archives), "--version", "1.0.0"))
        self.instead("uname", "[ $1 = -m ] && echo amd64 || echo FreeBSD")
        said = self.refused("--from", str(self.archives), "--version", "1.0.0")
        self.assertIn("there is no release of cqrs for FreeBSD", said)
        self.assertEqual(self.files(), [])

    def test_without_curl_and_wget_the_way_by_hand_is_named(self):
        self.withhold("curl")
        said = self.refused("--from", "https://127.0.0.1:1", "--version", "1.0.0")
        self.assertIn("neither curl nor wget is there", said)
        self.assertIn(f"download cqrs-1.0.0-{MACHINE}.tar.xz", said)
        self.withhold("sha256sum")
        said = self.refused("--from", str(self.archives), "--version", "1.0.0")
        self.assertIn("neither sha256sum nor shasum is there", said)

    def test_a_script_that_was_cut_short_does_nothing(self):
        text = SCRIPT.read_text()
        for share in (0.3, 0.6, 0.9, 0.999):
            part = self.scratch / "part.sh"
            part.write_text(text[: int(len(text) * share)])
            arguments = ["--from", self.archives, "--version", "1.0.0"]
            subprocess.run([*self.shell, part, *arguments], env=self.environment(), capture_output=True)
            self.assertEqual(self.files(), [])

    def test_wrong_options_are_refused(self):
        for arguments, words in {
            ("--verison", "1"): "there is no option --verison",
            ("--version",): "--version needs a value",
            ("--prefix=",): "--prefix needs a value",
            ("--version", "../1"): "`../1` is no version",
            ("--from", "ftp://127.0.0.1", "--version", "1.0.0"): "neither a folder nor an http",
            (): "this script came with no release: say which one",
            ("--version", "1.0.0"): "this script came with no release: say where from",
        }.items():
            self.assertIn(words, self.refused(*arguments, code=2))
        self.assertIn("there is no cqrs", self.refused("--uninstall", "--prefix", str(self.scratch)))
        self.assertEqual(self.files(), [])


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    for shell in SHELLS:
        command = [shutil.which(shell)] + (["sh"] if shell == "busybox" else [])
        cases = type(f"InstallIn{shell.capitalize()}", (Install, unittest.TestCase), {"shell": command})
        suite.addTest(loader.loadTestsFromTestCase(cases))
    return suite


if __name__ == "__main__":
    unittest.main()
