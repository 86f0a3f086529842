"""The cases, one module per functional block. Importing this package registers them all."""

from voltbridge.conformance.csms.cases import (
    a_security,
    b_provisioning,
    c_authorization,
    e_transactions,
    g_availability,
    j_meter_values,
    p_data_transfer,
)

__all__ = [
    "a_security",
    "b_provisioning",
    "c_authorization",
    "e_transactions",
    "g_availability",
    "j_meter_values",
    "p_data_transfer",
]
