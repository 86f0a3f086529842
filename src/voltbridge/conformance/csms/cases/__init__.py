"""The cases, one module per functional block."""

from collections.abc import Mapping
from typing import Final

from voltbridge.conformance.case import REGISTERED, CsmsCase

# Importing a module registers its cases.
from voltbridge.conformance.csms.cases import (
    a_security as a_security,
)
from voltbridge.conformance.csms.cases import (
    b_device_model as b_device_model,
)
from voltbridge.conformance.csms.cases import (
    b_pending as b_pending,
)
from voltbridge.conformance.csms.cases import (
    b_provisioning as b_provisioning,
)
from voltbridge.conformance.csms.cases import (
    c_authorization as c_authorization,
)
from voltbridge.conformance.csms.cases import (
    configuration_16 as configuration_16,
)
from voltbridge.conformance.csms.cases import (
    d_local_auth_list as d_local_auth_list,
)
from voltbridge.conformance.csms.cases import (
    e_transaction_status as e_transaction_status,
)
from voltbridge.conformance.csms.cases import (
    e_transactions as e_transactions,
)
from voltbridge.conformance.csms.cases import (
    f_remote_control as f_remote_control,
)
from voltbridge.conformance.csms.cases import (
    firmware_16 as firmware_16,
)
from voltbridge.conformance.csms.cases import (
    g_availability as g_availability,
)
from voltbridge.conformance.csms.cases import (
    h_reservation as h_reservation,
)
from voltbridge.conformance.csms.cases import (
    i_tariff_and_cost as i_tariff_and_cost,
)
from voltbridge.conformance.csms.cases import (
    j_meter_values as j_meter_values,
)
from voltbridge.conformance.csms.cases import (
    k_smart_charging as k_smart_charging,
)
from voltbridge.conformance.csms.cases import (
    l_firmware as l_firmware,
)
from voltbridge.conformance.csms.cases import (
    local_lists_16 as local_lists_16,
)
from voltbridge.conformance.csms.cases import (
    n_customer_information as n_customer_information,
)
from voltbridge.conformance.csms.cases import (
    n_logs as n_logs,
)
from voltbridge.conformance.csms.cases import (
    n_monitoring as n_monitoring,
)
from voltbridge.conformance.csms.cases import (
    o_display_message as o_display_message,
)
from voltbridge.conformance.csms.cases import (
    p_data_transfer as p_data_transfer,
)
from voltbridge.conformance.csms.cases import (
    remote_control_16 as remote_control_16,
)
from voltbridge.conformance.csms.cases import (
    reservations_16 as reservations_16,
)
from voltbridge.conformance.csms.cases import (
    smart_charging_16 as smart_charging_16,
)

__all__ = ["CSMS_CASES"]

CSMS_CASES: Final[Mapping[str, CsmsCase]] = REGISTERED
"""Every case that is written, by id, in the order of the blocks."""
