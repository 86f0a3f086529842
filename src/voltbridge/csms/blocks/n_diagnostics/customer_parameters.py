"""What stations are asked about a customer with, whatever the version (2.0.1 N09, N10)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters

__all__ = ["CertificateHash", "CustomerInformation", "CustomerToken"]

_Hash = Annotated[str, Meta(min_length=1, max_length=128)]


class CustomerToken(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer by the idToken."""

    id_token: Annotated[str, Meta(min_length=1, max_length=255)]
    type: Annotated[str, Meta(min_length=1, max_length=20)] = "ISO14443"


class CertificateHash(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer by the certificate, hashed as it was when it was installed (N09.FR.08)."""

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: _Hash
    issuer_key_hash: _Hash
    serial_number: Annotated[str, Meta(min_length=1, max_length=40)]


class CustomerInformation(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station tell what it knows of a customer, forget it, or both. One reference to the customer is given."""

    id_token: CustomerToken | None = None
    certificate: CertificateHash | None = None
    customer_identifier: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """What the vendor or the operator knows the customer by."""
    report: bool = True
    clear: bool = False

    def __post_init__(self) -> None:
        given = [one for one in (self.id_token, self.certificate, self.customer_identifier) if one is not None]
        if len(given) != 1:
            raise ValueError("exactly one of id_token, certificate and customer_identifier must be given")
        if not (self.report or self.clear):
            raise ValueError("report, clear or both must be true")
