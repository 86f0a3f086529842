"""Signed readings: unpacked from what stations send, and held against keys in each form they come in."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.ocmf import SignatureVerdict, SignedReading, signed_reading, usable_key, verify

CURVES = {
    "ECDSA-secp256r1-SHA256": ec.SECP256R1(),
    "ECDSA-secp256k1-SHA256": ec.SECP256K1(),
    "ECDSA-brainpool256r1-SHA256": ec.BrainpoolP256R1(),
    "ECDSA-secp384r1-SHA256": ec.SECP384R1(),
}
PAYLOAD = '{"FV":"1.0","RD":[{"RV":2935.6,"RU":"kWh"}]}'
KEY = ec.generate_private_key(ec.SECP256R1())


def der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def ocmf(key: ec.EllipticCurvePrivateKey = KEY, method: str | None = None, *, in_base64: bool = False) -> str:
    signature = key.sign(PAYLOAD.encode(), ec.ECDSA(hashes.SHA256()))
    envelope = {"SD": base64.b64encode(signature).decode() if in_base64 else signature.hex()}
    return f"OCMF|{PAYLOAD}|{json.dumps(envelope | ({} if method is None else {'SA': method}))}"


@pytest.mark.parametrize("method", CURVES)
def test_the_methods_of_the_format(method: str) -> None:
    key = ec.generate_private_key(CURVES[method])
    reading = SignedReading(ocmf(key, method), None)
    assert verify(reading, der(key).hex()) is SignatureVerdict.VALID
    assert (
        verify(SignedReading(reading.text.replace("2935.6", "2935.7"), None), der(key).hex())
        is SignatureVerdict.INVALID
    )
    assert verify(reading, der(KEY).hex()) is SignatureVerdict.INVALID
    assert verify(reading, None) is SignatureVerdict.NO_KEY


def test_a_signature_in_base64_and_no_method_named() -> None:
    assert verify(SignedReading(ocmf(in_base64=True), None), der(KEY).hex()) is SignatureVerdict.VALID


PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
PRINTED = f"oca:base16:asn1:{der(KEY).hex()}"


@pytest.mark.parametrize(
    "key",
    [
        PEM,
        der(KEY).hex(),
        der(KEY).hex().upper(),
        "0x" + der(KEY).hex(),
        base64.b64encode(der(KEY)).decode(),
        PRINTED,
        f"oca:base64:asn1:{base64.b64encode(der(KEY)).decode()}",
        base64.b64encode(PRINTED.encode()).decode(),
    ],
)
def test_every_form_of_a_key(key: str) -> None:
    assert usable_key(key)
    assert verify(SignedReading(ocmf(), None), key) is SignatureVerdict.VALID


def test_what_is_no_key() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    text = other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()
    for key in ("", "oca:", "oca:base16:asn1:zz", "-----BEGIN PUBLIC KEY-----", "ff", text):
        assert not usable_key(key)
        assert verify(SignedReading(ocmf(), None), key) is SignatureVerdict.UNSUPPORTED


@pytest.mark.parametrize(
    "told",
    [
        ocmf(),
        base64.b64encode(ocmf().encode()).decode(),
        ocmf().encode().hex(),
        json.dumps({"signedMeterData": ocmf(), "publicKey": ""}),
        json.dumps({"signedMeterData": base64.b64encode(ocmf().encode()).decode(), "encodingMethod": "OCMF"}),
    ],
)
def test_every_form_in_which_stations_send_it(told: str) -> None:
    reading = signed_reading(told)
    assert reading.public_key is None
    assert verify(reading, PEM) is SignatureVerdict.VALID


def test_the_key_that_came_along() -> None:
    reading = signed_reading(json.dumps({"signedMeterData": ocmf(), "publicKey": PRINTED}))
    assert verify(reading, reading.public_key) is SignatureVerdict.VALID


@given(st.text(), st.text() | st.none())
def test_any_text_gets_a_verdict(told: str, key: str | None) -> None:
    assert verify(signed_reading(told), key) is not SignatureVerdict.VALID


@pytest.mark.parametrize(
    "text",
    ["OCMF|{}", "OCMF|{}|", "OCMF|{}|[]", 'OCMF|{}|{"SA":"RSA","SD":"00"}', "EDL|x|{}", '{"signedMeterData": 1}'],
)
def test_what_is_not_signed_as_we_know_it(text: str) -> None:
    assert verify(signed_reading(text), PEM) is SignatureVerdict.UNSUPPORTED
