"""Wrong values for the cases about root certificates."""

from __future__ import annotations

from tests.conformance.station.tamper import DROP, Wrong
from tests.conformance.station.wrong.b_provisioning import FAULTED, NO_RESET, STARTUP

__all__ = ["WRONG"]

IDS = "GetInstalledCertificateIdsResponse"
CHAIN = "certificateHashDataChain"
REFUSED = Wrong("InstallCertificateResponse", "status", "Rejected")
TAKEN = Wrong("InstallCertificateResponse", "status", "Accepted")
NOT_FOUND = Wrong(IDS, "status", "NotFound")


def entry(place: int, other_type: str = "V2GRootCertificate") -> tuple[Wrong, ...]:
    """The one that is looked for is not there, is of another type, or is named wrongly."""
    path = f"{CHAIN}.{place}"
    return (
        Wrong(IDS, path, DROP),
        Wrong(IDS, f"{path}.certificateType", other_type),
        *(
            Wrong(IDS, f"{path}.certificateHashData.{name}", value)
            for name, value in (("issuerNameHash", "00"), ("issuerKeyHash", "00"), ("serialNumber", "1"))
        ),
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    "TC_M_01_CS": (REFUSED, Wrong("InstallCertificateResponse", "status", "Failed"), NOT_FOUND, *entry(1)),
    "TC_M_02_CS": (REFUSED, NOT_FOUND, *entry(1)),
    "TC_M_07_CS": (TAKEN, Wrong("InstallCertificateResponse", "status", "Failed"), NOT_FOUND),
    "TC_M_09_CS": (TAKEN, NOT_FOUND, *entry(0)),
    "TC_M_12_CS": (REFUSED, NOT_FOUND, *entry(1)),
    "TC_M_13_CS": (REFUSED, NOT_FOUND, *entry(1)),
    "TC_M_17_CS": (REFUSED, NOT_FOUND, *entry(2), *entry(3)),
    "TC_M_18_CS": (REFUSED, NOT_FOUND, *entry(2), *entry(3)),
    "TC_M_19_CS": (
        Wrong(IDS, "status", "Accepted"),
        Wrong(
            IDS,
            CHAIN,
            [
                {
                    "certificateType": "MORootCertificate",
                    "certificateHashData": {
                        "hashAlgorithm": "SHA256",
                        "issuerNameHash": "00",
                        "issuerKeyHash": "00",
                        "serialNumber": "1",
                    },
                }
            ],
        ),
    ),
    "TC_M_20_CS": (
        Wrong("DeleteCertificateResponse", "status", "Failed"),
        Wrong("DeleteCertificateResponse", "status", "NotFound"),
    ),
    "TC_M_22_CS": (
        Wrong("DeleteCertificateResponse", "status", "Accepted"),
        Wrong("DeleteCertificateResponse", "status", "Failed"),
    ),
    "TC_M_30_CS": (REFUSED, NO_RESET, FAULTED, STARTUP, NOT_FOUND),
    "TC_M_31_CS": (REFUSED, NO_RESET, FAULTED, STARTUP, NOT_FOUND, *entry(0)),
}
