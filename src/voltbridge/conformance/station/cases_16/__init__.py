"""The cases for charge points of 1.6, one module per theme."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Importing a module registers its cases.
from voltbridge.conformance.station.cases_16 import authorize as authorize
from voltbridge.conformance.station.cases_16 import boot as boot
from voltbridge.conformance.station.cases_16 import configuration as configuration
from voltbridge.conformance.station.cases_16 import diagnostics as diagnostics
from voltbridge.conformance.station.cases_16 import firmware as firmware
from voltbridge.conformance.station.cases_16 import keys as keys
from voltbridge.conformance.station.cases_16 import local_lists as local_lists
from voltbridge.conformance.station.cases_16 import meter_values as meter_values
from voltbridge.conformance.station.cases_16 import offline as offline
from voltbridge.conformance.station.cases_16 import queue as queue
from voltbridge.conformance.station.cases_16 import remote_control as remote_control
from voltbridge.conformance.station.cases_16 import reservations as reservations
from voltbridge.conformance.station.cases_16 import reset as reset
from voltbridge.conformance.station.cases_16 import schema as schema
from voltbridge.conformance.station.cases_16 import security as security
from voltbridge.conformance.station.cases_16 import smart_charging as smart_charging
from voltbridge.conformance.station.cases_16 import status as status
from voltbridge.conformance.station.cases_16 import stop as stop
from voltbridge.conformance.station.cases_16 import transactions as transactions
from voltbridge.conformance.station.cases_16 import trigger as trigger

__all__ = ["NOT_WRITTEN"]

_CERTIFICATES: Final = "the kit has no authority yet whose certificates a charge point would take"
NOT_WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(
        (
            "TC16_A_SignCertificate_Triggered_CS",
            "TC16_A_CertificateSigned_Accepted_CS",
            "TC16_A_CertificateSigned_Invalid_CS",
            "TC16_A_Profile_Raised_CS",
            "TC16_M_GetInstalledCertificateIds_Listed_CS",
            "TC16_M_InstallCertificate_Accepted_CS",
            "TC16_M_DeleteCertificate_Accepted_CS",
        ),
        _CERTIFICATES,
    )
)
"""Cases of the catalogue that there are not yet, and why."""
