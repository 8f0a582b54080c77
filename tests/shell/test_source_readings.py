"""Times that other integrations show are read, or are none."""

from typing import Any

import pytest

from custom_components.v2g_vpp.source_readings import _local


@pytest.mark.parametrize(
    "text",
    ["\ud800", "2026-01-15 1\udfff", "١٥", "0001-01-01T00:00:00+23:59", "x" * 9_999, 5],
    ids=ascii,
)
def test_what_is_no_time_is_none(text: Any) -> None:
    assert _local(text) is None
