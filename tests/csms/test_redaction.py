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


def shown_of(payload: object, action: str = "DataTransfer") -> str:
    return redacted(json.dumps([2, "1", action, payload]), limit=None)


def test_a_signed_reading_names_the_card_and_is_not_shown() -> None:
    signed = 'OCMF|{"FV":"1.0","IS":true,"IT":"ISO14443","ID":"SECRET"}|{"SD":"30"}'
    value = {"signedMeterData": signed, "publicKey": "3059", "encodingMethod": "OCMF"}
    for sample in (
        {"value": 1.0, "signedMeterValue": value},
        {"value": signed, "format": "SignedData"},
        {"value": signed},
    ):
        shown = shown_of({"meterValue": [{"sampledValue": [sample]}]}, "MeterValues")
        assert "SECRET" not in shown


def test_variables_and_keys_with_a_secret_name_are_masked_whatever_their_maker() -> (
    None
):
    for name in (
        "Token",
        "VehicleCertificate",
        "SerialNumber",
        "ICCID",
        "VpnPassword",
        "SharedSecret",
        "WifiPassphrase",
        "x_admin_pwd",
        "PrivateKey",
    ):
        variable = {
            "component": {"name": "Any"},
            "variable": {"name": name, "instance": "Leaf"},
            "variableAttribute": [{"type": "Actual", "value": "SECRET"}],
        }
        assert "SECRET" not in shown_of({"reportData": [variable]}, "NotifyReport"), (
            name
        )
        key = {"key": name, "readonly": False, "value": "SECRET"}
        assert "SECRET" not in shown_of({"configurationKey": [key]}), name
        assert name in shown_of({"configurationKey": [key]})
    harmless = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    assert "300" in shown_of({"configurationKey": [harmless]})


def test_a_key_of_a_virtual_private_network_is_no_name_of_a_setting() -> None:
    vpn = {"server": "home", "user": "SECRET", "password": "SECRET", "key": "SECRET"}
    apn = {"apn": "net", "apnPassword": "SECRET", "simPin": 4711}
    shown = shown_of({"connectionData": {"vpn": vpn, "apn": apn}}, "SetNetworkProfile")
    assert "SECRET" not in shown
    assert "4711" not in shown
    assert "home" in shown


def test_persons_and_vehicles_of_rarer_messages_are_masked() -> None:
    told = {"requestId": 1, "data": "card SECRET of SECRET", "generatedAt": "x"}
    assert "SECRET" not in shown_of(told, "NotifyCustomerInformation")
    needs = {"derChargingParameters": {"evInverterSerialNumber": "SECRET"}}
    assert "SECRET" not in shown_of({"chargingNeeds": needs}, "NotifyEVChargingNeeds")
    who = {"name": "SECRET", "address1": "SECRET", "city": "SECRET", "country": "NL"}
    settled = {"vatNumber": "SECRET", "vatCompany": {**who, "postalCode": "SECRET"}}
    assert "SECRET" not in shown_of(settled, "NotifySettlement")
    assert "SECRET" not in shown_of({"data": "id_tag=SECRET; power=5"})
    assert "power=5" in shown_of({"data": "id_tag=SECRET; power=5"})
