"""What is known of a vehicle holds for one plug, watched or in one transaction."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import EvCapability
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    ConnectorReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.session import (
    EvseSession,
    advance_evse,
    unconfirmed,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus

KEY = EvseKey(StationId("CS1"), 1)
STARTED, UPDATED, ENDED = TransactionPhase
FIRST, SECOND = "t1", "t2"
NEEDS = EvCapability(is_bidirectional=True)


def _transaction(
    name: str,
    phase: TransactionPhase = UPDATED,
    *,
    is_offline: bool = False,
    is_recalled: bool = False,
    is_plugged: bool | None = True,
) -> TransactionReported:
    return TransactionReported(
        key=KEY,
        transaction_id=TransactionId(name),
        phase=phase,
        is_offline_replay=is_offline,
        is_recalled=is_recalled,
        is_plugged=is_plugged,
    )


def _identified(evcc_id: str) -> VehicleIdentified:
    return VehicleIdentified(key=KEY, evcc_id=evcc_id)


def _after(session: EvseSession, *events: StationEvent) -> EvseSession:
    for event in events:
        session = advance_evse(session, event)
    return session


def _known() -> EvseSession:
    """Return the session of a vehicle that was seen at its plug."""
    return _after(
        EvseSession(key=KEY),
        ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED),
        _transaction(FIRST, STARTED),
        _identified("A"),
        ChargingNeedsReported(key=KEY, needs=NEEDS),
    )


def test_a_watched_restart_keeps_the_vehicle() -> None:
    before = _known()
    after = _after(before, _transaction(FIRST, ENDED), _transaction(SECOND, STARTED))
    assert (after.evcc_id, after.needs) == ("A", NEEDS)
    assert after.visit == before.visit


def test_a_restart_after_a_blind_time_keeps_it_once_its_transaction_was_heard() -> None:
    blind = unconfirmed(_known())
    heard = _after(blind, _transaction(FIRST))
    started = _transaction(SECOND, STARTED)
    assert _after(heard, started).evcc_id == "A"
    assert _after(blind, started).evcc_id is None


@pytest.mark.parametrize(
    "hearsay",
    [
        _transaction(FIRST, is_recalled=True),
        _transaction(FIRST, is_offline=True),
        _transaction(FIRST, ENDED, is_offline=True),
        ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED),
    ],
)
def test_what_was_not_heard_of_the_present_confirms_nothing(
    hearsay: StationEvent,
) -> None:
    after = _after(unconfirmed(_known()), hearsay, _transaction(SECOND, STARTED))
    assert (after.evcc_id, after.needs) == (None, None)


def test_a_transaction_without_a_start_takes_nothing_over() -> None:
    before = _known()
    after = _after(before, _transaction(SECOND))
    assert (after.evcc_id, after.needs) == (None, None)
    assert after.visit != before.visit
    assert after.is_plugged


def test_what_it_said_itself_on_the_present_link_holds() -> None:
    blind = unconfirmed(_known())
    needs = EvCapability(is_bidirectional=False)
    after = _after(
        blind,
        _identified("B"),
        ChargingNeedsReported(key=KEY, needs=needs),
        _transaction(SECOND),
    )
    assert (after.evcc_id, after.needs) == ("B", needs)
    assert after.visit != blind.visit


def test_a_name_alone_does_not_bring_the_needs_of_the_other_along() -> None:
    after = _after(unconfirmed(_known()), _identified("B"))
    assert (after.evcc_id, after.needs) == ("B", None)


def test_an_end_that_was_not_heard_says_nothing_of_the_plug() -> None:
    after = _after(_known(), _transaction(FIRST, ENDED, is_plugged=None))
    assert after.is_plugged
    assert after.transaction_id is None
    assert (after.evcc_id, after.needs) == (None, None)


@given(
    st.lists(
        st.sampled_from(
            [
                _transaction(FIRST, is_recalled=True),
                _transaction(FIRST, is_offline=True),
                _transaction(FIRST, ENDED, is_offline=True),
                _transaction(SECOND, STARTED, is_offline=True),
                _transaction(SECOND, is_offline=True),
                _transaction(SECOND, is_recalled=True),
                _transaction(SECOND, STARTED),
                _transaction(SECOND),
                _transaction("t3", STARTED),
                ConnectorReported(
                    key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED
                ),
            ]
        ),
        max_size=8,
    )
)
def test_no_other_transaction_after_a_blind_time_runs_under_the_old_name(
    events: list[StationEvent],
) -> None:
    session = _after(unconfirmed(_known()), *events)
    is_other = session.transaction_id not in (None, TransactionId(FIRST))
    assert not (is_other and session.evcc_id == "A")
