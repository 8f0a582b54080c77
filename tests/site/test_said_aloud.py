"""What a log says of commands that a charger does not take."""

import asyncio
from contextlib import suppress
import logging

import pytest

from custom_components.v2g_vpp.domain.errors import V2gError
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "not taken" in record.getMessage()
    ]


def failures(home: Home) -> int:
    return home.site._registry.evses[home.key].failures


async def ask(home: Home) -> None:
    with suppress(V2gError):
        await home.site.set_power(home.key, 3_000.0, 600.0)


@in_virtual_time
async def test_a_refusal_is_said_once_when_it_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.run(30)
        caplog.clear()
        home.station.answer = Answer.REJECT
        asking = asyncio.create_task(ask(home))
        await home.until(lambda: failures(home) == 1, 20, "a refusal")
        assert said(caplog) == []
        await asking
        await home.run(120)
        assert failures(home) > 3
        assert len(said(caplog)) == 1
        home.station.answer = Answer.ACCEPT
        await home.run(60)
        assert failures(home) == 0
        home.station.answer = Answer.REJECT
        with suppress(V2gError):
            await home.site.stop(home.key)
        await home.run(5)
        assert len(said(caplog)) == 2
