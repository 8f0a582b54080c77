"""What an operator asks of a home, read from a request."""

from itertools import pairwise

from .dispatcher import CommandOrder
from .errors import BadRequestError
from .fields import Fields
from .messages import CommandKind, CurvePoint, Droop

MAX_POWER_W = 1_000_000
MAX_DURATION_S = 4 * 3600
FREQUENCY_MHZ = (40_000, 70_000)
MAX_DEAD_BAND_MHZ = 5_000
MAX_POINTS = 16
"""VPP contract: bounds of a command."""

MAX_LEAD_S = 48 * 3600
"""VPP contract: a command may start this far ahead."""


def read_order(fields: Fields) -> CommandOrder:
    """Return the order of a request.

    Raises:
        BadRequestError: with a sentence about the first field that is wrong.
    """
    kind = fields.text("kind")
    if kind not in set(CommandKind):
        names = ", ".join(CommandKind)
        raise BadRequestError(f"The field 'kind' must be one of: {names}.")
    power_w = fields.optional_number("power_w", -MAX_POWER_W, MAX_POWER_W)
    ramp_w_per_s = fields.optional_number("ramp_w_per_s", 1, MAX_POWER_W)
    if (power_w is not None) != (kind in {CommandKind.SETPOINT, CommandKind.LIMIT}):
        raise BadRequestError(
            "The field 'power_w' is required for a setpoint or a limit, and means "
            "nothing for anything else."
        )
    order = CommandOrder(
        kind=CommandKind(kind),
        power_w=None if power_w is None else round(power_w),
        duration_s=fields.number("duration_s", 1, MAX_DURATION_S),
        start_in_s=fields.number("start_in_s", 0, MAX_LEAD_S, default=0),
        resource=fields.optional_text("resource"),
        event_id=fields.optional_text("event_id"),
        ramp_w_per_s=None if ramp_w_per_s is None else round(ramp_w_per_s),
        test=fields.flag("test", default=False),
        dry_run=fields.flag("dry_run", default=False),
        droop=_droop(fields) if kind == CommandKind.DROOP else None,
        curve=_curve(fields) if kind == CommandKind.CURVE else None,
    )
    fields.finish()
    return order


def _droop(order: Fields) -> Droop:
    fields = order.nested("droop")
    droop = Droop(
        nominal_mhz=round(fields.number("nominal_mhz", *FREQUENCY_MHZ)),
        dead_band_mhz=round(fields.number("dead_band_mhz", 0, MAX_DEAD_BAND_MHZ)),
        power_w_per_hz=round(fields.number("power_w_per_hz", 0, MAX_POWER_W)),
    )
    fields.finish()
    return droop


def _curve(order: Fields) -> tuple[CurvePoint, ...]:
    points = tuple(_point(item) for item in order.items("curve", 2, MAX_POINTS))
    if any(
        low.frequency_mhz >= high.frequency_mhz or low.power_w > high.power_w
        for low, high in pairwise(points)
    ):
        raise BadRequestError(
            "The frequencies of the field 'curve' must rise, and no power may fall."
        )
    return points


def _point(fields: Fields) -> CurvePoint:
    point = CurvePoint(
        frequency_mhz=round(fields.number("frequency_mhz", *FREQUENCY_MHZ)),
        power_w=round(fields.number("power_w", -MAX_POWER_W, MAX_POWER_W)),
    )
    fields.finish()
    return point
