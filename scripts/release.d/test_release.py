"""What the parts of scripts/release make and refuse. The whole is tried by scripts/release.d/roots."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from test_install import MACHINE, release

HERE = Path(__file__).parent


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = Path(folder.name)


class Archive(Scratch):
    def test_the_same_files_make_the_same_archive(self):
        places = [self.scratch / name for name in ("one", "other")]
        made = []
        for place, mask in zip(places, (0o022, 0o077)):
            place.mkdir()
            before = os.umask(mask)
            try:
                made.append([release(place, "1.0.0").with_suffix(end).read_bytes() for end in (".xz", ".gz")])
            finally:
                os.umask(before)
        self.assertEqual(*made)


class Formula(Scratch):
    def formula(self):
        command = [HERE / "formula", self.scratch, "1.0.0", "https://example.org/a/b/releases"]
        return subprocess.run(command, capture_output=True, text=True)

    def test_it_names_the_archives_that_there_are(self):
        for machine in (MACHINE, "x86_64-apple-darwin", "aarch64-apple-darwin"):
            (self.scratch / f"cqrs-1.0.0-{machine}.tar.xz").touch()
            (self.scratch / f"cqrs-1.0.0-{machine}.tar.xz.sha256").write_text(f"{machine}-hash  name\n")
        text = self.formula().stdout
        for machine in (MACHINE, "x86_64-apple-darwin", "aarch64-apple-darwin"):
            url = f"https://example.org/a/b/releases/download/v1.0.0/cqrs-1.0.0-{machine}.tar.xz"
            self.assertIn(f'url "{url}"\n      sha256 "{machine}-hash"\n', text)
        self.assertNotIn("aarch64-unknown-linux-gnu", text)
        self.assertIn('version "1.0.0"', text)

    def test_without_an_archive_there_is_none(self):
        done = self.formula()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("there is no archive of cqrs 1.0.0", done.stderr)


class Check(Scratch):
    """With a program of this system's own in the tool's place."""

    def check(self, *more):
        command = [HERE / "check", self.scratch / "tree", self.scratch, *more]
        return subprocess.run(command, capture_output=True, text=True)

    def setUp(self):
        super().setUp()
        if not shutil.which("objdump"):
            self.skipTest("objdump is not installed")
        tree = self.scratch / "tree"
        (tree / "bin").mkdir(parents=True)
        (tree / "share/cqrs").mkdir(parents=True)
        (tree / "share/cqrs/bundle.json").write_text(json.dumps({"version": "1.0.0"}))
        shutil.copy(os.path.realpath(shutil.which("bash")), tree / "bin/cqrs")
        with (self.scratch / "large.tar.xz").open("wb") as archive:
            archive.truncate(30_000_001)
        for name in ("small.tar.gz", "small.whl"):
            (self.scratch / name).touch()

    def test_each_thing_that_is_wrong_is_said(self):
        done = self.check("2.3")
        self.assertEqual(done.returncode, 1)
        for words in (
            "asks for glibc 2.",
            "asks for libtinfo.so.6",
            "there are 0 zips of handlers",
            "bundle.json is of another version",
            "share/man/man1/cqrs.1 is missing",
            "share/doc/cqrs/query.cdx.json is missing",
            f"{self.scratch}/large.tar.xz is larger than 30000000 bytes",
        ):
            self.assertIn(words, done.stderr)
        self.assertNotIn("small", done.stderr)

    def test_what_is_right_is_not_said_to_be_wrong(self):
        (self.scratch / "tree/share/cqrs/bundle.json").write_text(json.dumps({"version": "1.0.0"}))
        done = self.check("2.99", "--fast")
        for words in ("asks for glibc", "cdx.json", "does not start", "libc.so.6", "larger than"):
            self.assertNotIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
