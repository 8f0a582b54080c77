"""Mutated frames of every version: answered, survived, and nothing is kept."""

import logging

import pytest

from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS, RpcVersion
from script.benches.fuzz_frames import fuzz_inside, fuzz_socket, unanswered_in
from script.benches.fuzz_watch import ErrorCount
from script.benches.mutations import Mutator


@pytest.mark.parametrize("version", SERVED_VERSIONS, ids=lambda v: v.protocol)
async def test_each_request_is_answered_once_and_nothing_fails(
    version: RpcVersion,
) -> None:
    errors = ErrorCount()
    logger = logging.getLogger("custom_components.v2g_vpp")
    logger.addHandler(errors)
    try:
        found = await fuzz_inside(version, 700, seed=7)
    finally:
        logger.removeHandler(errors)
    assert found["wrong"] == []
    assert found["pending"] == 0
    assert not errors.texts


@pytest.mark.parametrize("version", SERVED_VERSIONS, ids=lambda v: v.protocol)
async def test_a_real_link_answers_on(
    socket_enabled: None, version: RpcVersion
) -> None:
    assert await fuzz_socket(version, 200, seed=8) == 0


def test_the_judge_sees_what_is_missing_and_what_is_too_much() -> None:
    call = '[2,"f1","Heartbeat",{}]'
    answer = '[3,"f1",{}]'
    assert unanswered_in([call], [answer]) == []
    assert unanswered_in([call], []) == [call]
    assert unanswered_in([call], [answer, answer]) == [call]
    assert unanswered_in([call], ['[4,"-1","RpcFrameworkError","",{}]']) == [call]
    broken = '[2,"f2","Heartbeat",{"a":NaN}]'
    assert unanswered_in([broken], ['[4,"-1","RpcFrameworkError","",{}]']) == []
    assert unanswered_in([broken], []) == [broken]


def test_a_seed_makes_the_same_frames_again_and_many_of_them_are_sound() -> None:
    first = list(Mutator("ocpp2.1", 3).frames(200))
    assert first == list(Mutator("ocpp2.1", 3).frames(200))
    assert len(set(first)) > 190
