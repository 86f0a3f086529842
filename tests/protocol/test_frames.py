"""Frames to values and back, and what is still read of a frame that is not as it should be."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from voltbridge.protocol import frames
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.frames import Call, CallError, CallResult, CallResultError, Mended, Send

WELL_FORMED = [
    (b'[2,"19223201","BootNotification",{"a":1}]', Call("19223201", "BootNotification", Raw(b'{"a":1}'))),
    (b'[3,"19223201",{"status":"Accepted"}]', CallResult("19223201", Raw(b'{"status":"Accepted"}'))),
    (
        b'[4,"162376037","NotSupported","not supported",{"x":[1]}]',
        CallError("162376037", "NotSupported", "not supported", {"x": [1]}),
    ),
    (b'[5,"7","FormatViolation","",{}]', CallResultError("7", "FormatViolation", "", {})),
    (b'[6,"8","NotifyPeriodicEventStream",{"id":1}]', Send("8", "NotifyPeriodicEventStream", Raw(b'{"id":1}'))),
]


def mended(text: str | bytes) -> Mended:
    data = text.encode() if isinstance(text, str) else text
    assert frames.decode(data) is None, "not for mend"
    return frames.mend(data)


def payload_of(frame: object) -> bytes:
    assert isinstance(frame, Call | CallResult | Send)
    return bytes(frame.payload)


@pytest.mark.parametrize(("data", "frame"), WELL_FORMED)
def test_a_frame_is_read_and_written_the_same(data: bytes, frame: frames.Frame) -> None:
    assert frames.encode(frame) == data
    read = frames.decode(data)
    assert type(read) is type(frame)
    assert read is not None
    assert frames.encode(read) == data


@pytest.mark.parametrize(("data", "frame"), WELL_FORMED)
def test_white_space_changes_nothing(data: bytes, frame: frames.Frame) -> None:
    read = frames.decode(b" \r\n" + json.dumps(json.loads(data), indent=2).encode() + b"\n")
    assert read is not None
    assert read.unique_id == frame.unique_id
    assert json.loads(frames.encode(read)) == json.loads(data)


def test_an_id_has_1_to_36_characters() -> None:
    assert frames.decode(b'[2,"%s","Heartbeat",{}]' % (b"x" * 36)) is not None
    assert frames.decode('[2,"%s","Heartbeat",{}]'.replace("%s", "é" * 36).encode()) is not None
    assert frames.decode(b'[2,"%s","Heartbeat",{}]' % (b"x" * 37)) is None
    assert frames.decode(b'[2,"","Heartbeat",{}]') is None


def test_an_id_of_any_characters_survives() -> None:
    for unique_id in ('a"b\\c', "\u0000\u001f", "ключ", "\U0001f50c"):
        data = frames.encode(CallResult(unique_id, Raw(b"{}")))
        frame = frames.decode(data)
        assert frame is not None
        assert frame.unique_id == unique_id


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b'"[2]"',
        b"2",
        b'{"2":[]}',
        b"[",
        b"[2",
        b'[2,"',
        b'[2,"a',
        b"]",
        b"\xff\xfe",
        b"[[2]]",
        b"[]",
        b"[2]",
        b"[null]",
        b"[" * 100_000,
        b"\x00" * 100,
        b'[2,null,"Heartbeat",{}]',
        b'[2,{},"Heartbeat",{}]',
        b'[2,true,"Heartbeat",{}]',
        b'[2,1.5,"Heartbeat",{}]',
        b'[2,"\xff","Heartbeat",{}]',
        b'[2,"%s","Heartbeat",{}]' % (b"x" * 256),
        b'[2,%s,"Heartbeat",{}]' % (b"9" * 36),
        b'[2,"\\ud800","Heartbeat",{}]',
    ],
)
def test_without_an_id_nothing_is_mended(data: bytes) -> None:
    found = mended(data)
    assert found.unique_id is None
    assert found.frame is None
    assert found.deviations
    assert all(deviation.kind is ViolationKind.FRAME for deviation in found.deviations)


@pytest.mark.parametrize(
    ("data", "message_type", "unique_id"),
    [
        (b'[2,"id","Heartbeat",{', 2, "id"),
        (b'[2,"id","Heartbeat",{}] x', 2, "id"),
        (b'[2,"id","Heartbeat",{}]\x00', 2, "id"),
        (b'[2,"id","Heartbeat",{"a":01}]', 2, "id"),
        (b' [ 3 , "i\\"d" , nul', 3, 'i"d'),
        (b'[4,"id"', 4, "id"),
        (b'[2,"id', 2, None),
        (b'[2,"id","Heartbeat",' + b"[" * 100_000, 2, "id"),
        (b'[12,"id",', 12, "id"),
        (b'[2,"%s",' % (b"x" * 256), 2, None),
        (b'[2,"%s",' % (b"x" * 255), 2, "x" * 255),
        (b'[2,"\\ud800",', 2, None),
        (b'[2,"\xff",', 2, None),
    ],
)
def test_the_head_of_broken_json_is_read(data: bytes, message_type: int, unique_id: str | None) -> None:
    found = mended(data)
    assert (found.message_type, found.unique_id, found.frame) == (message_type, unique_id, None)


def test_a_long_head_costs_no_time() -> None:
    # A pattern that backtracks would not come back from this one.
    found = mended(b'[2,"' + b"\\\\" * 5_000_000 + b"x")
    assert found.unique_id is None


def test_an_integral_float_is_an_integer() -> None:
    found = mended('[2.0,"id","Heartbeat",{}]')
    assert found.message_type == 2
    assert found.deviations == []
    assert isinstance(found.frame, Call)


@pytest.mark.parametrize(("text", "message_type"), [("[7", 7), ("[0", 0), ("[-3", -3), ("[22", 22)])
def test_other_message_types_are_told(text: str, message_type: int) -> None:
    found = mended(text + ',"id",{}]')
    assert (found.message_type, found.unique_id, found.frame) == (message_type, "id", None)


@pytest.mark.parametrize("element", ["null", "true", "1e400", '"CALL"', "[]", '"2.0"', '"7"', "2.5"])
def test_what_is_no_message_type(element: str) -> None:
    found = mended(f'[{element},"id","Heartbeat",{{}}]')
    assert (found.message_type, found.unique_id, found.frame) == (None, "id", None)
    assert found.deviations[0].path == "$[0]"


@pytest.mark.parametrize(
    ("text", "path", "payload"),
    [
        ('[2,"id","Heartbeat"]', "$[3]", b"{}"),
        ('[2,"id","Heartbeat",{"a":1},2]', "$[4]", b'{"a":1}'),
        ('["2","id","Heartbeat",{"a":1}]', "$[0]", b'{"a":1}'),
        ('[2,"","Heartbeat",{}]', "$[1]", b"{}"),
        (f'[2,"{"x" * 37}","Heartbeat",{{}}]', "$[1]", b"{}"),
        ('[3,"id"]', "$[2]", b"{}"),
        ('[3,"id",{"a":1},1]', "$[3]", b'{"a":1}'),
        ('[3,"id","Heartbeat",{"a":1}]', "$[3]", b'{"a":1}'),
        ('[3,"id","Heartbeat",{"a":1},5]', "$[3]", b'"Heartbeat"'),
        ('[6,"id","NotifyPeriodicEventStream"]', "$[3]", b"{}"),
    ],
)
def test_what_is_beyond_doubt_is_mended(text: str, path: str, payload: bytes) -> None:
    found = mended(text)
    assert found.frame is not None
    assert payload_of(found.frame) == payload
    assert [deviation.path for deviation in found.deviations] == [path]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"\x00"),
        (b"", b"\x00" * 200),
        (b"", b"\r\n\x00\r\n"),
        (b"", b"\x1a"),
        (b"", b"\xef\xbb\xbf\n"),
        (b"\xef\xbb\xbf", b""),
        (b"\x00 \xef\xbb\xbf\r\n", b"\x7f"),
    ],
)
@pytest.mark.parametrize(("data", "frame"), WELL_FORMED)
def test_padding_is_overlooked_where_asked_for(data: bytes, frame: frames.Frame, before: bytes, after: bytes) -> None:
    padded = before + data + after
    assert mended(padded).frame is None
    found = frames.mend(padded, padded=True)
    assert found.frame == frame
    assert [(deviation.kind, deviation.path) for deviation in found.deviations] == [(ViolationKind.FRAME, "$")]
    assert repr((before or after)[:4]) in found.deviations[0].detail


@pytest.mark.parametrize(
    "rest",
    [b'[2,"x","Heartbeat",{}]', b"]", b",", b";", b"x", b'\x00{"a":1}\x00', b"\xef\xbb\xbf\xef\xbb\xbf", b"\xff"],
)
def test_what_could_mean_something_is_no_padding(rest: bytes) -> None:
    found = frames.mend(b'[2,"id","Heartbeat",{}]' + rest, padded=True)
    assert (found.unique_id, found.frame) == ("id", None)
    assert frames.mend(rest + b'[2,"id","Heartbeat",{}]', padded=True).frame is None


def test_what_is_wrong_within_is_told_before_the_padding() -> None:
    found = frames.mend(b'\xef\xbb\xbf[2,"id","Heartbeat",{]\x00', padded=True)
    assert (found.message_type, found.unique_id, found.frame) == (2, "id", None)
    assert "malformed" in found.deviations[0].detail
    for data in (b"", b"\x00", b"\xef\xbb\xbf", b"\x00{}\x00", b"\xef\xbb\xbf[]"):
        assert frames.mend(data, padded=True).frame is None


@pytest.mark.parametrize("action", ["null", "1", "{}", '["Heartbeat"]'])
def test_a_request_without_an_action_is_not_mended(action: str) -> None:
    found = mended(f'[2,"id",{action},{{}}]')
    assert (found.unique_id, found.frame) == ("id", None)
    assert found.deviations[-1].path == "$[2]"
    assert mended('[2,"id"]').deviations[-1].path == "$[2]"


@pytest.mark.parametrize("number", ["0", "-7", "123456789012345678901234567890"])
def test_a_numeric_id_is_read_and_can_be_repeated(number: str) -> None:
    found = mended(f'[2,{number},"Heartbeat",{{}}]')
    assert (found.unique_id, found.numeric_id) == (number, True)
    assert isinstance(found.frame, Call)
    reply = frames.encode(CallResult(number, Raw(b'{"a":"b"}')))
    assert frames.with_numeric_id(reply) == f'[3,{number},{{"a":"b"}}]'.encode()


@pytest.mark.parametrize(
    ("text", "expected", "paths"),
    [
        ('[4,"id","NotSupported","text"]', CallError("id", "NotSupported", "text", {}), ["$[4]"]),
        ('[4,"id","NotSupported"]', CallError("id", "NotSupported", "", {}), ["$[3]", "$[4]"]),
        ('[4,"id"]', CallError("id", "GenericError", "", {}), ["$[2]", "$[3]", "$[4]"]),
        ('[4,"id",404,null,[]]', CallError("id", "GenericError", "", {}), ["$[2]", "$[3]", "$[4]"]),
        ('[4,"id","Odd","text",{"a":1},0]', CallError("id", "Odd", "text", {"a": 1}), ["$[5]"]),
        ('[5,"id","Odd","text",null]', CallResultError("id", "Odd", "text", {}), ["$[4]"]),
    ],
)
def test_an_incomplete_error_is_still_an_error(text: str, expected: frames.Frame, paths: list[str]) -> None:
    found = mended(text)
    assert found.frame == expected
    assert [deviation.path for deviation in found.deviations] == paths


def test_an_array_of_a_million_elements_is_not_built() -> None:
    import tracemalloc

    data = b"[9" + b",1" * 1_000_000 + b"]"
    tracemalloc.start()
    found = mended(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.message_type == 9
    assert peak < 200_000


def test_details_that_are_no_json_are_an_error_of_ours() -> None:
    with pytest.raises(TypeError):
        frames.encode(CallError("id", "GenericError", "", {"a": object()}))
