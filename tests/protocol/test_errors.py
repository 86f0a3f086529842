"""The error table against the design's list and the codes each version allows, written down here a second time."""

from __future__ import annotations

import pytest

from voltbridge.protocol.errors import (
    CODES,
    ERROR_CODES,
    UNANSWERED,
    ErrorCode,
    OcppError,
    ViolationKind,
    error_code,
    spelled_for,
)
from voltbridge.protocol.versions import Version

SHARED = {
    "GenericError",
    "InternalError",
    "NotImplemented",
    "NotSupported",
    "PropertyConstraintViolation",
    "ProtocolError",
    "SecurityError",
    "TypeConstraintViolation",
}
ALLOWED = {
    Version.V16: SHARED | {"FormationViolation", "OccurenceConstraintViolation"},
    Version.V201: SHARED
    | {"FormatViolation", "MessageTypeNotSupported", "OccurrenceConstraintViolation", "RpcFrameworkError"},
    Version.V21: SHARED
    | {"FormatViolation", "MessageTypeNotSupported", "OccurrenceConstraintViolation", "RpcFrameworkError"},
}

EXPECTED = {
    # kind: 1.6, 2.0.1, 2.1
    ViolationKind.OCCURRENCE: (
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
        "OccurrenceConstraintViolation",
    ),
    ViolationKind.PROPERTY: ("PropertyConstraintViolation",) * 3,
    ViolationKind.TYPE: ("TypeConstraintViolation",) * 3,
    ViolationKind.FORMAT: ("FormationViolation", "FormatViolation", "FormatViolation"),
    ViolationKind.FRAME: ("FormationViolation", "RpcFrameworkError", "RpcFrameworkError"),
    ViolationKind.UNREADABLE: (None, "RpcFrameworkError", "RpcFrameworkError"),
    ViolationKind.MESSAGE_TYPE: (None, "MessageTypeNotSupported", None),
    ViolationKind.UNKNOWN_ACTION: ("NotImplemented",) * 3,
    ViolationKind.UNSUPPORTED_ACTION: ("NotSupported",) * 3,
    ViolationKind.SECURITY: ("SecurityError",) * 3,
    ViolationKind.INTERNAL: ("InternalError",) * 3,
    ViolationKind.GENERIC: ("GenericError",) * 3,
    ViolationKind.PROTOCOL: ("ProtocolError",) * 3,
}


def test_every_kind_of_violation_has_an_answer_or_silence_in_every_version() -> None:
    everything = {(version, kind) for version in Version for kind in ViolationKind}
    assert set(ERROR_CODES) | set(UNANSWERED) == everything
    assert not set(ERROR_CODES) & set(UNANSWERED)
    assert set(EXPECTED) == set(ViolationKind)


@pytest.mark.parametrize("kind", ViolationKind)
@pytest.mark.parametrize(("column", "version"), list(enumerate(Version)))
def test_each_version_sends_its_own_code(kind: ViolationKind, column: int, version: Version) -> None:
    expected = EXPECTED[kind][column]
    if expected is None:
        with pytest.raises(LookupError, match="does not answer"):
            error_code(version, kind)
    else:
        assert error_code(version, kind) == expected


@pytest.mark.parametrize("version", Version)
def test_no_version_sends_a_code_it_does_not_have(version: Version) -> None:
    assert CODES[version] == ALLOWED[version]
    assert {row.code for (of, _), row in ERROR_CODES.items() if of is version} <= ALLOWED[version]
    for code in [*ErrorCode, "Nonsense", ""]:
        assert spelled_for(version, code) in ALLOWED[version]


@pytest.mark.parametrize("version", Version)
def test_a_code_of_the_version_is_sent_as_it_is(version: Version) -> None:
    for code in ALLOWED[version]:
        assert spelled_for(version, code) == code


def test_a_code_of_another_version_is_translated() -> None:
    assert spelled_for(Version.V16, "OccurrenceConstraintViolation") == "OccurenceConstraintViolation"
    assert spelled_for(Version.V16, "FormatViolation") == "FormationViolation"
    assert spelled_for(Version.V16, "RpcFrameworkError") == "FormationViolation"
    assert spelled_for(Version.V16, "MessageTypeNotSupported") == "GenericError"
    assert spelled_for(Version.V21, "OccurenceConstraintViolation") == "OccurrenceConstraintViolation"
    assert spelled_for(Version.V201, "FormationViolation") == "FormatViolation"
    assert spelled_for(Version.V201, "Nonsense") == "GenericError"


def test_both_spellings_are_understood() -> None:
    for code in ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"):
        assert OcppError(code).kind is ErrorCode.kind_of(code) is ViolationKind.OCCURRENCE
    for code in ("FormationViolation", "FormatViolation"):
        assert OcppError(code).kind is ErrorCode.kind_of(code) is ViolationKind.FORMAT
    assert OcppError("RpcFrameworkError").kind is ViolationKind.FRAME
    assert all(ErrorCode.kind_of(code) is not None for code in ErrorCode)


def test_an_error_keeps_what_the_peer_sent() -> None:
    error = OcppError("ChargerOnFire", "hot", {"celsius": 900})
    assert error.kind is None
    assert (error.code, error.description, error.details) == ("ChargerOnFire", "hot", {"celsius": 900})
    assert str(error) == "ChargerOnFire: hot"
    assert str(OcppError("NotSupported")) == "NotSupported"
    assert OcppError("NotSupported").details == {}


def test_every_row_names_its_source() -> None:
    assert all("table" in row.source or "Part 4" in row.source for row in ERROR_CODES.values())
    assert all("4.1.3" in source or "4.2.3" in source for source in UNANSWERED.values())
