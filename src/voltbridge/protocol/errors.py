"""What a message can do wrong, and what each version calls it.

One table, ``ERROR_CODES``, maps (version, kind of violation) to the code that version sends in a CALLERROR. Pairs the
standard answers with silence are listed in ``UNANSWERED`` and have no code. Reading is generous: a peer's code is kept
as it came, and ``ErrorCode.kind_of`` understands the spellings of every version.

Exceptions::

    Exception
    └── OcppError      a CALLERROR: one a handler refuses with, or one the peer sent
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from voltbridge.protocol.versions import Version

__all__ = [
    "CODES",
    "ERROR_CODES",
    "UNANSWERED",
    "CodeRow",
    "ErrorCode",
    "OcppError",
    "ViolationKind",
    "error_code",
    "spelled_for",
]


class ViolationKind(StrEnum):
    """Why a message is refused, whatever the version calls it."""

    OCCURRENCE = "occurrence"
    """A required field is missing, or a list has too few or too many items."""
    PROPERTY = "property"
    """The right type, but a value outside its length, enumeration, range or format."""
    TYPE = "type"
    """A value of the wrong JSON type."""
    FORMAT = "format"
    """An unknown field, or a payload that is no JSON object."""
    FRAME = "frame"
    """The message around the payload is broken, but its message id can be read."""
    UNREADABLE = "unreadable"
    """Not even the message id can be read."""
    MESSAGE_TYPE = "message type"
    """A message type number this version does not have."""
    UNKNOWN_ACTION = "unknown action"
    """This version has no such action."""
    UNSUPPORTED_ACTION = "unsupported action"
    """The version has the action, but this side does not take it."""
    SECURITY = "security"
    """Not allowed here and now, such as anything but a boot before acceptance."""
    INTERNAL = "internal"
    """The receiver failed, not the message."""
    GENERIC = "generic"
    """Nothing more specific fits."""
    PROTOCOL = "protocol"
    """The message is sound but comes at a moment or in a way the protocol does not allow."""


class ErrorCode(StrEnum):
    """Every code of every version. 1.6 spells two of them its own way (J-1.6 table 7, errata 5.1 and 5.2)."""

    FORMAT_VIOLATION = "FormatViolation"
    FORMATION_VIOLATION = "FormationViolation"
    GENERIC_ERROR = "GenericError"
    INTERNAL_ERROR = "InternalError"
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"
    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    OCCURRENCE_CONSTRAINT_VIOLATION = "OccurrenceConstraintViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    PROTOCOL_ERROR = "ProtocolError"
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"
    SECURITY_ERROR = "SecurityError"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"

    @staticmethod
    def kind_of(code: str) -> ViolationKind | None:
        """What a code says, in any version's spelling; None for a code no version has."""
        return _KINDS.get(code)


class CodeRow(NamedTuple):
    """The code one version sends for one kind of violation, and where the standard says so."""

    code: ErrorCode
    source: str


_TABLE_16: Final = "J-1.6 table 7"
_TABLE_2: Final = "Part 4 RPC Framework Error Codes"

_CODES_OF_16: Final = {
    ViolationKind.OCCURRENCE: CodeRow(ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, f"{_TABLE_16}, errata 5.1"),
    ViolationKind.PROPERTY: CodeRow(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, _TABLE_16),
    ViolationKind.TYPE: CodeRow(ErrorCode.TYPE_CONSTRAINT_VIOLATION, _TABLE_16),
    ViolationKind.FORMAT: CodeRow(ErrorCode.FORMATION_VIOLATION, f"{_TABLE_16}, errata 5.2"),
    ViolationKind.FRAME: CodeRow(ErrorCode.FORMATION_VIOLATION, f"{_TABLE_16}, 4.2.3 item 2"),
    ViolationKind.UNKNOWN_ACTION: CodeRow(ErrorCode.NOT_IMPLEMENTED, _TABLE_16),
    ViolationKind.UNSUPPORTED_ACTION: CodeRow(ErrorCode.NOT_SUPPORTED, _TABLE_16),
    ViolationKind.SECURITY: CodeRow(ErrorCode.SECURITY_ERROR, f"{_TABLE_16}, errata 3.10"),
    ViolationKind.INTERNAL: CodeRow(ErrorCode.INTERNAL_ERROR, _TABLE_16),
    ViolationKind.GENERIC: CodeRow(ErrorCode.GENERIC_ERROR, _TABLE_16),
    ViolationKind.PROTOCOL: CodeRow(ErrorCode.PROTOCOL_ERROR, _TABLE_16),
}

