"""A release, made in the clone and nowhere else: `make release VERSION=0.2.0`.

The version (pyproject.toml, electra_helpers/__init__.py, CITATION.cff), the changelog, badges and set-up cells are set together, committed
and tagged. Nothing is pushed.
"""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

from packaging.version import InvalidVersion, Version

from electra_helpers.classroom import links
from electra_helpers.errors import ElectraError

ROOT = Path(__file__).resolve().parents[2]
UNRELEASED = "## Unreleased\n"
# File → the line that says the version there.
VERSIONS = {
    "pyproject.toml": re.compile(r'^(version = ")(.*)(")$', re.MULTILINE),
    "electra_helpers/__init__.py": re.compile(r'^(__version__ = ")(.*)(")$', re.MULTILINE),
    "CITATION.cff": re.compile(r'^(version: ")(.*)(")$', re.MULTILINE),
}
RELEASED = re.compile(r'^(date-released: ")(.*)(")$', re.MULTILINE)


def versions(root: Path) -> dict[str, str]:
    """Each file that says the version, and the version that it says."""
    return {name: line.search((root / name).read_text("utf-8"))[2] for name, line in VERSIONS.items()}


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise ElectraError(f"git {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def check(root: Path, version: str) -> None:
    """Raise `ElectraError` unless this version can be released from this clone."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise ElectraError(f"VERSION is a number such as 0.2.0, not {version!r}.") from None
    tags = git(root, "tag", "--list", "v*").split()
    if f"v{version}" in tags:
        raise ElectraError(f"There is a tag v{version} already: choose a later VERSION.")
    if wanted < (now := Version(versions(root)["pyproject.toml"])):
        raise ElectraError(f"VERSION={version} is older than the {now} of pyproject.toml.")
    if git(root, "status", "--porcelain"):
        raise ElectraError(
            "There are changes that are not committed: commit them, so that the tag holds what was tested."
        )
    text = (root / "CHANGELOG.md").read_text("utf-8")
    if UNRELEASED not in text or not text.split(UNRELEASED)[1].split("\n## ")[0].strip():
        raise ElectraError(f"CHANGELOG.md says nothing below {UNRELEASED.strip()!r}: write there what is new.")


def rewrite(path: Path, line: re.Pattern, value: str) -> None:
    text = path.read_text("utf-8")
    path.write_text(line.sub(lambda found: found[1] + value + found[3], text), "utf-8")


def release(root: Path, version: str) -> str:
    """Set the version everywhere, commit, and tag; the tag. Raises `ElectraError` where that cannot be done."""
    check(root, version)
    tag, today = f"v{version}", date.today().isoformat()
    for name, line in VERSIONS.items():
        rewrite(root / name, line, version)
    rewrite(root / "CITATION.cff", RELEASED, today)
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text("utf-8").replace(UNRELEASED, f"{UNRELEASED}\n## {version} ({today})\n", 1)
    changelog.write_text(text, "utf-8")
    if address := links.address_of_clone(root):
        links.set_address(root, replace(address, ref=tag))
    links.write_links(root)
    git(root, "commit", "-q", "-a", "-m", f"Release {version}")
    git(root, "tag", "-a", tag, "-m", f"Release {version}")
    return tag


def main(arguments: list[str]) -> int:
    try:
        tag = release(ROOT, arguments[0] if arguments else "")
    except ElectraError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{tag} is committed and tagged here. To publish it: git push --follow-tags")
    if links.address_of_clone(ROOT) is None:
        print(
            "The course has no address yet, so set-up cells install from where a notebook was opened: electra course relink"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
