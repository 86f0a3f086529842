"""Passwords of stations: made, judged, hashed, compared (2.0.1 A00, A01; adr/0003-station-passwords.md).

A password is a text for 2.x (16 to 64 characters, sent as UTF-8) and 16 to 20 bytes for 1.6, configured there as their
hexadecimal digits (AuthorizationKey). Some 1.6 stations send the bytes, others the digits as they were given. So a
text of 32 to 40 hexadecimal digits and the bytes it spells are one password here: what is hashed is always the bytes.
No two passwords that anybody would call different fall together by this, since digits and bytes have the same entropy.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import math
import re
import secrets
from typing import Final

from voltbridge.domain.errors import InvalidValue

__all__ = [
    "CHOSEN_ROUNDS",
    "GENERATED_ROUNDS",
    "MAX_LENGTH",
    "MIN_BITS",
    "MIN_LENGTH",
    "check_password",
    "estimated_bits",
    "generate_password",
    "hash_password",
    "password_matches",
]

MIN_LENGTH: Final = 16
"""Characters (2.0.1 A00.FR.205); in 1.6 at least as many bytes."""
MAX_LENGTH: Final = 64
"""Characters: the most that any station's BasicAuthPassword may allow (2.0.1 errata 2025-09, 2.1)."""
MIN_BITS: Final = 60
"""What a chosen password must look like it holds. Sixteen random hexadecimal digits do, sixteen decimal ones do not."""
GENERATED_ROUNDS: Final = 1
"""160 random bits cannot be searched, however fast the hash."""
CHOSEN_ROUNDS: Final = 1000
"""A chosen password holds less than it seems to, so searching it is made a thousand times dearer."""

_KEY_BYTES = 20
_SCHEME = "pbkdf2-sha256"
_HEX_KEY = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")
_GUESSED_FIRST = (
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1qaz2wsx3edc4rfv", "poiuytrewq", "lkjhgfdsa"),
    *("password", "passw0rd", "charger", "charging", "station", "voltbridge", "ocpp", "admin", "secret", "changeme"),
    *("welcome", "letmein", "default", "example", "monkey", "dragon", "master", "login", "basicauth"),
)


def generate_password() -> str:
    """A new random password that stations of every version can hold: 40 hexadecimal digits, 160 bits."""
    return secrets.token_hex(_KEY_BYTES)


def check_password(password: str, identity: str) -> None:
    """Raise InvalidValue when an operator's own choice is not fit to be a station's password."""
    if len(password) < MIN_LENGTH:
        raise InvalidValue("password", f"must have at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise InvalidValue("password", f"must have at most {MAX_LENGTH} characters")
    if not password.isprintable():
        raise InvalidValue("password", "must not contain control characters; give binary keys as hexadecimal digits")
    if estimated_bits(password, identity) < MIN_BITS:
        raise InvalidValue("password", "is too easy to guess; let one be generated, or use random characters")


def estimated_bits(password: str, identity: str = "") -> float:
    """How much is left to guess of a password, generously: an upper bound that catches the careless choices.

    Every character counts with the size of the alphabet in use, except those that follow from what stands before
    them: runs (aaaa, 1234), repeated parts, and parts of the identity and of what everybody tries first.
    """
    known = _trigrams(identity.casefold())
    for text in _GUESSED_FIRST:
        known |= _trigrams(text)
    folded = password.casefold()
    steps = [ord(after) - ord(before) for before, after in itertools.pairwise(folded)]
    seen: set[str] = set()
    unpredictable = min(len(folded), 2)
    for end in range(2, len(folded)):
        trigram = folded[end - 2 : end + 1]
        in_run = end >= 3 and steps[end - 1] == steps[end - 2] == steps[end - 3]
        if not in_run and trigram not in known and trigram not in seen:
            unpredictable += 1
        seen.add(trigram)
    return unpredictable * math.log2(_alphabet(password))


def hash_password(password: str, rounds: int) -> str:
    """The salted hash to store: scheme, rounds, salt and digest in one text.

    ``rounds`` is GENERATED_ROUNDS or CHOSEN_ROUNDS; it is stored, so it can change without touching what is stored.
    """
    salt = secrets.token_bytes(16)
    digest = _digest(password.encode(), salt, rounds)
    return "$".join((_SCHEME, str(rounds), base64.b64encode(salt).decode(), base64.b64encode(digest).decode()))


def password_matches(stored: str, presented: bytes) -> bool:
    """Whether the bytes a station presented are the password, in either of its forms. Takes the same time for both.

    Raises ValueError when the stored text is no hash of ours.
    """
    scheme, rounds, salt, digest = stored.split("$")
    if scheme != _SCHEME:
        raise ValueError(f"unknown password scheme {scheme!r}")
    return hmac.compare_digest(_digest(presented, base64.b64decode(salt), int(rounds)), base64.b64decode(digest))


def _digest(password: bytes, salt: bytes, rounds: int) -> bytes:
    if _HEX_KEY.fullmatch(password):
        password = bytes.fromhex(password.decode())
    return hashlib.pbkdf2_hmac("sha256", password, salt, rounds)


def _trigrams(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(len(text) - 2)}


def _alphabet(text: str) -> int:
    if re.fullmatch("[0-9a-f]*|[0-9A-F]*", text):
        return 10 if text.isdecimal() else 16
    classes = ((10, "[0-9]"), (26, "[a-z]"), (26, "[A-Z]"), (32, r"[!-/:-@\[-`{-~ ]"), (64, "[^ -~]"))
    return sum(size for size, pattern in classes if re.search(pattern, text)) or 1
