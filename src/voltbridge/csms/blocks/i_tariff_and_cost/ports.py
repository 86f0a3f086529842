"""What tariffs and costs ask of the storage, the stations and the device model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from voltbridge.domain.device_model import Attribute, ReadResult, StationVariable
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tariffs import Tariff, TariffAssignment
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Calls", "Connected", "CostWords", "TariffBook", "Variables"]


class TariffBook(Protocol):
    """The operator's tariffs. All raise StorageUnavailable."""

    async def all(self) -> tuple[Sequence[Tariff], Sequence[TariffAssignment]]: ...

    async def put(self, tariff: Tariff) -> bool:
        """Add or replace it; whether it was added."""

    async def delete(self, id: str) -> None:
        """Raises NotFound."""

    async def assign(self, assignment: TariffAssignment) -> bool:
        """Add or replace it; whether it was added."""

    async def withdraw(self, id: str) -> None:
        """Raises NotFound."""


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...


class Calls(Protocol):
    """The door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The response. Raises a CallFailed."""


class Variables(Protocol):
    """The device model."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        """By the attributes' keys. Raises StorageUnavailable."""

    async def read_by(self, live: LiveStation, call: Any, attributes: Sequence[Attribute]) -> Sequence[ReadResult]: ...


class CostWords(Protocol):
    """How a version says it; a module is one. A version without words shows no cost."""

    @property
    def LOCAL_COST(self) -> bool:  # noqa: N802 - a constant of the module
        """Whether the Cost instances of TariffCostCtrlr are about costs that the station calculates by itself."""

    def cost_updated(self, transaction_id: str, total: Decimal) -> Payload: ...
