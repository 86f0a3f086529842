"""Signatures over firmware: right ones pass, and each way to be wrong is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from tests.support.certificates import signer

from voltbridge.csms.blocks.l_firmware.signatures import check_certificate, check_signature, signature_bytes
from voltbridge.domain.errors import InvalidValue

NOW = datetime.now(UTC)
DATA = b"firmware" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_right_one_passes_and_one_over_something_else_does_not(kind: str) -> None:
    made = signer(kind)
    certificate = check_certificate(made.pem, NOW)
    check_signature(certificate, signature_bytes(made.sign(DATA)), DIGEST)
    with pytest.raises(InvalidValue, match="signature"):
        check_signature(certificate, signature_bytes(made.sign(DATA + b"!")), DIGEST)
    with pytest.raises(InvalidValue):
        check_signature(certificate, signature_bytes(signer(kind, -2).sign(DATA)), DIGEST)


def test_one_of_the_older_padding_is_told_apart() -> None:
    made = signer("rsa")
    signature = signature_bytes(made.sign(DATA, pkcs1=True))
    with pytest.raises(InvalidValue, match="RSA-PSS"):
        check_signature(check_certificate(made.pem, NOW), signature, DIGEST)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("nonsense", "X.509"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "X.509"),
        (signer().pem * 2, "one certificate"),
        (signer("ec", -40, 30).pem, "not now"),
        (signer("ec", 5, 30).pem, "not now"),
        (signer("rsa", bits=1024).pem, "1024 bits"),
        (signer("ec", bits=192).pem, "192 bits"),
        (signer("ed25519").pem, "elliptic curve"),
        (signer().pem + " " * 5500, "5500"),
    ],
)
def test_a_certificate_that_cannot_sign(pem: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        check_certificate(pem, NOW)


@pytest.mark.parametrize(("signature", "said"), [("###", "base64"), ("", "base64"), ("A" * 801, "800")])
def test_a_signature_that_is_none(signature: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        signature_bytes(signature)
