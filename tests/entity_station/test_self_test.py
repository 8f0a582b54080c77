"""The self-test finds by itself whether a charger ends a discharge alone."""

from pathlib import Path
import time

import pytest

from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase

from .entity_home import IDENTITY
from .entity_plants import PLAIN
from .quasar import REST_W, Quasar
from .virtual_hass import in_virtual_hass
from .worlds import GUARDED, plant_home, quasar_home


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


@in_virtual_hass
async def test_a_lost_end_counts_though_the_test_that_found_it_was_cut_short(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], GUARDED) as (home, plant):
        await home.prove()
        assert home.proof is not None
        assert home.proof.ends_by_itself
        plant.charger.idle_timeout_s = None
        await home.act("button", "press", home.entity("button", "_self_test"))

        def phase() -> SelfTestPhase:
            return home.evse.self_test.phase

        await home.until(lambda: phase() is SelfTestPhase.WITHHOLDING, 600, "its end")
        await home.until(
            lambda: phase() is not SelfTestPhase.WITHHOLDING, 300, "what it found"
        )
        assert phase() is SelfTestPhase.RETURNING_TO_ZERO
        stop = home.entity("button", f"{IDENTITY}_1_emergency_stop")
        await home.act("button", "press", stop)
        await home.run(30)
        assert phase() is SelfTestPhase.FAILED
        assert home.proof.guarantee is GuaranteeClass.B
