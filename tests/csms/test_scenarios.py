"""Every conformance scenario is played, or named here with the reason why not."""

import pytest

from tests.csms import (
    plays_16,
    plays_access,
    plays_profiles,
    plays_reports,
    plays_rpc,
    plays_services,
)
from tests.csms.peer import Dialler, Rig
from tests.csms.scenario_table import SCENARIOS, VERSIONS, Scene

PLAYS = {
    **plays_access.PLAYS.by_id,
    **plays_rpc.PLAYS.by_id,
    **plays_reports.PLAYS.by_id,
    **plays_profiles.PLAYS.by_id,
    **plays_16.PLAYS.by_id,
    **plays_services.PLAYS.by_id,
}

NOT_PLAYED = {
    "H11": "in test_tls, which has a listener with TLS",
    "H12": "in test_tls",
    "H13": "in test_tls",
    "H14": "in test_tls",
    "H15": "in test_access: the peer address cannot be forged on loopback",
    "H18": "in test_server_limits, with a shorter heartbeat",
    "H23": "in test_rate and test_server_limits",
    "R24": "in test_link: the caller's side",
    "R25": "in test_rpc, on a clock that is moved by hand",
    "R26": "in test_rpc and test_rpc_laws",
    "B09": "in test_tls",
    "C09": "the product always controls: it accepts instead",
    "C12": "no station gets a curve (decision 4)",
    "C13": "no station gets a curve, so that no signal is for anything there",
    "C25": "in test_grid_settings, which has an inverter",
    "E11": "in test_certificates, which has a home that signs",
}
CASES = [
    (scenario_id, protocol)
    for scenario_id in sorted(PLAYS)
    for protocol in VERSIONS[SCENARIOS[scenario_id]["v"]]
]


def test_each_scenario_is_played_or_excused() -> None:
    assert sorted([*PLAYS, *NOT_PLAYED]) == sorted(SCENARIOS)


@pytest.mark.parametrize(
    ("scenario_id", "protocol"), CASES, ids=[f"{name}-{p}" for name, p in CASES]
)
async def test_scenario(
    rig: Rig, dialler: Dialler, scenario_id: str, protocol: str
) -> None:
    await PLAYS[scenario_id](Scene(rig, dialler, protocol))
