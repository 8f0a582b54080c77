"""Each rule of the gate has a test that is named after it."""

from pathlib import Path
import re

import pytest

TESTS = Path(__file__).parents[1]
"""Rules 6 and 14 are kept by the home itself, and rule 15 by the aggregator."""

NAMED = {
    int(number)
    for folder in ("vpp", "site", "aggregator")
    for file in (TESTS / folder).glob("test_*.py")
    for name in re.findall(r"def test_rule_(\d+(?:_and_\d+)?)_", file.read_text())
    for number in name.split("_and_")
}


@pytest.mark.parametrize("rule", range(1, 18))
def test_rule_has_a_test_of_its_name(rule: int) -> None:
    assert rule in NAMED
