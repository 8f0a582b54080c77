"""Skip, with the reason, where there is no browser."""

import pytest

from script.rig.browser import find_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_chromium() is not None:
        return
    reason = "no Chromium on this machine; script/setup --browser installs one"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))
