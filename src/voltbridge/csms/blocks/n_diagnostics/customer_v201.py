"""Customer information in the words of 2.0.1 (N09, N10)."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.given import among, given, optional
from voltbridge.csms.blocks.n_diagnostics.customer_information import CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.customer_parameters import CertificateHash, CustomerInformation, CustomerToken
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["customer_request", "notify_customer_information"]


async def notify_customer_information(
    service: CustomerInformationService, live: LiveStation, request: v201.NotifyCustomerInformationRequest
) -> v201.NotifyCustomerInformationResponse:
    """A part of what the station knows of a customer (N09.FR.05)."""
    is_last = given(request.tbc) is not True
    await service.take_part(live, request.request_id, request.seq_no, is_last, request.data)
    return v201.NotifyCustomerInformationResponse()


def customer_request(wanted: CustomerInformation, request_id: int) -> v201.CustomerInformationRequest:
    """N09.FR.01, N10.FR.08. Raises Unsupported for a type of token that 2.0.1 does not know."""
    return v201.CustomerInformationRequest(
        customer_certificate=_certificate(wanted.certificate),
        id_token=_token(wanted.id_token),
        request_id=request_id,
        report=wanted.report,
        clear=wanted.clear,
        customer_identifier=optional(wanted.customer_identifier),
    )


def _token(token: CustomerToken | None) -> v201.IdTokenType | UnsetType:
    if token is None:
        return UNSET
    kind = among(v201.IdTokenEnumType, token.type, "OCPP 2.0.1 has no tokens of type")
    return v201.IdTokenType(id_token=token.id_token, type=kind)


def _certificate(certificate: CertificateHash | None) -> v201.CertificateHashDataType | UnsetType:
    if certificate is None:
        return UNSET
    return v201.CertificateHashDataType(
        hash_algorithm=v201.HashAlgorithmEnumType(certificate.hash_algorithm),
        issuer_name_hash=certificate.issuer_name_hash,
        issuer_key_hash=certificate.issuer_key_hash,
        serial_number=certificate.serial_number,
    )
