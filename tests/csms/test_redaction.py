"""Nothing secret or personal gets into the debug log."""

import json

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.csms.redaction import MAX_LOGGED_LENGTH, redacted


def test_of_an_address_only_the_host_is_shown() -> None:
    frame = [2, "1", "GetDiagnostics", {"location": "ftp://me:secret@nas:21/a/token"}]
    assert json.loads(redacted(json.dumps(frame)))[3] == {"location": "ftp://nas/***"}
    log = {"log": {"remoteLocation": "http://home:8080/upload/token"}}
    shown = redacted(json.dumps([2, "1", "GetLog", log]))
    assert "token" not in shown
    assert "http://home/***" in shown
    assert "secret" not in redacted('[{"location": "http://[secret"}]')
    place = [{"location": "Outlet", "value": 1}]
    assert json.loads(redacted(json.dumps(place))) == place


def test_tokens_certificates_passwords_and_vehicles_are_masked() -> None:
    frame = [
        2,
        "1",
        "Authorize",
        {
            "idToken": {
                "idToken": "SECRET1",
                "type": "ISO14443",
                "additionalInfo": [{"additionalIdToken": "SECRET2", "type": "EVCCID"}],
            },
            "certificate": "SECRET3",
            "csr": "SECRET4",
            "note": "shown",
            "setVariableData": [
                {
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                    "attributeValue": "SECRET5",
                }
            ],
            "eventData": [
                {
                    "component": {"name": "ConnectedEV"},
                    "variable": {"name": "VehicleID"},
                    "actualValue": "SECRET6",
                }
            ],
        },
    ]
    text = redacted(json.dumps(frame))
    assert "SECRET" not in text
    for shown in ("Authorize", "ISO14443", "shown", "BasicAuthPassword", "ConnectedEV"):
        assert shown in text


def test_a_long_frame_is_cut_and_an_unreadable_one_only_measured() -> None:
    assert len(redacted(json.dumps(["x" * 9000]))) == MAX_LOGGED_LENGTH
    assert redacted("{SECRET") == '"7 characters, unreadable"'
    assert redacted("[" * 200_000) == '"200000 characters, unreadable"'
    assert redacted("[" * 5000 + "]" * 5000) == '"10000 characters, unreadable"'


@given(st.text() | st.binary())
def test_no_frame_raises(data: str | bytes) -> None:
    redacted(data)


def test_positions_vehicles_and_logins_are_found_wherever_makers_put_them() -> None:
    frame = [
        2,
        "1",
        "DataTransfer",
        {
            "vendorId": "org.example",
            "data": json.dumps({"vin": "SECRET1", "gps": {"lat": 1.5}, "soc": 55}),
            "customData": {
                "vendorId": "x",
                "latitude": 52.51631,
                "longitude": 13.37777,
            },
            "ocppCsmsUrl": "wss://me:secret@csms.example/CS1",
            "techInfo": "car WVWZZZ1JZ3W386752 at 52.51631, 13.37777",
            "configurationKey": [{"key": "Latitude", "value": "52.51631"}],
        },
    ]
    shown = redacted(json.dumps(frame))
    for secret in ("SECRET", "1.5", "52.5", "13.3", "me:", "secret", "WVWZZZ"):
        assert secret not in shown
    for kept in ("org.example", "soc", "55", "csms.example", "Latitude", "car"):
        assert kept in shown


def test_numbers_of_a_charger_are_not_taken_for_a_place_or_a_vehicle() -> None:
    frame = [
        {"timestamp": "2026-11-22T18:00:00.123456Z", "value": "230.1234"},
        {"transactionId": "a9c5e0c8-7d5e-4b7f-9d0e-0123456789ab"},
        {"data": "setpoint -5000.0 W"},
        {"data": [{"t": 0.0, "v": "-4999.9"}]},
        "12345678901234567",
    ]
    assert json.loads(redacted(json.dumps(frame))) == frame