_CODES_OF_21: Final = {
    ViolationKind.OCCURRENCE: CodeRow(ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, _TABLE_2),
    ViolationKind.PROPERTY: CodeRow(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, _TABLE_2),
    ViolationKind.TYPE: CodeRow(ErrorCode.TYPE_CONSTRAINT_VIOLATION, _TABLE_2),
    ViolationKind.FORMAT: CodeRow(ErrorCode.FORMAT_VIOLATION, _TABLE_2),
    ViolationKind.FRAME: CodeRow(ErrorCode.RPC_FRAMEWORK_ERROR, f"{_TABLE_2}, 4.2.3 item 2"),
    ViolationKind.UNREADABLE: CodeRow(ErrorCode.RPC_FRAMEWORK_ERROR, f"{_TABLE_2}, 4.2.3 (id -1)"),
    ViolationKind.UNKNOWN_ACTION: CodeRow(ErrorCode.NOT_IMPLEMENTED, _TABLE_2),
    ViolationKind.UNSUPPORTED_ACTION: CodeRow(ErrorCode.NOT_SUPPORTED, _TABLE_2),
    ViolationKind.SECURITY: CodeRow(ErrorCode.SECURITY_ERROR, f"{_TABLE_2}; Part 2 B02 and B03"),
    ViolationKind.INTERNAL: CodeRow(ErrorCode.INTERNAL_ERROR, _TABLE_2),
    ViolationKind.GENERIC: CodeRow(ErrorCode.GENERIC_ERROR, _TABLE_2),
    ViolationKind.PROTOCOL: CodeRow(ErrorCode.PROTOCOL_ERROR, _TABLE_2),
}

# 2.0.1 says of an unknown message type both "ignore" (4.1.3) and "answer" (4.4); 4.4 is about nothing else, so it wins.
_CODES_OF_201: Final = {
    **_CODES_OF_21,
    ViolationKind.MESSAGE_TYPE: CodeRow(ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED, f"{_TABLE_2}, 4.4"),
}

ERROR_CODES: Final[Mapping[tuple[Version, ViolationKind], CodeRow]] = MappingProxyType(
    {
        (version, kind): row
        for version, rows in (
            (Version.V16, _CODES_OF_16),
            (Version.V201, _CODES_OF_201),
            (Version.V21, _CODES_OF_21),
        )
        for kind, row in rows.items()
    }
)
"""(version, kind) -> code and its source. A pair that is not here is in ``UNANSWERED``."""

UNANSWERED: Final[Mapping[tuple[Version, ViolationKind], str]] = MappingProxyType(
    {
        (Version.V16, ViolationKind.UNREADABLE): "J-1.6 4.2.3: a CALLERROR needs the id of the call",
        (Version.V16, ViolationKind.MESSAGE_TYPE): "J-1.6 4.1.3: the payload is ignored",
        (Version.V21, ViolationKind.MESSAGE_TYPE): "2.1 Part 4 4.1.3 and 4.4: the payload is ignored",
    }
)
"""(version, kind) -> source, for what the standard answers with silence."""

_CODES_2: Final = frozenset(ErrorCode) - {ErrorCode.FORMATION_VIOLATION, ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION}

CODES: Final[Mapping[Version, frozenset[ErrorCode]]] = MappingProxyType(
    {
        Version.V16: frozenset(row.code for (version, _), row in ERROR_CODES.items() if version is Version.V16),
        Version.V201: _CODES_2,
        Version.V21: _CODES_2,
    }
)
"""The codes a CALLERROR of each version may have (J-1.6 table 7, 2.0.1 Part 4 table 8, 2.1 Part 4 table 9)."""

_KINDS: Final[Mapping[str, ViolationKind]] = MappingProxyType(
    {
        **{row.code.value: kind for (_, kind), row in ERROR_CODES.items()},
        # Two kinds share each of these; read back, they mean what their names say.
        ErrorCode.FORMATION_VIOLATION.value: ViolationKind.FORMAT,
        ErrorCode.RPC_FRAMEWORK_ERROR.value: ViolationKind.FRAME,
    }
)


def error_code(version: Version, kind: ViolationKind) -> str:
    """The code this version sends for this kind of violation.

    Raises LookupError for the pairs of ``UNANSWERED``: there the standard wants no answer.
    """
    try:
        return ERROR_CODES[version, kind].code
    except KeyError:
        raise LookupError(f"OCPP {version.label} does not answer a {kind} violation") from None


def spelled_for(version: Version, code: str) -> str:
    """A code as this version may send it: its own spelling, GenericError for a code it does not have.

    Lets a handler that knows no versions refuse with a code of any version.
    """
    if code in CODES[version]:
        return code
    kind = _KINDS.get(code)
    row = ERROR_CODES.get((version, kind)) if kind is not None else None
    return row.code if row is not None else ErrorCode.GENERIC_ERROR


class OcppError(Exception):
    """A CALLERROR (or a CALLRESULTERROR): raised by a handler that refuses, or made from what the peer sent.

    ``code`` may be in any version's spelling (the sender translates it, see ``spelled_for``); a peer's code is kept
    even when no version has it. ``details`` is the errorDetails object.
    """

    def __init__(self, code: str, description: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.details: Mapping[str, Any] = {} if details is None else details

    @property
    def kind(self) -> ViolationKind | None:
        """What the code says, whichever version's spelling it has; None for a code no version has."""
        return _KINDS.get(self.code)

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else self.code
