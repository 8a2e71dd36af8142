"""Writes share/cqrs/bundle.json of an unpacked release: what the tool finds beside itself, with the
hashes that it holds each part to."""

import argparse
import hashlib
import json
from pathlib import Path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--version", required=True)
    arguments.add_argument("--target", required=True)
    arguments.add_argument("--cache-server", metavar="VERSION", help="where one lies in libexec/cqrs")
    given = arguments.parse_args()

    share = given.folder / "share/cqrs"
    bundle = {
        "version": given.version,
        "target": given.target,
        "handlers": {
            folder.name: {path.stem: digest(path) for path in sorted(folder.glob("*.zip"))}
            for folder in sorted((share / "handlers").iterdir())
            if folder.name != "native"
        },
    }
    if given.cache_server:
        bundle["cacheServer"] = {
            "name": "valkey",
            "version": given.cache_server,
            "sha256": digest(given.folder / "libexec/cqrs/valkey-server"),
        }
    (share / "bundle.json").write_text(json.dumps(bundle, indent=2) + "\n")


if __name__ == "__main__":
    main()
