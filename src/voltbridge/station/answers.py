"""What the CSMS answers to facts, free of versions; and why there may be no answer.

Exceptions::

    Exception
    └── NoAnswer
        ├── Unreachable   no connection, or registration does not allow the message
        ├── TimedOut      sent, and nothing came
        └── Refused       a CALLERROR, or a response that breaks the schema
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from voltbridge.domain.tokens import AuthorizationStatus, IdToken

__all__ = [
    "Acknowledged",
    "Answer",
    "Authorization",
    "NoAnswer",
    "Refused",
    "Registered",
    "Registration",
    "TimedOut",
    "TransactionAnswer",
    "Transferred",
    "Unreachable",
    "VehicleAnswer",
]


class NoAnswer(Exception):
    """The CSMS gave no answer that could be used."""


class Unreachable(NoAnswer):
    """There is no connection, or the registration does not allow this message now."""


class TimedOut(NoAnswer):
    """The message was sent and not answered in time; the CSMS may or may not have acted on it."""


class Refused(NoAnswer):
    """The CSMS answered with an error. ``code`` is its code (2.x spelling where one exists)."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description


class Registration(StrEnum):
    """Whether the CSMS takes this station (RegistrationStatusEnumType), or was not asked since the last start."""

    UNKNOWN = "Unknown"
    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An answer without content, or whose content nobody needs."""

    current_time: datetime | None = None
    """The CSMS's clock, where it was told (Heartbeat)."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer to a boot."""

    status: Registration
    current_time: datetime
    interval_s: int


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the CSMS says of a token (IdTokenInfoType; IdTagInfo of 1.6)."""

    status: AuthorizationStatus
    expires_at: datetime | None = None
    group: IdToken | None = None
    charging_priority: int = 0
    evse_ids: tuple[int, ...] = ()
    """Where it may be used; empty: everywhere."""
    language: str | None = None
    personal_message: str | None = None
    certificate_status: str | None = None
    extra: dict[str, Any] | None = None
    """What only 2.1 says (tariff, allowed energy transfer), as JSON."""

    @property
    def accepted(self) -> bool:
        return self.status is AuthorizationStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """The answer to a transaction's message. None: nothing said of it."""

    authorization: Authorization | None = None
    transaction_number: int | None = None
    """1.6: the id given by the CSMS."""
    total_cost: float | None = None
    charging_priority: int | None = None
    personal_message: dict[str, Any] | None = None
    """MessageContentType, as JSON."""
    extra: dict[str, Any] | None = None
    """What only 2.1 says (transactionLimit), as JSON."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The answer to a data transfer: DataTransferStatusEnumType."""

    status: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class VehicleAnswer:
    """The answer to what a vehicle needs or plans: NotifyEVChargingNeedsStatusEnumType, or GenericStatusEnumType."""

    status: str


Answer = Acknowledged | Registered | Authorization | TransactionAnswer | Transferred | VehicleAnswer
