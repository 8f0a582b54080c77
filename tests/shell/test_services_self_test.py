"""What the self-test found, for others: as data and as a file, and nobody's name in it."""

from dataclasses import replace
import json
from pathlib import Path
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import jsonschema_rs
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase, SelfTestStatus
from custom_components.v2g_vpp.domain.wiring import (
    WiringEvidence,
    WiringFault,
    WiringFinding,
)
from tests.repository import ROOT
from tests.shell.home import KEY, STATION_ID, Home

SCHEMA = jsonschema_rs.Draft202012Validator(
    json.loads((ROOT / "docs" / "self_test_result.schema.json").read_text())
)
PASSED = Proof(
    dialect=DischargeDialect.V21_DYNAMIC,
    firmware="1.2.3",
    dead_man_s=24.96,
    passed_at="2026-03-01T17:25:00.123+00:00",
    proven_power_w=1_812.4,
    wiring=WiringEvidence.PROVEN,
    wiring_share=0.987,
    wiring_phases="2",
)
LEARNT = Fingerprint(
    dead_time_s=4.02,
    ramp_w_per_s=1_640.0,
    offset_discharge_w=-55.0,
    offset_zero_w=12.0,
    is_learnt=True,
)


async def _result(home: Home, **data: Any) -> dict[str, Any]:
    answer = await home.hass.services.async_call(
        DOMAIN,
        "get_self_test_result",
        {"device_id": home.evse_device_id, **data},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    assert SCHEMA.is_valid({k: v for k, v in answer.items() if k != "file"})
    return dict(answer)


def _read(path: Path) -> tuple[int, str]:
    return path.stat().st_mode & 0o777, path.read_text(encoding="utf-8")


async def _prove(home: Home) -> None:
    record = home.site._registry.evses[KEY]
    record.proof = PASSED
    record.learner.adopt(LEARNT)
    record.self_test_status = SelfTestStatus(phase=SelfTestPhase.PASSED)
    await home.tick()


async def test_a_passed_self_test_is_told_with_what_was_measured(home: Home) -> None:
    await home.connect()
    await _prove(home)
    result = await _result(home)
    assert result["station"] == {
        "vendor": "Example",
        "model": "Two-way 11",
        "firmware": "1.2.3",
        "protocol": "ocpp2.1",
        "dialect": "v21_dynamic",
    }
    assert result["result"] == "passed"
    assert result["failure"] is None
    promise_s = result["proof"].pop("promise_s")
    assert PASSED.dead_man_s < promise_s < 60
    assert result["proof"] == {
        "passed_on": "2026-03-01",
        "dialect": "v21_dynamic",
        "power_w": 1_812,
        "guarantee": "a",
        "stops_by_itself_after_s": 25.0,
        "wiring": {"evidence": "proven", "share": 0.99, "phases": "2"},
    }
    assert result["behaviour"]["dead_time_s"] == pytest.approx(4.0)
    assert result["behaviour"]["offset_discharge_w"] == pytest.approx(-55.0)
    assert result["services"] == {
        "dispatch": True,
        "frequency_response": False,
        "frequency_response_refused_by": "no_profile",
    }


async def test_a_failed_self_test_is_told_with_its_reason(home: Home) -> None:
    await home.connect()
    home.site._registry.evses[KEY].self_test_status = SelfTestStatus(
        phase=SelfTestPhase.FAILED,
        failure="wiring_wrong_sign",
        wiring=WiringFinding(fault=WiringFault.WRONG_SIGN, share=-1.004, phases=(2,)),
    )
    await home.tick()
    result = await _result(home)
    assert result["result"] == "failed"
    assert result["failure"] == {
        "reason": "wiring_wrong_sign",
        "wiring": {"fault": "wrong_sign", "share": -1.0, "phases": [2]},
    }
    assert result["proof"] is None
    assert set(result["behaviour"].values()) == {None}, "nothing was measured"
    assert not result["services"]["dispatch"]


async def test_a_run_that_was_interrupted_leaves_the_older_proof(home: Home) -> None:
    await home.connect()
    await _prove(home)
    home.site._registry.evses[KEY].self_test_status = SelfTestStatus(
        phase=SelfTestPhase.FAILED, failure="aborted"
    )
    await home.tick()
    result = await _result(home)
    assert result["result"] == "passed"
    assert result["failure"] == {"reason": "aborted", "wiring": None}
    assert result["proof"] is not None


async def test_a_charger_that_does_not_stop_by_itself_serves_no_operator(
    home: Home,
) -> None:
    await home.connect()
    await _prove(home)
    record = home.site._registry.evses[KEY]
    record.proof = replace(PASSED, guarantee=GuaranteeClass.B)
    await home.tick()
    result = await _result(home)
    assert result["proof"]["guarantee"] == "b"
    assert result["proof"]["stops_by_itself_after_s"] is None
    assert result["proof"]["promise_s"] is None
    assert not result["services"]["dispatch"]
    assert not result["services"]["frequency_response"]


async def test_a_file_holds_the_result_and_nothing_of_whose_it_is(
    home: Home, tmp_path: Path
) -> None:
    home.hass.config.config_dir = str(tmp_path)
    await home.connect()
    await home.plug_in()
    await _prove(home)
    record = home.site._registry.stations[STATION_ID]
    record.session = replace(
        record.session,
        model=f"Two-way {STATION_ID.lower()}",
        firmware="1.2.3",
        vendor="Sn-1 x",
    )
    await home.tick()
    result = await _result(home, save=True)
    path = Path(result.pop("file"))
    assert path.parent == tmp_path / DOMAIN
    mode, text = _read(path)
    assert mode == 0o600
    assert json.loads(text) == result
    assert result["station"]["model"] == "Two-way **redacted**"
    assert result["station"]["vendor"] == "**redacted** x"
    told = f"{path.name} {text}".lower()
    for secret in (STATION_ID, "SN-1", "Leaf", "DELEAF0000000001", "tx-1", "17:25"):
        assert secret.lower() not in told


async def test_without_a_result_there_is_an_error_and_no_file(
    home: Home, tmp_path: Path
) -> None:
    home.hass.config.config_dir = str(tmp_path)
    await home.connect()
    with pytest.raises(ServiceValidationError) as caught:
        await _result(home, save=True)
    assert caught.value.translation_key == "self_test_no_result"
    record = home.site._registry.evses[KEY]
    record.self_test_status = SelfTestStatus(phase=SelfTestPhase.WITHHOLDING)
    await home.tick()
    with pytest.raises(ServiceValidationError):
        await _result(home)
    assert not (tmp_path / DOMAIN).exists()

    await _prove(home)
    (tmp_path / DOMAIN).write_text("in the way")
    with pytest.raises(HomeAssistantError) as refused:
        await _result(home, save=True)
    assert refused.value.translation_key == "file_not_written"
    (tmp_path / DOMAIN).unlink()
    assert (await _result(home, save=True))["file"]


def test_a_field_more_or_less_is_no_result() -> None:
    assert not SCHEMA.is_valid({})
    assert not SCHEMA.is_valid({"format": "v2g-vpp-self-test", "version": 2})
