"""What a token is worth, and which tokens an operator may keep (2.0.1 block C; 1.6 4.1, 7.2).

Tokens nobody entered are judged by their type:

- ``NoAuthorization``: accepted. The station has a start button or a key instead of a reader (C02.FR.02).
- ``DirectPayment``: accepted. A payment terminal has secured the money before the station tells of it, under a
  reference that only the payment service knew (2.1 C18); refusing would stop a session that is paid for.
- ``KeyCode``: invalid, and so is one that is known but not good here (C04.FR.01).
- all others: unknown. ``Central`` is one of our own making, so one we do not know is none (C05). ``Local`` and
  ``MacAddress`` are what the station says; whether it is worth anything is the operator's decision, made by entering
  the token.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.tokens import AuthorizationStatus, IdToken, Token

__all__ = [
    "ASKED_NOWHERE",
    "GROUP_TYPE",
    "TOKEN_TYPES",
    "check_token",
    "holds_alone",
    "judge_token",
    "same_token",
]

TOKEN_TYPES: Final = frozenset(
    {
        "Central",
        "DirectPayment",
        "eMAID",
        "EVCCID",
        "ISO14443",
        "ISO15693",
        "KeyCode",
        "Local",
        "MacAddress",
        "NoAuthorization",
        "VIN",
    }
)
"""The types of all versions. Where a version does not tell the type, any matches."""

GROUP_TYPE: Final = "Central"
"""The type of a group's identifier, unless the operator says another (C09.FR.13)."""

_BY_TYPE: Final = {
    "NoAuthorization": AuthorizationStatus.ACCEPTED,
    "DirectPayment": AuthorizationStatus.ACCEPTED,
}
ASKED_NOWHERE: Final = frozenset(_BY_TYPE)
"""The types of tokens that no service can know."""
_NOT_BY_OPERATOR: Final = frozenset({AuthorizationStatus.CONCURRENT_TX})
_LONGEST: Final = 255
_LONGEST_LANGUAGE: Final = 8
_LONGEST_MESSAGE: Final = 512


def judge_token(presented: IdToken, known: Token | None, *, station_id: str, now: datetime) -> AuthorizationStatus:
    """What the token is worth at this station at this moment, apart from other transactions that run on it."""
    status = _judge(presented, known, station_id, now)
    if presented.type == "KeyCode" and status is not AuthorizationStatus.ACCEPTED:
        # Whoever tries codes learns nothing of those there are.
        return AuthorizationStatus.INVALID
    return status


def _judge(presented: IdToken, known: Token | None, station_id: str, now: datetime) -> AuthorizationStatus:
    if known is None or presented.type == "NoAuthorization":
        return _BY_TYPE.get(presented.type or "", AuthorizationStatus.UNKNOWN)
    if known.status is not AuthorizationStatus.ACCEPTED:
        return known.status
    if known.expires_at is not None and known.expires_at <= now:
        return AuthorizationStatus.EXPIRED
    if known.station_ids and station_id not in known.station_ids:
        return AuthorizationStatus.NOT_AT_THIS_LOCATION
    return AuthorizationStatus.ACCEPTED


def holds_alone(presented: IdToken, known: Token | None) -> bool:
    """Whether only one transaction at a time may run on the token. A button or a terminal is no driver's."""
    return known is not None and not known.allow_concurrent and presented.type not in _BY_TYPE


def same_token(one: IdToken, other: IdToken) -> bool:
    """Whether two presented tokens are the same: the text, whatever its case, and the type where both tell it.

    C01.FR.25: additional information does not matter.
    """
    return one.key == other.key and (one.type is None or other.type is None or one.type == other.type)


def check_token(token: Token) -> None:
    """Raises InvalidValue for a token that no station could present, or that could not be answered for."""
    if token.type not in TOKEN_TYPES:
        raise InvalidValue("type", f"must be one of {', '.join(sorted(TOKEN_TYPES, key=str.casefold))}")
    if token.type == "NoAuthorization":
        raise InvalidValue("type", "cannot be NoAuthorization: such a token has no text and is always accepted")
    _check_text("id_token", token.id_token, _LONGEST)
    if token.status in _NOT_BY_OPERATOR:
        raise InvalidValue("status", f"cannot be {token.status}: that is found out when a transaction starts")
    if token.group_id_token is not None:
        _check_text("group_id_token", token.group_id_token, _LONGEST)
    if token.group_type is not None and token.group_type not in TOKEN_TYPES:
        raise InvalidValue("group_type", f"must be one of {', '.join(sorted(TOKEN_TYPES, key=str.casefold))}")
    if token.language is not None:
        _check_text("language", token.language, _LONGEST_LANGUAGE)
    if token.personal_message is not None and len(token.personal_message) > _LONGEST_MESSAGE:
        raise InvalidValue("personal_message", f"is longer than {_LONGEST_MESSAGE} characters")


def _check_text(field: str, text: str, longest: int) -> None:
    if not text:
        raise InvalidValue(field, "is empty")
    if len(text) > longest:
        raise InvalidValue(field, f"is longer than {longest} characters")
    if not text.isprintable():
        raise InvalidValue(field, "contains a character that cannot be printed")
    if text != text.strip():
        raise InvalidValue(field, "begins or ends with a space")
