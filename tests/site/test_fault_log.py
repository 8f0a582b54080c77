"""Fault codes stand in the log verbatim, once at the begin and once at the end."""

import logging

import pytest

from custom_components.v2g_vpp.domain.events import FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

LOGGER = "custom_components.v2g_vpp.site.fault_log"


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return level and text of what was said since the last look."""
    lines = [(r.levelno, r.getMessage()) for r in caplog.records if r.name == LOGGER]
    caplog.clear()
    return lines


def report(home: Home, code: FaultCode, *, is_active: bool) -> None:
    home.site.post(FaultReported(key=home.key, code=code, is_active=is_active))


@in_virtual_time
async def test_each_fault_is_said_with_its_code_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    async with Home() as home:
        await home.grant()
        assert said(caplog) == []
        report(home, FaultCode.GROUND_FAULT, is_active=True)
        report(home, FaultCode.EV_COMM_TIMEOUT, is_active=True)
        await home.run(5)
        assert said(caplog) == [
            (logging.WARNING, f"{home.key}: E-61 (latched)"),
            (logging.WARNING, f"{home.key}: EV_COMM_TIMEOUT"),
        ]
        report(home, FaultCode.GROUND_FAULT, is_active=False)
        report(home, FaultCode.EV_COMM_TIMEOUT, is_active=False)
        await home.run(5)
        # The ground fault waits for its owner.
        assert said(caplog) == [(logging.INFO, f"{home.key}: EV_COMM_TIMEOUT is over")]
        await home.site.reset_emergency_stop(home.key)
        await home.run(5)
        assert said(caplog) == [(logging.INFO, f"{home.key}: E-61 is over")]
