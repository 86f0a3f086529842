"""One MeterValues in process: the frame decoded, its payload validated and made a message, the message encoded again.

Both libraries do the whole way from a CALL's bytes to a typed request and from the request to a CALL's bytes. Going
out neither validates; with its default ``ocpp`` would (``validated_both_ways`` in the figures), as would we through
the REST API.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from msgspec import Raw
from ocpp import messages as theirs
from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.v16 import call as their_calls

from benches.messages import meter_values
from voltbridge.protocol import codec, frames
from voltbridge.protocol.v16 import MeterValuesRequest

__all__ = ["measure"]

_MESSAGES = 500


def measure(rounds: int, repetitions: int = 20) -> dict[str, Any]:
    """Medians over alternating rounds; times in microseconds per message."""
    data = [meter_values(number, 7) for number in range(_MESSAGES)]
    _compare(data[0])
    ways: dict[str, tuple[Callable[[bytes], bytes], int]] = {
        "voltbridge": (_ours, repetitions),
        "ocpp": (_theirs, 1),
        "voltbridge_both_ways": (_ours_validated, repetitions),
        "ocpp_both_ways": (_theirs_validated, 1),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, times_over) in ways.items():
            times[name].append(_time(way, data, times_over))
    return {
        "codec_ratio": _ratio(times["voltbridge"], times["ocpp"]),
        "validated_both_ways_ratio": _ratio(times["voltbridge_both_ways"], times["ocpp_both_ways"]),
        "us_per_message": {name: round(median(taken) * 1e6, 2) for name, taken in times.items()},
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(median(their / our for our, their in zip(ours, theirs, strict=True)), 2)


def _time(way: Callable[[bytes], bytes], data: list[bytes], repetitions: int) -> float:
    """Seconds of the processor per message, the faster of two attempts."""
    attempts = []
    for _ in range(2):
        began = time.process_time()
        for _ in range(repetitions):
            for each in data:
                way(each)
        attempts.append(time.process_time() - began)
    return min(attempts) / (repetitions * len(data))


def _compare(data: bytes) -> None:
    """Both have to give back what they were given."""
    plain = data.replace(b" ", b"")
    for way in (_ours, _theirs, _ours_validated, _theirs_validated):
        if sorted(way(data).replace(b" ", b"")) != sorted(plain):
            raise AssertionError(f"{way.__name__} changed the message: {way(data)!r}")


def _ours(data: bytes) -> bytes:
    frame = frames.decode(data)
    assert isinstance(frame, frames.Call)
    request = codec.decode(MeterValuesRequest, frame.payload)
    return frames.encode(frames.Call(frame.unique_id, frame.action, Raw(codec.encode(request))))


def _ours_validated(data: bytes) -> bytes:
    frame = frames.decode(data)
    assert isinstance(frame, frames.Call)
    request = codec.decode(MeterValuesRequest, frame.payload)
    return frames.encode(frames.Call(frame.unique_id, frame.action, Raw(codec.encode_checked(request))))


def _theirs(data: bytes) -> bytes:
    return _their_way(data, False)


def _theirs_validated(data: bytes) -> bytes:
    return _their_way(data, True)


def _their_way(data: bytes, validate_outgoing: bool) -> bytes:
    """What ``ChargePoint._handle_call`` and ``ChargePoint.call`` do, without their thread for the validation."""
    received = theirs.unpack(data.decode())
    theirs._validate_payload(received, "1.6")
    request = their_calls.MeterValues(**camel_to_snake_case(received.payload))
    payload = remove_nones(snake_to_camel_case(serialize_as_dict(request)))
    sent = theirs.Call(unique_id=received.unique_id, action="MeterValues", payload=payload)
    if validate_outgoing:
        theirs._validate_payload(sent, "1.6")
    answer: str = sent.to_json()
    return answer.encode()
