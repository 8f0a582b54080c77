"""Whatever was written comes back; whatever is not sure to be it is an error."""

from dataclasses import dataclass
from datetime import UTC
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    EvCapability,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import EvsePolicy, Mode, VehiclePolicy
from custom_components.v2g_vpp.site.stored_values import (
    read_bool,
    read_dataclass,
    read_float,
    read_mapping,
    read_text,
    written,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
KINDS = st.one_of(
    st.builds(
        EvsePolicy,
        mode=st.sampled_from(Mode),
        is_discharge_allowed=st.booleans(),
        max_charge_power_w=NUMBERS,
        max_discharge_power_w=NUMBERS,
        ramp_w_per_s=NUMBERS,
        vehicle_id=st.none() | st.text().map(VehicleId),
    ),
    st.builds(
        VehiclePolicy, reserve_percent=NUMBERS, is_discharge_allowed=st.booleans()
    ),
    st.builds(Fingerprint, dead_time_s=NUMBERS, is_learnt=st.booleans()),
    st.builds(
        EvCapability,
        is_bidirectional=st.booleans(),
        max_charge_power_w=st.none() | NUMBERS,
        departure_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    st.builds(
        Proof,
        dialect=st.sampled_from(DischargeDialect),
        firmware=st.text(),
        dead_man_s=NUMBERS,
        passed_at=st.text(),
        proven_power_w=NUMBERS,
        guarantee=st.sampled_from(GuaranteeClass),
        validity_s=st.none() | NUMBERS,
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(KINDS)
def test_what_is_written_comes_back(value: Any) -> None:
    stored = json.loads(json.dumps(written(value)))
    assert read_dataclass(type(value), stored) == value


@given(st.sampled_from([EvsePolicy, VehiclePolicy, Fingerprint, Proof]), JSON)
def test_nonsense_is_an_error_or_a_value_of_its_types(
    kind: type[Any], stored: Any
) -> None:
    try:
        value = read_dataclass(kind, stored)
    except TypeError, ValueError:
        return
    assert isinstance(value, kind)


@given(KINDS, st.data())
def test_a_value_of_another_type_is_never_taken(
    value: Any, data: st.DataObject
) -> None:
    stored = json.loads(json.dumps(written(value)))
    name = data.draw(st.sampled_from(sorted(stored)))
    other = data.draw(JSON)
    is_number = isinstance(stored[name], int | float)
    is_same = type(other) is type(stored[name]) or (
        is_number and isinstance(other, int | float) and not isinstance(other, bool)
    )
    if is_same or other is None or stored[name] is None:
        return
    with pytest.raises((TypeError, ValueError)):
        read_dataclass(type(value), {**stored, name: other})


@pytest.mark.parametrize("text", ["2026-11-22T18:00:00", "tomorrow", ""])
def test_a_moment_without_a_zone_is_an_error(text: str) -> None:
    stored = written(EvCapability(is_bidirectional=True))
    with pytest.raises(ValueError, match=r"zone|Invalid"):
        read_dataclass(EvCapability, {**stored, "departure_at": text})


def test_a_missing_field_has_its_default_or_is_an_error() -> None:
    assert read_dataclass(VehiclePolicy, {"unknown": 1}) == VehiclePolicy()
    with pytest.raises(TypeError):
        read_dataclass(Proof, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    only: float = 0.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match=r"nan|inf"):
        read_dataclass(Numbers, {"only": value})


def test_each_reader_takes_its_own_type_alone() -> None:
    assert read_bool(True)
    assert read_float(3) == 3.0
    assert read_text("x") == "x"
    assert read_mapping({"a": 1}) == {"a": 1}
    with pytest.raises(TypeError):
        read_bool(1)
    with pytest.raises(TypeError):
        read_float(True)
    with pytest.raises(TypeError):
        read_float("1")
    with pytest.raises(TypeError):
        read_text(1)
    with pytest.raises(TypeError):
        read_mapping([])
