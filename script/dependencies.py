"""What script/audit runs: licenses and known vulnerabilities of what is installed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from typing import Any

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "custom_components" / "v2g_vpp" / "manifest.json"
PROJECT = ROOT / "pyproject.toml"
PAGE = ROOT / "docs" / "licenses.md"

FOUND, UNKNOWN = 1, 3
SERVICES = ("pypi", "osv")
AUDIT_TIMEOUT_S = 300.0

MAY_BE_SHIPPED = frozenset(
    {"Apache-2.0", "BSD-3-Clause", "EPL-2.0 OR BSD-3-Clause", "MIT", "PSF-2.0"}
)
"""What an owner may combine with Apache-2.0 without a duty that we do not fulfill."""

READ_BY_HAND = {"matplotlib": "PSF-2.0"}
"""Of packages whose metadata holds the whole text instead of a name."""

_SPDX = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "DFSG approved; MIT License": "MIT",
    "Apache License 2.0": "Apache-2.0",
    "BSD License": "BSD",
}
_SHORT = 40
"""Longer ones are texts, not names."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MARK = "<!-- script/audit --write -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One installed package."""

    name: str
    version: str
    license: str


def shipped() -> list[Package]:
    """Return what the manifest asks for and everything that it brings along."""
    wanted = json.loads(MANIFEST.read_bytes())["requirements"]
    found: dict[str, Package] = {}
    _walk((_name_of(one) for one in wanted), found)
    return [found[name] for name in sorted(found)]


def of_developers() -> list[Package]:
    """Return what is named for tests and tools: it is never installed for an owner."""
    groups = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    names = {_name_of(one) for group in groups.values() for one in group}
    return [_package(name) for name in sorted(names - {p.name for p in shipped()})]


def table() -> str:
    """Return the page about licenses from its mark on; it holds no versions."""
    lines = [_MARK, "", "## Installed with the integration", ""]
    lines += [*_rows(shipped()), "", "## For tests and tools alone", ""]
    lines += _rows(of_developers())
    return "\n".join([*lines, ""])


def written() -> str:
    """Return what the page says now."""
    return _MARK + _page().partition(_MARK)[2]


def not_to_be_shipped(packages: Iterable[Package]) -> list[str]:
    """Return the packages with another license than those that may be shipped."""
    return [
        f"{p.name}: {p.license}" for p in packages if p.license not in MAY_BE_SHIPPED
    ]


def judge(report: str) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities of a report of pip-audit, and who was not looked at.

    It calls a report without any finding good, also when it found nobody to ask.
    """
    bad: list[str] = []
    unknown: list[str] = []
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
        for one in dependencies:
            if "skip_reason" in one:
                unknown.append(f"{one['name']}: {one['skip_reason']}")
                continue
            bad += [f"{one['name']} {one['version']}: {v['id']}" for v in one["vulns"]]
    except ValueError, KeyError, TypeError:
        return bad, ["everything: no report"]
    return bad, unknown if dependencies else ["everything: an empty report"]


def audit(packages: Sequence[Package]) -> int:
    """Ask about known vulnerabilities; return the exit code."""
    unknown: list[str] = []
    for service in SERVICES:
        bad, unasked = judge(_ask(service, packages))
        if bad:
            print("\n".join(bad))
            return FOUND
        unknown += [f"{service}: {one}" for one in unasked]
        if not unasked:
            print(f"no known vulnerability in {len(packages)} packages ({service})")
            return 0
    print("\n".join(unknown), file=sys.stderr)
    print("nobody could be asked: nothing is known", file=sys.stderr)
    return UNKNOWN


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for; return the exit code."""
    if "--write" in arguments:
        before = _page().partition(_MARK)[0]
        PAGE.write_text(before + table(), encoding="utf-8")
        return 0
    packages = shipped()
    bad = not_to_be_shipped(packages)
    if written() != table():
        bad.append("docs/licenses.md is out of date: script/audit --write")
    if bad:
        print("\n".join(bad))
        return FOUND
    return audit(packages)


def _ask(service: str, packages: Sequence[Package]) -> str:
    """Return the report of pip-audit, empty where it cannot be had."""
    runner = _uvx()
    if runner is None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("".join(f"{p.name}=={p.version}\n" for p in packages))
        command = [runner, "pip-audit", "--requirement", str(wanted), "--no-deps"]
        command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
        try:
            done = subprocess.run(
                [*command, "--vulnerability-service", service],
                capture_output=True,
                text=True,
                check=False,
                timeout=AUDIT_TIMEOUT_S,
            )
        except OSError, subprocess.TimeoutExpired:
            return ""
    return done.stdout


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")


def _uvx() -> str | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    own = cache / "v2g_vpp" / "bootstrap" / "bin" / "uvx"
    return str(own) if own.exists() else shutil.which("uvx")


def _walk(names: Iterable[str], found: dict[str, Package]) -> None:
    for name in names:
        if name not in found:
            found[name] = _package(name)
            _walk(_needs(name), found)


def _needs(name: str) -> Iterator[str]:
    for line in metadata.requires(name) or ():
        if "extra ==" not in line:
            yield _name_of(line)


def _package(name: str) -> Package:
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        # A machine without a C++ compiler lacks some of them.
        row = re.search(rf"^\| `{re.escape(name)}` \| (.*) \|$", _page(), re.MULTILINE)
        said = row[1] if row is not None else "not installed here"
        return Package(name=name, version="-", license=said)
    return Package(name=name, version=about["Version"], license=_license(name, about))


def _license(name: str, about: Any) -> str:
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    short = about.get("License") or ""
    said = about.get("License-Expression") or (
        short if 0 < len(short) <= _SHORT else ""
    )
    said = said or "; ".join(
        one.rpartition("::")[2].strip()
        for one in about.get_all("Classifier") or ()
        if one.startswith("License")
    )
    return _SPDX.get(said, said) or "unknown"


def _name_of(requirement: str) -> str:
    found = _NAME.match(requirement)
    name = found[0] if found is not None else requirement
    return re.sub(r"[-_.]+", "-", name).lower()


def _rows(packages: Iterable[Package]) -> list[str]:
    rows = [f"| `{p.name}` | {p.license} |" for p in packages]
    return ["| Package | License |", "| --- | --- |", *rows]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
