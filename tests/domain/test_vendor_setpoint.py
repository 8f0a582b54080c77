"""A power is filled into the message of a maker, or the message is refused."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.vendor_setpoint import (
    VendorPower,
    VendorSetpoint,
    template_problem,
)

JSON_TEMPLATE = '{"p": {power_w}, "for": {duration_s}, "tx": "{transaction_id}"}'


def message(template: str) -> VendorSetpoint:
    return VendorSetpoint(vendor_id="org.example", message_id=None, template=template)


def power(power_w: float, transaction_id: str = "t1", phases: int = 3) -> VendorPower:
    return VendorPower(
        power_w=power_w,
        duration_s=60.0,
        evse_id=2,
        transaction_id=transaction_id,
        phases=phases,
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("set {power_w}", "set -5000"),
        ("{power_kw}", "-5.0"),
        ("{current_a}", "-7.2"),
        ("{charge_w};{discharge_w}", "0;5000"),
        ("{power_w},{evse_id},{duration_s}", "-5000,2,60"),
    ],
)
def test_numbers_are_filled_in(template: str, text: str) -> None:
    assert template_problem(message(template)) is None
    assert message(template).text(power(-5000.9)) == text
    assert message(template).data(power(-5000.9)) == text, "2.x sends the same text"


def test_what_begins_like_json_is_sent_as_what_it_stands_for() -> None:
    setpoint = message(JSON_TEMPLATE)
    assert setpoint.data(power(-5000.0, 'a"b\\c')) == {
        "p": -5000,
        "for": 60,
        "tx": 'a"b\\c',
    }


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{power}", "template_unknown_place"),
        ("{power_w} {secret}", "template_unknown_place"),
        ("", "template_without_power"),
        ("{duration_s}", "template_without_power"),
        ("{discharge_w}", "template_without_power"),
        ('{"p": {power_w}', "template_not_json"),
        ("[{power_w},]", "template_not_json"),
        ("{power_w}" + 1_000 * "x", "template_too_long"),
    ],
)
def test_what_is_wrong_is_named(template: str, problem: str) -> None:
    assert template_problem(message(template)) == problem


@given(st.text(max_size=80).map(lambda text: text + "{power_w}"))
def test_any_text_is_refused_or_can_be_filled_in(template: str) -> None:
    setpoint = message(template)
    if template_problem(setpoint) is None:
        assert "-3000" in setpoint.text(power(-3000.0))
        json.dumps(setpoint.data(power(-3000.0)))


@given(st.floats(-22_000, 22_000), st.sampled_from([1, 3]))
def test_no_number_is_larger_than_was_meant(power_w: float, phases: int) -> None:
    told = power(power_w, phases=phases)
    watts, kilowatts, amperes = (
        float(part)
        for part in message("{power_w} {power_kw} {current_a}").text(told).split()
    )
    for value in (watts, kilowatts * 1000, amperes * 230 * phases):
        assert abs(value) <= abs(power_w) + 1e-6
        assert value * power_w >= 0


def test_another_text_is_another_message() -> None:
    texts = ("{power_w}", "{power_w} ", "-{power_w}")
    assert len({message(text).fingerprint for text in texts}) == len(texts)
