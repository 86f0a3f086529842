"""What tokens are worth, and which may be kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.token_rules import TOKEN_TYPES, check_token, holds_alone, judge_token, same_token
from voltbridge.domain.tokens import AuthorizationStatus, IdToken, Token
from voltbridge.protocol.v201 import IdTokenEnumType

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CARD = Token("CARD", "ISO14443", AuthorizationStatus.ACCEPTED, NOW, NOW)


def judge(known: Token | None, type: str | None = "ISO14443") -> AuthorizationStatus:
    return judge_token(IdToken("CARD", type), known, station_id="CP1", now=NOW)


def test_the_operators_word_counts() -> None:
    for status in AuthorizationStatus:
        assert judge(replace(CARD, status=status)) is status


def test_a_token_expires_at_the_moment_it_says() -> None:
    assert judge(replace(CARD, expires_at=NOW)) is AuthorizationStatus.EXPIRED
    assert judge(replace(CARD, expires_at=NOW + timedelta(seconds=1))) is AuthorizationStatus.ACCEPTED
    blocked = replace(CARD, status=AuthorizationStatus.BLOCKED, expires_at=NOW)
    assert judge(blocked) is AuthorizationStatus.BLOCKED


def test_a_token_may_be_good_at_some_stations_only() -> None:
    assert judge(replace(CARD, station_ids=("CP2",))) is AuthorizationStatus.NOT_AT_THIS_LOCATION
    assert judge(replace(CARD, station_ids=("CP2", "CP1"))) is AuthorizationStatus.ACCEPTED


@pytest.mark.parametrize("type", [None, *sorted(TOKEN_TYPES), "SomeVendorsOwn"])
def test_unknown_tokens_are_unknown_unless_nobody_could_know_them(type: str | None) -> None:
    by_type = {
        "NoAuthorization": AuthorizationStatus.ACCEPTED,
        "DirectPayment": AuthorizationStatus.ACCEPTED,
        "KeyCode": AuthorizationStatus.INVALID,
    }
    assert judge(None, type) is by_type.get(type or "", AuthorizationStatus.UNKNOWN)


@pytest.mark.parametrize(
    "fields",
    [{"status": AuthorizationStatus.BLOCKED}, {"station_ids": ("CP2",)}, {"status": AuthorizationStatus.NO_CREDIT}],
)
def test_a_key_code_that_is_not_good_here_is_invalid_and_nothing_else(fields: dict[str, Any]) -> None:
    """C04.FR.01."""
    code = replace(CARD, type="KeyCode")
    assert judge(code, "KeyCode") is AuthorizationStatus.ACCEPTED
    assert judge(replace(code, **fields), "KeyCode") is AuthorizationStatus.INVALID


def test_a_payment_can_be_refused_by_entering_it_and_a_button_cannot() -> None:
    blocked = replace(CARD, status=AuthorizationStatus.BLOCKED)
    assert judge(replace(blocked, type="DirectPayment"), "DirectPayment") is AuthorizationStatus.BLOCKED
    assert judge(blocked, "NoAuthorization") is AuthorizationStatus.ACCEPTED


def test_only_a_drivers_token_holds_alone() -> None:
    assert holds_alone(IdToken("CARD", "ISO14443"), CARD)
    assert not holds_alone(IdToken("CARD", "ISO14443"), replace(CARD, allow_concurrent=True))
    assert not holds_alone(IdToken("", "NoAuthorization"), None)
    assert not holds_alone(IdToken("P1", "DirectPayment"), replace(CARD, type="DirectPayment"))


def test_tokens_are_the_same_whatever_their_case_and_additions() -> None:
    assert same_token(IdToken("aBc", "ISO14443"), IdToken("AbC", "ISO14443", (("x", "y"),)))
    assert same_token(IdToken("abc"), IdToken("ABC", "ISO14443"))
    assert not same_token(IdToken("abc", "KeyCode"), IdToken("abc", "ISO14443"))


def test_every_type_of_the_standard_is_known() -> None:
    assert {kind.value for kind in IdTokenEnumType} <= TOKEN_TYPES


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("type", "iso14443", "must be one of Central, DirectPayment, eMAID"),
        ("type", "NoAuthorization", "always accepted"),
        ("id_token", "", "is empty"),
        ("id_token", "x" * 256, "longer than 255"),
        ("id_token", "a\nb", "cannot be printed"),
        ("id_token", " a", "begins or ends with a space"),
        ("status", AuthorizationStatus.CONCURRENT_TX, "cannot be ConcurrentTx"),
        ("group_id_token", "", "is empty"),
        ("group_type", "Family", "must be one of"),
        ("language", "x" * 9, "longer than 8"),
        ("personal_message", "x" * 513, "longer than 512"),
    ],
)
def test_a_token_nobody_could_use_is_refused(field: str, value: Any, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem) as refused:
        check_token(replace(CARD, **{field: value}))
    assert refused.value.field == field


def test_a_good_token_passes() -> None:
    check_token(replace(CARD, group_id_token="FAMILY", group_type="Central", language="en-GB", personal_message="Hi"))


def test_warnings_tell_where_a_token_cannot_be_presented() -> None:
    assert CARD.warnings == ()
    assert "older stations" in replace(CARD, id_token="x" * 21).warnings[0]
    assert "most stations" in replace(CARD, id_token="x" * 37).warnings[0]
    assert "not told of it" in replace(CARD, group_id_token="x" * 21).warnings[0]
