"""Encoding, decoding, and what a refusal says."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime

import msgspec
import pytest
from tests.strategies.oracle import definitions, messages
from tests.strategies.payloads import least, resolved

from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import Deviation, Policy, Violation, decode, encode, encode_checked, validate
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.structs import CustomDataType, Draft4Payload, Payload
from voltbridge.protocol.versions import Version

METER_VALUES = (
    b'{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"2024-05-01T12:00:00.5+02:00",'
    b'"sampledValue":[{"value":"12.50","measurand":"Energy.Active.Import.Register","phase":"L1-N","unit":"kWh"}]}]}'
)


def refusal(message_type: type[Payload], payload: object) -> tuple[ViolationKind, str]:
    with pytest.raises(Violation) as refused:
        decode(message_type, json.dumps(payload).encode())
    assert refused.value.detail
    return refused.value.kind, refused.value.path


def test_fields_enumerations_and_date_times() -> None:
    message = decode(v16.MeterValuesRequest, METER_VALUES)
    assert (message.connector_id, message.transaction_id) == (1, 7)
    (entry,) = message.meter_value
    assert entry.timestamp == "2024-05-01T12:00:00.5+02:00"
    assert entry.timestamp.moment == datetime(2024, 5, 1, 10, 0, 0, 500000, tzinfo=UTC)
    (sample,) = entry.sampled_value
    assert sample == v16.SampledValue(
        value="12.50",
        measurand=v16.Measurand.ENERGY_ACTIVE_IMPORT_REGISTER,
        phase=v16.Phase.L1_N,
        unit=v16.UnitOfMeasure.KWH,
    )
    assert sample.location is msgspec.UNSET
    assert encode(message) == METER_VALUES


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview, msgspec.Raw, lambda data: data.decode()])
@pytest.mark.parametrize("faulty", [False, True])
def test_every_kind_of_buffer(buffer: type[bytes], faulty: bool) -> None:
    data = METER_VALUES.replace(b"12.50", b"\\u00e9")
    if faulty:
        with pytest.raises(Violation, match="connectorId"):
            decode(v16.MeterValuesRequest, buffer(data.replace(b":1,", b":true,")))
    else:
        assert decode(v16.MeterValuesRequest, buffer(data)).meter_value[0].sampled_value[0].value == "é"


def test_a_slice_of_a_frame_is_read_in_place() -> None:
    frame = b'[2,"id","Heartbeat",{"currentTime":"2024-01-01T00:00:00Z"}]'
    view = memoryview(frame)[20:-1]
    assert decode(v16.HeartbeatResponse, view).current_time == "2024-01-01T00:00:00Z"
    (*_, raw) = msgspec.json.decode(frame, type=tuple[int, str, str, msgspec.Raw])
    assert decode(v16.HeartbeatResponse, raw) == decode(v16.HeartbeatResponse, view)


def test_encoding_is_compact_in_schema_order_without_absent_fields() -> None:
    message = v201.BootNotificationRequest(
        reason=v201.BootReasonEnumType.POWER_UP,
        charging_station=v201.ChargingStationType(vendor_name="Ä", model="M"),
        custom_data=CustomDataType(extra=[1, {"a": None}], vendorId="org.example"),
    )
    assert encode_checked(message).decode() == (
        '{"customData":{"extra":[1,{"a":null}],"vendorId":"org.example"},'
        '"chargingStation":{"model":"M","vendorName":"Ä"},"reason":"PowerUp"}'
    )


@pytest.mark.parametrize("version", Version)
def test_fields_are_in_schema_order(version: Version) -> None:
    package = {Version.V16: v16, Version.V201: v201, Version.V21: v21}[version]
    for name, schema in {**messages(version), **definitions(version)}.items():
        fields = msgspec.structs.fields(getattr(package, name))
        assert [field.encode_name for field in fields] == list(schema.get("properties", {})), name


@pytest.mark.parametrize("version", Version)
def test_every_enumeration_value_keeps_its_spelling(version: Version) -> None:
    package = {Version.V16: v16, Version.V201: v201, Version.V21: v21}[version]
    seen = 0
    for name, schema in {**messages(version), **definitions(version)}.items():
        for field, inner in schema.get("properties", {}).items():
            for value in resolved(inner, schema).get("enum", ()):
                message = decode(getattr(package, name), json.dumps({**least(schema, schema), field: value}))
                assert json.loads(encode(message))[field] == value
                seen += 1
    assert seen > 150


def test_custom_data_keeps_every_key_anywhere() -> None:
    data = b'{"customData":{"vendorId":"v","a":{"b":[1.5,null,true]},"":""},"idToken":{"idToken":"x","type":"Central"}}'
    message = decode(v201.AuthorizeRequest, data)
    assert isinstance(message.custom_data, CustomDataType)
    assert message.custom_data.vendor_id == "v"
    assert message.custom_data["a"] == {"b": [1.5, None, True]}
    assert encode(message) == data


def test_absent_null_and_empty_data_are_three_things() -> None:
    absent = decode(v201.DataTransferRequest, b'{"vendorId":"v"}')
    null = decode(v201.DataTransferRequest, b'{"vendorId":"v","data":null}')
    assert absent.data is msgspec.UNSET
    assert null.data is None
    assert encode(absent) == b'{"vendorId":"v"}'
    assert encode(null) == b'{"data":null,"vendorId":"v"}'


@pytest.mark.parametrize(
    ("payload", "kind", "path"),
    [
        ([], ViolationKind.FORMAT, "$"),
        (None, ViolationKind.FORMAT, "$"),
        ("text", ViolationKind.FORMAT, "$"),
        ({"connectorId": 1}, ViolationKind.OCCURRENCE, "$.meterValue"),
        ({"connectorId": "1", "meterValue": []}, ViolationKind.TYPE, "$.connectorId"),
        ({"connectorId": 1, "meterValue": [], "extra": 1}, ViolationKind.FORMAT, "$.extra"),
        ({"connectorId": 1, "meterValue": {}}, ViolationKind.TYPE, "$.meterValue"),
        ({"connectorId": 1, "meterValue": [7]}, ViolationKind.TYPE, "$.meterValue[0]"),
        (
            {"connectorId": 1, "meterValue": [{"timestamp": "2024-01-01T00:00:00", "sampledValue": []}]},
            ViolationKind.PROPERTY,
            "$.meterValue[0].timestamp",
        ),
        (
            {
                "connectorId": 1,
                "meterValue": [
                    {
                        "timestamp": "2024-01-01T00:00:00Z",
                        "sampledValue": [{"value": "1"}, {"value": "1", "unit": "Hertz"}],
                    }
                ],
            },
            ViolationKind.PROPERTY,
            "$.meterValue[0].sampledValue[1].unit",
        ),
        ({"connectorId": 1, "transactionId": None, "meterValue": []}, ViolationKind.TYPE, "$.transactionId"),
    ],
)
def test_a_refusal_names_kind_and_place(payload: object, kind: ViolationKind, path: str) -> None:
    assert refusal(v16.MeterValuesRequest, payload) == (kind, path)


def test_item_counts_are_occurrences() -> None:
    assert refusal(v201.GetVariablesRequest, {"getVariableData": []}) == (
        ViolationKind.OCCURRENCE,
        "$.getVariableData",
    )
    texts = dict.fromkeys(("issuerNameHash", "issuerKeyHash", "serialNumber", "responderURL"), "")
    hashes = [{"hashAlgorithm": "SHA256"} | texts] * 5
    payload = {"idToken": {"idToken": "", "type": "Central"}, "iso15118CertificateHashData": hashes}
    assert refusal(v201.AuthorizeRequest, payload) == (ViolationKind.OCCURRENCE, "$.iso15118CertificateHashData")


def test_the_whole_fraction_of_an_integer_depends_on_the_draft() -> None:
    assert refusal(v16.ReserveNowResponse, {"status": 1}) == (ViolationKind.TYPE, "$.status")
    assert refusal(v16.CancelReservationRequest, {"reservationId": 5.0}) == (ViolationKind.TYPE, "$.reservationId")
    assert decode(v201.CancelReservationRequest, b'{"reservationId":5.0}').reservation_id == 5
    assert decode(v201.CancelReservationRequest, b'{"reservationId":5e2}').reservation_id == 500
    assert refusal(v201.CancelReservationRequest, {"reservationId": 5.5}) == (ViolationKind.TYPE, "$.reservationId")
    log = b'{"logType":"SecurityLog","requestId":7.0,"log":{"remoteLocation":"ftp://x"}}'
    assert decode(v16.GetLogRequest, log).request_id == 7, "the security extension's schemas are draft-06"


@pytest.mark.parametrize("limit", ["0.1", "0.3", "16.1", "-7.9", "32", "1e2", "123456789.7"])
def test_tenths(limit: str) -> None:
    data = f'{{"startPeriod":0,"limit":{limit}}}'
    assert decode(v16.ChargingSchedulePeriod, data).limit == float(limit)
    assert refusal(v16.ChargingSchedulePeriod, {"startPeriod": 0, "limit": float(limit) + 0.05}) == (
        ViolationKind.PROPERTY,
        "$.limit",
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a":1}x', b"\xff\xfe", b'{"currentTime":"\xff"}', b"\xef\xbb\xbf{}", b"NaN", "\ud800", "[" * 9999],
)
@pytest.mark.parametrize("policy", Policy)
def test_what_is_no_json_is_refused(data: bytes | str, policy: Policy) -> None:
    with pytest.raises(Violation) as refused:
        decode(v16.HeartbeatResponse, data, policy=policy)
    assert (refused.value.kind, refused.value.path) == (ViolationKind.FORMAT, "$")


def test_what_we_build_is_checked_on_demand() -> None:
    good = v16.StartTransactionRequest(
        connector_id=1, id_tag="TAG", meter_start=0, timestamp=DateTime.of(datetime(2024, 1, 1, tzinfo=UTC))
    )
    validate(good)
    assert encode_checked(good) == encode(good)
    for name, value, kind in [
        ("id_tag", "T" * 21, ViolationKind.PROPERTY),
        ("connector_id", "1", ViolationKind.TYPE),
        ("meter_start", 1.5, ViolationKind.TYPE),
        ("timestamp", DateTime("2024-01-01"), ViolationKind.PROPERTY),
        ("reservation_id", None, ViolationKind.TYPE),
    ]:
        bad = msgspec.structs.replace(good, **{name: value})
        with pytest.raises(Violation) as refused:
            validate(bad)
        assert refused.value.kind is kind


def test_what_json_cannot_carry_is_refused_before_it_is_sent() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for data in ("\ud83d", 10**5000, deep):
        with pytest.raises(Violation) as refused:
            encode_checked(v201.DataTransferRequest(vendor_id="v", data=data))
        assert refused.value.kind is ViolationKind.FORMAT


def test_a_value_json_does_not_know_is_an_error_of_the_caller() -> None:
    with pytest.raises(TypeError, match="object"):
        encode(v201.DataTransferRequest(vendor_id="v", data=object()))


def test_messages_are_immutable_and_print_short() -> None:
    message = v201.GetVariablesResponse(get_variable_result=[])
    with pytest.raises(AttributeError):
        message.get_variable_result = []  # type: ignore[misc]
    assert repr(message) == "GetVariablesResponse(get_variable_result=[])"
    assert not gc.is_tracked(message)


def test_of_two_valid_values_of_one_key_the_last_counts() -> None:
    assert decode(v201.CancelReservationRequest, b'{"reservationId":1,"reservationId":2}').reservation_id == 2


def test_drafts_are_told_apart() -> None:
    assert issubclass(v16.BootNotificationRequest, Draft4Payload)
    assert not issubclass(v16.SignCertificateRequest, Draft4Payload)
    assert not issubclass(v21.BootNotificationRequest, Draft4Payload)


def test_deviations_are_only_of_what_was_mended() -> None:
    noted: list[Deviation] = []
    decode(v16.MeterValuesRequest, METER_VALUES, policy=Policy.TOLERANT, deviations=noted)
    decode(v201.CancelReservationRequest, b'{"reservationId":5.0}', policy=Policy.TOLERANT, deviations=noted)
    assert noted == []
