"""Of this server itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from voltbridge.csms.event_data.fields import Moment

__all__ = ["ServerCertificateAbout", "ServerCertificateExpiring", "ServerCertificateRefused"]


class ServerCertificateAbout(Struct):
    """A certificate of the stations' port."""

    kind: Annotated[str, Meta(description="Of its key: EC or RSA.")]
    names: Annotated[list[str], Meta(description="By which stations may know this server.")]
    valid_until: Moment
    sha256: Annotated[str, Meta(description="Of the certificate, in hexadecimal digits.")]


class ServerCertificateExpiring(ServerCertificateAbout):
    """One with little time left."""

    days_left: Annotated[int, Meta(ge=0)]


class ServerCertificateRefused(Struct):
    """Files that cannot be used."""

    problem: Annotated[str, Meta(description="What is wrong, and what to do.")]
