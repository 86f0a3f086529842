"""Which stations show tariffs and costs, by their device model (I01.FR.02).

Tariff texts go only to a station that is known to show them. One of which that is not known is asked, once on each
connection and after the answer that would have had the text; what it says is kept in its device model. Costs go to any
station that does not deny them: telling the total at the end is required (I03.FR.02).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import ref

from voltbridge.csms.blocks.i_tariff_and_cost.ports import Calls, Variables
from voltbridge.domain.clock import Clock
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tariffs import TariffText
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Display", "Displays"]


@dataclass(frozen=True, slots=True)
class Display:
    """What a station shows; None: it is not known."""

    texts: bool | None = None
    costs: bool | None = None
    """What the station says of its costs, whoever calculates them."""
    currency: str | None = None
    formats: frozenset[str] = frozenset()
    """Of texts; empty: not known."""
    longest: int | None = None
    """Characters that a text for a driver may have."""

    def fitting(self, texts: Iterable[TariffText]) -> list[TariffText]:
        """The texts that the display can show."""
        return [
            text
            for text in texts
            if (not self.formats or text.format.value in self.formats)
            and (self.longest is None or len(text.content) <= self.longest)
        ]


_UNKNOWN: Final = Display()


def _attribute(component: str, name: str, instance: str | None = None) -> Attribute:
    return Attribute(Variable(Component(component), name, instance))


_TARIFF: Final = (
    _attribute("TariffCostCtrlr", "Available", "Tariff"),
    _attribute("TariffCostCtrlr", "Enabled", "Tariff"),
)
_COST: Final = (_attribute("TariffCostCtrlr", "Available", "Cost"), _attribute("TariffCostCtrlr", "Enabled", "Cost"))
_MESSAGES: Final = (_attribute("DisplayMessageCtrlr", "Available"), _attribute("DisplayMessageCtrlr", "Enabled"))
_FORMATS: Final = _attribute("DisplayMessageCtrlr", "SupportedFormats")
_SIZE: Final = _attribute("DisplayMessageCtrlr", "PersonalMessageSize")
_CURRENCY: Final = _attribute("TariffCostCtrlr", "Currency")
_ALL: Final = (*_TARIFF, *_COST, *_MESSAGES, _FORMATS, _SIZE, _CURRENCY)

_FRESH_S: Final = 60.0
"""For so long what was looked up is not looked up again."""


class Displays:
    """What is known of the stations connected now, in memory."""

    def __init__(self, variables: Variables, calls: Calls, clock: Clock) -> None:
        self._variables = variables
        self._calls = calls
        self._clock = clock
        self._known: dict[str, tuple[ref[LiveStation], float, Display]] = {}
        """By station: its connection, when it was looked up, and what was found."""
        self._asked: dict[str, ref[LiveStation]] = {}

    def at_hand(self, live: LiveStation) -> Display:
        """What is known without looking anything up."""
        known = self._known.get(live.station_id)
        return known[2] if known is not None and known[0]() is live else _UNKNOWN

    async def of(self, live: LiveStation) -> Display:
        """What the device model says, at most a minute old. Raises StorageUnavailable."""
        known = self._known.get(live.station_id)
        if known is None or known[0]() is not live or self._clock.monotonic() - known[1] > _FRESH_S:
            await self._look_up(live)
        return self.at_hand(live)

    def ask_after(self, live: LiveStation) -> None:
        """Ask the station itself once the reply that is now made has left; once on each connection."""
        asked = self._asked.get(live.station_id)
        if asked is not None and asked() is live:
            return
        self._asked[live.station_id] = ref(live)

        async def ask() -> None:
            version = Version(live.report.protocol or "")

            async def call(request: Payload) -> Any:
                return await self._calls.call(live, version, request)

            await self._variables.read_by(live, call, _ALL)
            await self._look_up(live)

        live.followups.append(ask)

    async def _look_up(self, live: LiveStation) -> None:
        known = await self._variables.known(live.station_id, _ALL)
        values = {key: one.value for key, one in known.items() if one.value is not None}
        currency = values.get(_CURRENCY.key)
        shows = [_is_there(values, (*_TARIFF, _CURRENCY)), _is_there(values, (*_MESSAGES, _FORMATS))]
        texts = True if True in shows else False if False in shows else None
        formats = frozenset(one.strip() for one in values.get(_FORMATS.key, "").split(",") if one.strip())
        size = values.get(_SIZE.key, "")
        longest = int(size) if size.isascii() and size.isdecimal() and len(size) < 10 else None
        display = Display(texts, _is_there(values, _COST), currency or None, formats, longest)
        self._known[live.station_id] = (ref(live), self._clock.monotonic(), display)


def _is_there(values: Mapping[str, str], attributes: tuple[Attribute, ...]) -> bool | None:
    told = [values[one.key].casefold() for one in attributes if one.key in values]
    return None if not told else "false" not in told
