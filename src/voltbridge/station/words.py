"""What translators share: absent fields, the messages of a version, status infos."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec import UNSET, UnsetType

from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["given", "id_token_of", "messages", "moment", "optional", "status_info", "words_of_token"]

T = TypeVar("T")

_MESSAGES: Final[dict[Version, Any]] = {Version.V201: v201, Version.V21: v21}


def messages(version: Version) -> Any:
    """The messages of 2.0.1 or 2.1, for translators that serve both. Raises KeyError for 1.6."""
    return _MESSAGES[version]


def given(value: T | UnsetType) -> T | None:
    """What a message says; None where the field is absent."""
    return None if isinstance(value, UnsetType) else value


def optional(value: T | None) -> T | UnsetType:
    """What a message is to say; absent for None."""
    return UNSET if value is None else value


def moment(value: DateTime | UnsetType) -> datetime | None:
    """The moment a message names."""
    return None if isinstance(value, UnsetType) else value.moment


def status_info(words: Any, reason_code: str, info: str = "") -> Any:
    """StatusInfoType of a version of 2.x; absent without a code."""
    if not reason_code:
        return UNSET
    return words.StatusInfoType(reason_code=reason_code, additional_info=info[:512] if info else UNSET)


def id_token_of(value: Any) -> IdToken:
    """The token of an IdTokenType of 2.x."""
    additional = given(value.additional_info) or ()
    return IdToken(
        value.id_token,
        str(value.type),
        tuple((info.additional_id_token, info.type) for info in additional),
    )


def words_of_token(words: Any, token: IdToken) -> Any:
    """IdTokenType of a version of 2.x. A type that version does not have is told as Central."""
    return words.IdTokenType(
        id_token=token.id_token,
        type=_token_type(words, token.type),
        additional_info=[
            words.AdditionalInfoType(additional_id_token=text, type=kind) for text, kind in token.additional_info
        ]
        or UNSET,
    )


def _token_type(words: Any, kind: str | None) -> Any:
    """2.0.1 has an enumeration, 2.1 an open list of texts."""
    kind = kind or "ISO14443"
    names = getattr(words, "IdTokenEnumType", None)
    if names is None:
        return kind
    return names(kind) if kind in {name.value for name in names} else names("Central")
