"""The cases of Part 6, one module per functional block, and with them those of 1.6 (``cases_16``)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from voltbridge.conformance.catalogue import CATALOGUE
from voltbridge.conformance.station import cases_16 as cases_16
from voltbridge.conformance.station.case import REGISTERED, StationCase

# Importing a module registers its cases.
from voltbridge.conformance.station.cases import (
    b_device_model as b_device_model,
)
from voltbridge.conformance.station.cases import (
    b_network as b_network,
)
from voltbridge.conformance.station.cases import (
    b_provisioning as b_provisioning,
)
from voltbridge.conformance.station.cases import (
    c_cache as c_cache,
)
from voltbridge.conformance.station.cases import (
    c_local_list as c_local_list,
)
from voltbridge.conformance.station.cases import (
    c_local_start as c_local_start,
)
from voltbridge.conformance.station.cases import (
    c_offline as c_offline,
)
from voltbridge.conformance.station.cases import (
    d_local_list as d_local_list,
)
from voltbridge.conformance.station.cases import (
    e_offline as e_offline,
)
from voltbridge.conformance.station.cases import (
    e_start as e_start,
)
from voltbridge.conformance.station.cases import (
    e_stop as e_stop,
)
from voltbridge.conformance.station.cases import (
    f_remote_control as f_remote_control,
)
from voltbridge.conformance.station.cases import (
    f_trigger as f_trigger,
)
from voltbridge.conformance.station.cases import (
    f_trigger_transfers as f_trigger_transfers,
)
from voltbridge.conformance.station.cases import (
    g_availability as g_availability,
)
from voltbridge.conformance.station.cases import (
    h_reservation as h_reservation,
)
from voltbridge.conformance.station.cases import (
    i_costs as i_costs,
)
from voltbridge.conformance.station.cases import (
    j_clock_aligned as j_clock_aligned,
)
from voltbridge.conformance.station.cases import (
    j_sampled as j_sampled,
)
from voltbridge.conformance.station.cases import (
    k_profiles_told as k_profiles_told,
)
from voltbridge.conformance.station.cases import (
    k_set_profile as k_set_profile,
)
from voltbridge.conformance.station.cases import (
    k_vehicles as k_vehicles,
)
from voltbridge.conformance.station.cases import (
    l_firmware as l_firmware,
)
from voltbridge.conformance.station.cases import (
    m_certificates as m_certificates,
)
from voltbridge.conformance.station.cases import (
    n_events as n_events,
)
from voltbridge.conformance.station.cases import (
    n_logs as n_logs,
)
from voltbridge.conformance.station.cases import (
    n_monitors as n_monitors,
)
from voltbridge.conformance.station.cases import (
    o_messages_told as o_messages_told,
)
from voltbridge.conformance.station.cases import (
    o_set_message as o_set_message,
)
from voltbridge.conformance.station.cases import (
    o_transaction as o_transaction,
)
from voltbridge.conformance.station.cases import (
    p_data_transfer as p_data_transfer,
)

__all__ = ["STATION_CASES"]

STATION_CASES: Final[Mapping[str, StationCase]] = MappingProxyType(
    {case_id: REGISTERED[case_id] for case_id in CATALOGUE if case_id in REGISTERED}
)
"""Every case that is written, by id, in the order of the catalogue."""
