"""Packs a folder as a release archive: NAME.tar.xz, and NAME.tar.gz for machines without xz, each with
its SHA-256. The same files give the same bytes, whoever packs them and when."""

import argparse
import gzip
import hashlib
import lzma
import os
import tarfile
from pathlib import Path


def entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs from one machine to the next: owner, time, and all of the mode but x."""
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
    return info


def pack(folder: Path, stream) -> None:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            name = path.relative_to(folder.parent).as_posix()
            tar.add(path, arcname=name, recursive=False, filter=entry)


def checksum(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="its name becomes the archive's")
    arguments.add_argument("output", type=Path, help="the folder that the archives go to")
    arguments.add_argument("--quick", action="store_true", help="compress less, for a test")
    given = arguments.parse_args()

    archive = given.output / f"{given.folder.name}.tar.xz"
    preset = 1 if given.quick else 9 | lzma.PRESET_EXTREME
    with lzma.open(archive, "wb", preset=preset) as stream:
        pack(given.folder, stream)
    checksum(archive)

    archive = given.output / f"{given.folder.name}.tar.gz"
    level = 1 if given.quick else 9
    with archive.open("wb") as file, gzip.GzipFile("", "wb", level, file, mtime=0) as stream:
        pack(given.folder, stream)
    checksum(archive)


if __name__ == "__main__":
    main()
