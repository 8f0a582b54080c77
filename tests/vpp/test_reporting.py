"""What the aggregator may see, and what it may not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import (
    DialectTiming,
    DischargeDialect,
    Fingerprint,
    Proof,
    StationCapability,
)
from custom_components.v2g_vpp.domain.dispatch import (
    BindingClass,
    CommandKind,
    DispatchOrder,
    LinkState,
)
from custom_components.v2g_vpp.domain.frequency_response import SupportRefusal
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.ids import (
    EvseKey,
    ProgrammeId,
    StationId,
    VehicleId,
)
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.policy import (
    EvsePolicy,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.self_test import SelfTestStatus
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from custom_components.v2g_vpp.domain.state import EvseState
from custom_components.v2g_vpp.vpp.codec import serialise
from custom_components.v2g_vpp.vpp.envelope import Envelope
from custom_components.v2g_vpp.vpp.messages import Guarantee, Quality
from custom_components.v2g_vpp.vpp.reporting import (
    CLASS_OF_REASON,
    MAX_READING_AGE_S,
    describe_availability,
    describe_offer,
    describe_telemetry,
    is_news,
)
from custom_components.v2g_vpp.vpp.speaker import new_id

from .actors import EPOCH_START, PROGRAMME

KEY = EvseKey(StationId("CS1"), 1)
CAR = VehicleId("car-secret-name")
PROOF = Proof(
    dialect=DischargeDialect.V21_DYNAMIC,
    firmware="1",
    dead_man_s=23.0,
    passed_at="2026-11-23T16:00:00.000Z",
    proven_power_w=10_000.0,
)


def reading(value: Any, mono_s: float = 1000.0) -> Any:
    return Reading(value=value, received_mono_s=mono_s, taken_at=EPOCH_START)


def evse(**changes: Any) -> Any:
    return replace(
        EvseSnapshot(
            key=KEY,
            state=EvseState.DISCHARGING,
            setpoint=Setpoint(
                power_w=-5000,
                requested_w=-5000,
                owner=ControlOwner.VPP,
                reason=Reason.AS_REQUESTED,
            ),
            measurement=Measurement(
                power_w=reading(-4987.4),
                soc_percent=reading(61.7),
                energy_charged_wh=reading(1000.0),
                energy_discharged_wh=reading(300.0),
                frequency_hz=reading(49.981),
            ),
            is_meter_fresh=True,
            is_plugged=True,
            has_transaction=True,
            is_emergency_stopped=False,
            faults=(),
            policy=EvsePolicy(is_discharge_allowed=True),
            needs=None,
            vehicle_id=CAR,
            discharge_blocked_by=None,
            available_charge_w=11_000.0,
            available_discharge_w=10_000.0,
            fingerprint=Fingerprint(),
            proof=PROOF,
            self_test=SelfTestStatus(),
        ),
        **changes,
    )


def home(
    *evses: Any,
    is_participating: bool = True,
    order: Any = None,
    export_limit_w: float | None = None,
    soc: float | None = 61.7,
) -> Any:
    return SiteSnapshot(
        stations=(
            StationSnapshot(
                station_id=KEY.station_id,
                is_connected=True,
                is_ready=True,
                protocol="ocpp2.1",
                vendor="V",
                model="M",
                serial_number="serial-secret",
                firmware="1",
                capability=StationCapability(
                    protocol="ocpp2.1",
                    evse_ids=(1,),
                    dialect=DischargeDialect.V21_DYNAMIC,
                ),
                has_floor_profile=True,
            ),
        ),
        evses=evses or (evse(),),
        vehicles=(
            VehicleSnapshot(
                spec=VehicleSpec(vehicle_id=CAR, name="Ann's", capacity_wh=60_000.0),
                policy=VehiclePolicy(),
                evse=KEY,
                soc_percent=soc,
                is_v2g_capable=True,
            ),
        ),
        programmes=(
            ProgrammeSnapshot(
                programme_id=ProgrammeId(PROGRAMME),
                link=LinkState.HEALTHY,
                is_participating=is_participating,
                order=order,
                delivered_discharge_wh=0.0,
            ),
        ),
        export_limit_w=export_limit_w,
    )


def availability(snapshot: SiteSnapshot) -> Any:
    return describe_availability(snapshot, ProgrammeId(PROGRAMME))


def telemetry(snapshot: SiteSnapshot, now_mono_s: float = 1001.0) -> Any:
    return describe_telemetry(snapshot, ProgrammeId(PROGRAMME), now_mono_s)


def offer(snapshot: SiteSnapshot) -> Any:
    return describe_offer(snapshot, ProgrammeId(PROGRAMME), 4)


def test_only_who_can_follow_the_frequency_offers_it() -> None:
    (able,) = offer(home(evse(support_refusal=None))).resources
    assert able.features == ("curve", "droop")
    (unfit,) = offer(home(evse(support_refusal=SupportRefusal.TOO_SLOW))).resources
    assert unfit.features == ()


def test_availability_is_what_is_left_after_floors() -> None:
    (one,) = availability(home()).resources
    assert (one.room.lowest_w, one.room.highest_w) == (-10_000, 11_000)
    # Of 61.7 % of 60 kWh down to the dispatch floor of 50 % the day's budget leaves
    # 10 %; and up to 100 %.
    assert one.room.deliverable_wh == pytest.approx(6_000)
    assert one.room.absorbable_wh == pytest.approx(22_980)
    assert one.why == ()


def test_blocked_discharge_offers_nothing_and_says_only_the_class() -> None:
    snapshot = home(
        evse(available_discharge_w=0.0, discharge_blocked_by=Reason.VPP_FLOOR)
    )
    (one,) = availability(snapshot).resources
    assert (one.room.lowest_w, one.room.deliverable_wh) == (0, 0)
    assert one.why == (BindingClass.USER,)


def test_unknown_state_of_charge_promises_no_energy() -> None:
    (one,) = availability(home(soc=None)).resources
    assert (one.room.deliverable_wh, one.room.absorbable_wh) == (0, 0)


def test_paused_programme_offers_nothing_and_opting_in_again_everything() -> None:
    paused = home(is_participating=False)
    assert availability(paused).site.lowest_w == 0
    assert availability(paused).site.highest_w == 0
    assert not offer(paused).is_opted_in
    assert availability(home()).site.lowest_w == -10_000
    assert offer(home()).is_opted_in


def test_export_limit_bounds_the_site_and_not_each_evse() -> None:
    two = (evse(), evse(key=EvseKey(StationId("CS1"), 2)))
    site = availability(home(*two, export_limit_w=12_000.0)).site
    assert site.lowest_w == -12_000
    assert availability(home(*two)).site.lowest_w == -20_000


def test_change_of_five_percent_or_of_a_class_is_news() -> None:
    before = availability(home())
    assert is_news(None, before)
    assert not is_news(before, availability(home(evse(available_charge_w=10_500.0))))
    assert is_news(before, availability(home(evse(available_charge_w=10_400.0))))
    assert is_news(before, availability(home(evse(available_discharge_w=0.0))))
    limited = evse(discharge_blocked_by=Reason.RAMP)
    assert is_news(before, availability(home(limited)))
    assert not is_news(availability(home(limited)), availability(home(limited)))


def test_telemetry_sums_fresh_readings_and_never_counts_silence_as_zero() -> None:
    second = EvseKey(StationId("CS1"), 2)
    both = telemetry(home(evse(), evse(key=second)))
    assert both.power_w == pytest.approx(-9974.8)
    assert both.quality is Quality.GOOD
    assert both.frequency_hz == 49.981
    half = telemetry(home(evse(), evse(key=second, is_meter_fresh=False)))
    assert half.power_w == pytest.approx(-4987.4)
    assert half.quality is Quality.STALE
    assert half.resources[1].power_w is None
    none = telemetry(home(evse(is_meter_fresh=False)))
    assert none.power_w is None


def test_reading_of_a_site_that_stopped_judging_becomes_stale() -> None:
    assert telemetry(home(), 1000.0 + MAX_READING_AGE_S).power_w is not None
    late = telemetry(home(), 1001.0 + MAX_READING_AGE_S)
    assert (late.power_w, late.quality) == (None, Quality.STALE)
    assert late.resources[0].discharged_wh == 300.0


def test_empty_evse_is_no_reason_for_stale_quality() -> None:
    empty = evse(is_plugged=False, has_transaction=False, measurement=Measurement())
    assert telemetry(home(evse(), empty)).quality is Quality.GOOD


def test_telemetry_names_the_command_that_is_followed() -> None:
    order = DispatchOrder(
        order_id=new_id(),
        programme_id=ProgrammeId(PROGRAMME),
        kind=CommandKind.SETPOINT,
        resource=None,
        power_w=-5000.0,
        start_at=EPOCH_START,
        end_at=EPOCH_START + timedelta(minutes=5),
        start_mono_s=0.0,
        ends_mono_s=300.0,
    )
    assert telemetry(home(order=order)).command_id == order.order_id
    assert telemetry(home(order=replace(order, order_id=""))).command_id is None
    assert telemetry(home()).command_id is None


def test_offer_says_no_discharge_before_it_is_proven_and_allowed() -> None:
    (proven,) = offer(home()).resources
    assert (proven.max_discharge_power_w, proven.deadman_s) == (11_000, 23.0)
    assert proven.guarantee is Guarantee.STATION_PROVEN
    (unproven,) = offer(home(evse(proof=None))).resources
    assert unproven.max_discharge_power_w == 0
    assert unproven.guarantee is Guarantee.STATION_DECLARED
    (refused,) = offer(home(evse(policy=EvsePolicy()))).resources
    assert refused.max_discharge_power_w == 0
    unknown = replace(home(evse(proof=None)), stations=())
    (bare,) = offer(unknown).resources
    assert (bare.guarantee, bare.deadman_s) == (Guarantee.NONE, None)


ENDLESS = replace(
    PROOF, dialect=DischargeDialect.ENTITY, guarantee=GuaranteeClass.B, dead_man_s=70.0
)


def test_what_does_not_end_by_itself_offers_no_discharge_and_says_why() -> None:
    snapshot = home(evse(proof=ENDLESS))
    (offered,) = offer(snapshot).resources
    assert offered.max_discharge_power_w == 0.0
    assert offered.max_charge_power_w > 0
    assert (offered.guarantee, offered.deadman_s) == (Guarantee.NONE, None)
    (one,) = availability(snapshot).resources
    assert (one.room.lowest_w, one.room.deliverable_wh) == (0.0, 0.0)
    assert one.room.highest_w == 11_000
    assert one.why == (BindingClass.LIMIT,)


def test_a_charger_without_ocpp_declares_nothing_before_it_is_proven() -> None:
    snapshot = home(evse(proof=None))
    (station,) = snapshot.stations
    known = replace(
        station.capability,
        dialect=DischargeDialect.ENTITY,
        own_timing=DialectTiming(
            validity_s=30.0, refresh_s=10.0, write_interval_s=2.0, burst_writes=1
        ),
        own_watchdog_s=30.0,
    )
    snapshot = replace(snapshot, stations=(replace(station, capability=known),))
    (offered,) = offer(snapshot).resources
    assert (offered.guarantee, offered.deadman_s) == (Guarantee.NONE, None)
    assert offered.setpoint_interval_s == 2.0
    proof = replace(
        PROOF, dialect=DischargeDialect.ENTITY, dead_man_s=37.0, validity_s=30.0
    )
    proven = replace(snapshot, evses=(evse(proof=proof),))
    (offered,) = offer(proven).resources
    assert (offered.guarantee, offered.deadman_s) == (Guarantee.STATION_PROVEN, 37.0)


def test_every_reason_has_a_class_or_is_none_on_purpose() -> None:
    assert set(CLASS_OF_REASON) == set(Reason)
    silent = {reason for reason, one in CLASS_OF_REASON.items() if one is None}
    assert silent == {Reason.AS_REQUESTED, Reason.NOTHING_REQUESTED}


NO_SECRET_ID = "00000000-0000-7000-8000-000000000000"
"""A random one holds the digits of a secret by chance now and then."""


def test_nothing_private_leaves_the_home() -> None:
    snapshot = home(evse(discharge_blocked_by=Reason.VPP_FLOOR))
    words = b""
    for message in (offer(snapshot), availability(snapshot), telemetry(snapshot)):
        envelope = Envelope(
            version="1.0", message_id=NO_SECRET_ID, epoch=1, seq=1, made_at=EPOCH_START
        )
        words += serialise(envelope, message)
    for secret in (b"61.7", b"617", b"soc", b"secret", b"Ann", b"floor", b"percent"):
        assert secret not in words, secret


def test_what_is_learnt_is_offered_coarsely_and_on_the_safe_side() -> None:
    learnt = Fingerprint(
        dead_time_s=4.61, ramp_w_per_s=3_271.0, step_w=231.4, is_learnt=True
    )
    offer = describe_offer(home(evse(fingerprint=learnt)), ProgrammeId(PROGRAMME), None)
    (offered,) = offer.resources
    assert (offered.dead_time_s, offered.ramp_w_per_s) == (5.0, 3_200.0)
    assert offered.resolution_w == 231.4
    assert offered.is_measured
    # What was learnt since is no new offer.
    later = replace(learnt, dead_time_s=4.72, ramp_w_per_s=3_233.0)
    assert (
        describe_offer(home(evse(fingerprint=later)), ProgrammeId(PROGRAMME), None)
        == offer
    )
    slow = replace(learnt, ramp_w_per_s=63.0, step_w=0.0)
    (offered,) = describe_offer(
        home(evse(fingerprint=slow)), ProgrammeId(PROGRAMME), None
    ).resources
    assert (offered.ramp_w_per_s, offered.resolution_w) == (63.0, 1.0)
