"""Mutated requests: each gets an answer that is no fault of the aggregator."""

from script.benches.fuzz_requests import fuzz_aggregator, fuzz_invitations
from script.benches.fuzz_watch import counted_errors


async def test_an_aggregator_survives_what_it_is_sent(socket_enabled: None) -> None:
    with counted_errors("aggregator", "aiohttp.server") as errors:
        found = await fuzz_aggregator(200, seed=5)
    assert found["wrong"] == []
    assert not errors.texts


def test_a_home_reads_no_invitation_wrongly() -> None:
    assert fuzz_invitations(600, seed=6) == []
