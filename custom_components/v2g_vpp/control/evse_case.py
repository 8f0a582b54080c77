"""One EVSE within one control step, and what is remembered of it between two."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..domain.dispatch import DispatchOrder
from ..domain.measurement import Reading
from ..domain.policy import Mode
from ..domain.setpoint import LOCAL_OWNERS, ControlOwner, Reason, Setpoint
from .contactor import ContactorDwell
from .inputs import EvseInputs, SiteInputs
from .lease import Lease
from .limits import Bound, Envelope, charge_bound, discharge_bound
from .permission import DischargeQuestion, blocks, first_block, is_told_by_start
from .pid import Trim
from .share_cost import ShareMemory
from .soc_guard import SocVerdict
from .spell import SpellWatch
from .vehicle_watch import VehicleVerdict, VehicleWatch

EMPTY = Envelope(
    discharge=Bound(power_w=0.0, reason=Reason.NOTHING_REQUESTED),
    charge=Bound(power_w=0.0, reason=Reason.NOTHING_REQUESTED),
)
AT_REST = Setpoint(
    power_w=0.0,
    requested_w=0.0,
    owner=ControlOwner.NONE,
    reason=Reason.NOTHING_REQUESTED,
)


@dataclass(slots=True)
class Track:
    """What is remembered of one EVSE between two steps."""

    vehicle: VehicleWatch = field(default_factory=VehicleWatch)
    trim: Trim = field(default_factory=Trim)
    share: ShareMemory = field(default_factory=ShareMemory)
    dwell: ContactorDwell = field(default_factory=ContactorDwell)
    spell: SpellWatch = field(default_factory=SpellWatch)
    step_mono_s: float | None = None
    reference_w: float = 0.0
    power_w: float = 0.0
    limited: int = 0
    sparing: Mode | None = None
    """The mode that for money had the power of the last step; None: it had another
    owner."""

    was_dispatched: bool = False
    is_released: bool = False
    """A lost link ended its dispatch: no discharge of its own until the link is back."""


@dataclass(slots=True)
class Case:
    """One EVSE within one step."""

    now_mono_s: float
    evse: EvseInputs
    track: Track
    lease: Lease
    order: DispatchOrder | None
    """The order that runs now, also when a stronger owner holds the lease."""

    stop: Reason | None
    """What forbids power in both directions."""

    vehicle: VehicleVerdict
    local: Lease
    """What the home itself wants, whoever holds the lease."""

    power: Reading | None
    """Fresh at its meter, None when that is silent."""

    charge_room: Bound | None = None
    """What the home leaves for charging, None without a limit."""

    discharge_room: Bound | None = None
    offer: Envelope = EMPTY
    """For a dispatch, whoever holds the lease; before the start of a transaction what
    it will be then."""

    envelope: Envelope = EMPTY
    """For the owner of the lease."""

    setpoint: Setpoint = AT_REST
    goal_w: float = 0.0
    """Where the power goes: inside every limit, before ramp and correction."""

    reference_w: float = 0.0
    """The power that shall flow; the setpoint adds what the charger's offset takes."""

    blocks: dict[tuple[ControlOwner, bool], Reason | None] = field(default_factory=dict)
    """What forbids discharge, by owner and for before a start, as far as asked for."""

    limited: int = 0
    """-1 or +1 when the correction was cut at the lowest or highest power."""

    @property
    def soc(self) -> SocVerdict:
        """What the state of charge allows."""
        return self.vehicle.soc

    @property
    def is_startable(self) -> bool:
        """True when only a transaction is missing, and the home can start it."""
        return self.stop is Reason.NO_TRANSACTION and self.evse.can_start_transaction


