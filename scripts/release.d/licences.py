"""Prints the licences of every crate that is linked into the given packages, as Markdown: each text once,
with the crates that it came with. Fails on a crate whose licence is not among those that are accepted."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from license_expression import get_spdx_licensing

# Permissive ones only: the programs are given away without their sources.
ACCEPTED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip
NAMES = re.compile(r"(licen[cs]e|copying|notice|unlicense|copyright)", re.IGNORECASE)


def cargo(*arguments: str) -> str:
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(packages: list[str], target: str) -> list[dict]:
    """The crates from elsewhere, as `cargo metadata` knows them."""
    metadata = json.loads(cargo("metadata", "--format-version=1", "--locked", "--filter-platform", target))
    known = {(crate["name"], crate["version"]): crate for crate in metadata["packages"]}
    found = set()
    for package in packages:
        tree = cargo(
            "tree", "--locked", "--package", package, "--target", target, "--edges=normal,no-proc-macro",
            "--prefix=none", "--no-dedupe", "--format={p}",
        )  # fmt: skip
        found.update(tuple(line.split()[:2]) for line in tree.splitlines())
    crates = (known[name, version.removeprefix("v")] for name, version in found)
    return sorted((crate for crate in crates if crate["source"]), key=lambda crate: crate["id"])


def accepted(expression: str | None) -> bool:
    if not expression:
        return False
    spdx = get_spdx_licensing()
    parsed = spdx.parse(expression.replace("/", " OR "))
    answers = {one: spdx.TRUE if str(one) in ACCEPTED else spdx.FALSE for one in parsed.literals}
    return parsed.subs(answers).simplify() == spdx.TRUE


def texts(crate: dict) -> list[str]:
    folder = Path(crate["manifest_path"]).parent
    files = [file for file in sorted(folder.iterdir()) if NAMES.match(file.name) and file.is_file()]
    if not files and crate["license_file"]:
        files = [folder / crate["license_file"]]
    return [file.read_text(errors="replace").strip() for file in files]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--target", required=True)
    arguments.add_argument("packages", nargs="+")
    given = arguments.parse_args()

    crates = linked(given.packages, given.target)
    refused = [c for c in crates if not accepted(c["license"])]
    for crate in refused:
        print(f"error: {crate['name']} has the licence {crate['license']}, which is not accepted", file=sys.stderr)
    if refused:
        sys.exit(1)

    users: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for crate in crates:
        for text in texts(crate):
            # One text, however its lines are broken.
            key = " ".join(text.split())
            shown.setdefault(key, text)
            users.setdefault(key, []).append(f"{crate['name']} {crate['version']}")

    print("# Licences of what is linked into cqrs and its functions\n")
    print("The Valkey server beside them has its own, in `valkey/COPYING`. Rust's standard library: MIT OR Apache-2.0.\n")
    for crate in crates:
        print(f"- {crate['name']} {crate['version']}: {crate['license']}")
    for key, names in sorted(users.items(), key=lambda item: (-len(item[1]), item[1])):
        print(f"\n## {', '.join(names)}\n\n````text\n{shown[key]}\n````")


if __name__ == "__main__":
    main()
