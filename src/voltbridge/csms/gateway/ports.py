"""What the gateway asks of the rest of the CSMS."""

from __future__ import annotations

from typing import Protocol

from voltbridge.domain.admission import AdmissionRequest, Admitted, Credentials, Refused

__all__ = ["Admission", "AdmissionRequest", "Admitted", "Credentials", "Refused"]


class Admission(Protocol):
    """Decides who may connect."""

    async def admit(self, request: AdmissionRequest) -> Admitted | Refused:
        """The decision, before the upgrade and once a common subprotocol is found.

        May register a station that is new. Raises StorageUnavailable when the decision cannot be made.
        """
