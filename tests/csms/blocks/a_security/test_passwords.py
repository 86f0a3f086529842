"""Passwords: strong ones pass, careless ones do not, both forms of a 1.6 key are one password."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.csms.blocks.a_security.passwords import (
    CHOSEN_ROUNDS,
    GENERATED_ROUNDS,
    MIN_BITS,
    check_password,
    estimated_bits,
    generate_password,
    hash_password,
    password_matches,
)
from voltbridge.domain.errors import InvalidValue


def test_a_generated_password_fits_every_version() -> None:
    password = generate_password()
    assert len(password) == 40
    assert len(bytes.fromhex(password)) == 20
    assert password != generate_password()
    check_password(password, "CS1")


@pytest.mark.parametrize("rounds", [GENERATED_ROUNDS, CHOSEN_ROUNDS])
def test_the_hash_matches_the_password_only(rounds: int) -> None:
    password = "K7$mPq2!vX9@zRw4 é"
    stored = hash_password(password, rounds)
    assert password_matches(stored, password.encode())
    assert not password_matches(stored, password.encode() + b"x")
    assert not password_matches(stored, password[:-1].encode())
    assert not password_matches(stored, b"")
    assert password not in stored


def test_the_same_password_is_stored_differently_each_time() -> None:
    password = generate_password()
    assert hash_password(password, 1) != hash_password(password, 1)


def test_hexadecimal_digits_and_their_bytes_are_one_password() -> None:
    """The example of OCPP-J 1.6, 6.2.2: key 0001020304050607 and twelve FF."""
    key = "0001020304050607" + "FF" * 12
    stored = hash_password(key, 1)
    assert password_matches(stored, bytes.fromhex(key))
    assert password_matches(stored, key.encode())
    assert password_matches(stored, key.lower().encode())
    assert not password_matches(stored, bytes.fromhex(key)[:-1])
    assert not password_matches(stored, key.encode()[:-2])


@pytest.mark.parametrize("length", [30, 31, 33, 42])
def test_digits_outside_the_lengths_of_a_key_are_only_themselves(length: int) -> None:
    password = ("0123456789abcdef" * 3)[:length]
    stored = hash_password(password, 1)
    assert password_matches(stored, password.encode())
    assert not password_matches(stored, bytes.fromhex(password[: length // 2 * 2]))
    assert not password_matches(stored, password.upper().encode())


@given(st.binary(min_size=16, max_size=20))
@settings(max_examples=50, deadline=None)
def test_every_binary_key_works_in_both_forms(key: bytes) -> None:
    stored = hash_password(key.hex(), 1)
    assert password_matches(stored, key)
    assert password_matches(stored, key.hex().encode())
    assert not password_matches(stored, key[:-1] + bytes([key[-1] ^ 1]))


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "K7mPq2vX9zRw4bN",
        "x" * 65,
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "0123456789012345",
        "1234567890abcdefghij",
        "abcabcabcabcabcabcabcabc",
        "passwordpassword1234",
        "qwertyuiopasdfghjkl",
        "ChargingStationPassword1",
        "CHARGER-0001-CHARGER-0001",
        "1357913579135791",
        "K7$mPq2!vX9@zRw4\n",
    ],
)
def test_careless_passwords_are_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        check_password(password, "CHARGER-0001")
    assert refusal.value.field == "password"
    assert password not in str(refusal.value)


@pytest.mark.parametrize(
    "alphabet", [string.ascii_letters + string.digits, string.hexdigits[:16], string.printable[:94]]
)
def test_random_passwords_of_the_shortest_length_are_taken(alphabet: str) -> None:
    source = random.Random(7)
    taken = 0
    for _ in range(500):
        password = "".join(source.choice(alphabet) for _ in range(16))
        try:
            check_password(password, "CHARGER-0001")
        except InvalidValue:
            continue
        taken += 1
    assert taken >= 490


def test_the_identity_counts_for_nothing_in_its_password() -> None:
    plain = estimated_bits("RX-7741-berlin-nord-3")
    assert estimated_bits("RX-7741-berlin-nord-3", "RX-7741-Berlin-Nord") < MIN_BITS < plain


@pytest.mark.parametrize("stored", ["", "plain", "md5$1$YQ==$YQ==", "pbkdf2-sha256$x$YQ==$YQ=="])
def test_a_text_that_is_no_hash_is_an_error_not_a_mismatch(stored: str) -> None:
    with pytest.raises(ValueError):
        password_matches(stored, b"anything")
