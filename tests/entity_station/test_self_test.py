"""The self-test finds by itself whether a charger ends a discharge alone."""

from pathlib import Path
import time

import pytest

from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass

from .entity_plants import PLAIN
from .quasar import REST_W, Quasar
from .virtual_hass import in_virtual_hass
from .worlds import plant_home, quasar_home


@in_virtual_hass
async def test_quasar_that_counts_writes_alone_is_of_class_a(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    quasar = Quasar(time.monotonic)
    async with quasar_home(tmp_path, ports, quasar) as home:
        await home.prove()
        assert home.proof is not None
        assert home.proof.guarantee is GuaranteeClass.A
        # Told 60 s; seen by a meter that reports each 5 s.
        assert 55 <= home.proof.dead_man_s <= 70
        assert quasar.charger.expiries == 2
        assert home.state("sensor", "_guarantee") == "a"
        assert not any("guarantee" in key for key in home.issues)


@in_virtual_hass
async def test_quasar_that_counts_reads_too_is_of_class_b(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    quasar = Quasar(time.monotonic, is_read_a_sign_of_life=True)
    async with quasar_home(tmp_path, ports, quasar) as home:
        await home.prove()
        assert home.proof is not None
        assert home.proof.guarantee is GuaranteeClass.B
        assert quasar.charger.expiries == 0
        assert quasar.charger.power_w == pytest.approx(0, abs=REST_W)
        assert home.state("sensor", "_guarantee") == "b"
        assert any("guarantee" in key for key in home.issues), home.issues


@in_virtual_hass
async def test_charger_without_a_watchdog_is_of_class_b(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        assert home.proof is not None
        assert home.proof.guarantee is GuaranteeClass.B
        assert plant.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_charger_with_a_watchdog_is_of_class_a(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        assert home.proof is not None
        assert home.proof.guarantee is GuaranteeClass.A
        assert 18 <= home.proof.dead_man_s <= 25
        assert plant.charger.expiries == 2