def find_block(
    case: Case,
    site: SiteInputs,
    owner: ControlOwner,
    *,
    is_before_start: bool = False,
) -> Reason | None:
    """Return what forbids discharge for an owner, None when it may.

    Args:
        case: of the EVSE.
        site: what holds for the whole home.
        owner: who asks.
        is_before_start: asked for the time after the start of a transaction.
    """
    # The gates are asked once per owner and step: this is most of what a step costs.
    asked = (owner, is_before_start)
    if asked not in case.blocks:
        question = ask(case, site, owner, is_before_start=is_before_start)
        case.blocks[asked] = first_block(question)
    return case.blocks[asked]


def find_blocks(case: Case, site: SiteInputs, owner: ControlOwner) -> Iterable[Reason]:
    """Return all that forbids discharge for an owner now, in the order of telling."""
    if find_block(case, site, owner) is None:
        return ()
    return blocks(ask(case, site, owner))


def ask(
    case: Case,
    site: SiteInputs,
    owner: ControlOwner,
    *,
    is_before_start: bool = False,
) -> DischargeQuestion:
    """Return the question whether an EVSE may discharge for an owner."""
    return DischargeQuestion(
        evse=case.evse,
        site=site,
        owner=owner,
        vehicle=case.vehicle,
        power=case.power,
        now_mono_s=case.now_mono_s,
        is_spell_over=case.track.spell.is_over,
        is_before_start=is_before_start,
    )


def envelope_for(case: Case, site: SiteInputs, owner: ControlOwner) -> Envelope:
    """Return the envelope of an EVSE for an owner, whoever holds the lease."""
    block = find_block(case, site, owner)
    return _envelope(case, site, owner, block, is_before_start=False)


def promise_for(case: Case, site: SiteInputs, owner: ControlOwner) -> Envelope:
    """Return the envelope once the transaction runs that the home can start.

    The same as ``envelope_for`` where one runs, and where the home can start none.
    Nothing flows by it: without a transaction the envelope itself is empty.
    """
    is_before_start = case.is_startable
    block = find_block(case, site, owner, is_before_start=is_before_start)
    return _envelope(case, site, owner, block, is_before_start=is_before_start)


def hope_for(case: Case, site: SiteInputs, owner: ControlOwner) -> Envelope | None:
    """Return the envelope of before a start, were all well that only a start tells.

    None when that is not what is in the way of a discharge.
    """
    if case.lease.requested_w >= 0:
        return None
    if not is_told_by_start(ask(case, site, owner, is_before_start=True)):
        return None
    return _envelope(case, site, owner, None, is_before_start=True)


def _envelope(
    case: Case,
    site: SiteInputs,
    owner: ControlOwner,
    block: Reason | None,
    *,
    is_before_start: bool,
) -> Envelope:
    if block is None and case.track.is_released and owner in LOCAL_OWNERS:
        block = Reason.FAILSAFE
    lasts_s = 0.0
    if owner is ControlOwner.VPP and case.order is not None:
        # What is promised lasts to the end of its time.
        lasts_s = max(0.0, case.order.ends_mono_s - case.now_mono_s)
    heat_share = case.evse.heat.lasting_share(lasts_s)
    return Envelope(
        discharge=discharge_bound(
            case.evse,
            block,
            owner=owner,
            site_bound=case.discharge_room,
            heat_share=heat_share,
        ),
        charge=charge_bound(
            case.evse,
            None if is_before_start else case.stop,
            is_at_maximum=case.soc.is_at_maximum,
            unwatched=_silent_meter(case, site, is_before_start=is_before_start),
            site_bound=case.charge_room,
            heat_share=heat_share,
        ),
    )


def _silent_meter(
    case: Case, site: SiteInputs, *, is_before_start: bool
) -> Reason | None:
    """Return which meter does not watch what charges."""
    if not is_before_start and case.power is None:
        return Reason.METER_STALE
    wiring = site.wiring
    has_limit = wiring is not None and (
        wiring.fuse_a is not None or wiring.import_limit_w is not None
    )
    if has_limit and case.evse.is_meter_contradicted:
        # Whatever the meter of the home says, the limit is watched by nothing else.
        return Reason.FAULT
    is_silent = has_limit and site.is_grid_silent
    return Reason.SITE_METER_STALE if is_silent else None
