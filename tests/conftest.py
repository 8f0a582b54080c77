"""Fixtures that every test may use."""

from contextlib import nullcontext

from hypothesis import settings
import pytest

# The test plugin brings a `custom_components` package of its own. Whichever is
# imported first is the one that Home Assistant's loader sees, so ours comes first.
import custom_components.v2g_vpp  # noqa: F401
from custom_components.v2g_vpp.site.host_watch import HostWatch

# How long a step of a search takes says more of the machine than of the code.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")


@pytest.fixture(autouse=True)
def enable_our_integration(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load this integration, where a test starts Home Assistant.

    The pure layers are tested without it: starting a core for each of their tests
    would cost more than the tests themselves.
    """
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def ignore_a_clock_that_is_moved_by_hand(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look at no clock that jumps: between two steps of it every timer is late."""
    if {"hass", "freezer"} <= set(request.fixturenames):
        monkeypatch.setattr(HostWatch, "looking", nullcontext)
