"""What vehicles need in the words of 2.0.1 and 2.1, of which only the latter knows ISO 15118-20."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import UnsetType

from voltbridge.csms.blocks.given import given, moment, optional
from voltbridge.csms.blocks.k_smart_charging.vehicles import EvAnswer
from voltbridge.domain.charging_needs import ChargingNeeds
from voltbridge.protocol import v21, v201

__all__ = [
    "needs_of",
    "status_info",
]


_PHASES: Final = {"AC_single_phase": 1, "AC_two_phase": 2}


def needs_of(request: v201.NotifyEVChargingNeedsRequest | v21.NotifyEVChargingNeedsRequest) -> ChargingNeeds | None:
    """None where neither alternating nor direct current is described (K15.FR.06)."""
    needs = request.charging_needs
    ac, dc = needs.ac_charging_parameters, needs.dc_charging_parameters
    departure_at, max_periods = moment(needs.departure_time), given(request.max_schedule_tuples)
    if not isinstance(ac, UnsetType):
        return ChargingNeeds(
            is_dc=False,
            max_current_a=ac.ev_max_current,
            min_current_a=ac.ev_min_current,
            max_voltage_v=ac.ev_max_voltage,
            phases=_PHASES.get(needs.requested_energy_transfer.value, 3),
            energy_wh=ac.energy_amount,
            departure_at=departure_at,
            max_periods=max_periods,
        )
    if not isinstance(dc, UnsetType):
        return ChargingNeeds(
            is_dc=True,
            max_current_a=dc.ev_max_current,
            max_voltage_v=dc.ev_max_voltage,
            max_power_w=given(dc.ev_max_power),
            energy_wh=given(dc.energy_amount),
            departure_at=departure_at,
            max_periods=max_periods,
        )
    if isinstance(needs, v21.ChargingNeedsType) and not isinstance(needs.v2x_charging_parameters, UnsetType):
        return _needs_of_20(needs, needs.v2x_charging_parameters, departure_at, max_periods)
    return None


def _needs_of_20(
    needs: v21.ChargingNeedsType,
    told: v21.V2XChargingParametersType,
    departure_at: datetime | None,
    max_periods: int | None,
) -> ChargingNeeds | None:
    """What ISO 15118-20 tells (2.1 K17.FR.06). None where it can be no limit: neither a current nor a power is told."""
    mode = needs.requested_energy_transfer.value
    is_dc = mode.startswith("DC")
    phases = 1 if is_dc else _PHASES.get(mode, 3)
    power_w, current_a = given(told.max_charge_power), given(told.max_charge_current)
    voltage_v = given(told.max_voltage) or 230.0
    if current_a is None and power_w is not None:
        current_a = power_w / (voltage_v if is_dc else 230.0 * phases)
    if current_a is None:
        return None
    return ChargingNeeds(
        is_dc=is_dc,
        max_current_a=current_a,
        max_voltage_v=voltage_v,
        phases=phases,
        max_power_w=power_w,
        min_current_a=given(told.min_charge_current),
        energy_wh=given(told.ev_target_energy_request),
        departure_at=departure_at,
        max_periods=max_periods,
    )


def status_info(words: Any, answer: EvAnswer) -> Any:
    """Why a plan or a need was refused."""
    return optional(None if answer.reason is None else words.StatusInfoType(reason_code=answer.reason))
