"""What is shipped may be shipped, and an audit that saw nothing is never called good."""

import json

import pytest

from script import dependencies
from script.dependencies import Package

SKIPPED = {
    "name": "ocpp",
    "skip_reason": "Dependency not found on PyPI and could not be audited: ocpp (2.1.0)",
}
GOOD = {"name": "ocpp", "version": "2.1.0", "vulns": []}
BAD = {"name": "ocpp", "version": "2.1.0", "vulns": [{"id": "PYSEC-1", "aliases": []}]}


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_what_is_shipped_is_under_a_license_that_may_be() -> None:
    packages = dependencies.shipped()
    assert {"jsonschema-rs", "ocpp", "paho-mqtt"} <= {one.name for one in packages}
    assert dependencies.not_to_be_shipped(packages) == []


@pytest.mark.parametrize(
    "name", ["AGPL-3.0-only", "GPL-3.0-or-later", "LGPL-2.1-only", "unknown", ""]
)
def test_copyleft_and_unknown_licenses_are_not_shipped(name: str) -> None:
    package = Package(name="viral", version="1", license=name)
    assert dependencies.not_to_be_shipped([package]) == [f"viral: {name}"]


def test_page_lists_every_package_as_it_is_installed() -> None:
    assert dependencies.written() == dependencies.table()


@pytest.mark.parametrize(
    ("text", "bad", "is_known"),
    [
        (report(GOOD), [], True),
        (report(BAD), ["ocpp 2.1.0: PYSEC-1"], True),
        (report(SKIPPED), [], False),
        (report(GOOD, SKIPPED), [], False),
        (report(BAD, SKIPPED), ["ocpp 2.1.0: PYSEC-1"], False),
        (report(), [], False),
        ("", [], False),
        ("[]", [], False),
        ('{"dependencies": 1}', [], False),
    ],
)
def test_who_was_not_looked_at_is_not_known_to_be_good(
    text: str, bad: list[str], *, is_known: bool
) -> None:
    found, unknown = dependencies.judge(text)
    assert found == bad
    assert (unknown == []) is is_known
