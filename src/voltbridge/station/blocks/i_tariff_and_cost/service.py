"""What drivers are shown of prices: tariffs, running and total costs, and what stands there when nobody knows them
(2.0.1 I01 to I06). The words go to the display of block O, where messages of the CSMS take turns with them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, Authorization, TransactionAnswer
from voltbridge.station.blocks.o_display_message.service import DisplayMessages
from voltbridge.station.context import Context
from voltbridge.station.facts import ConnectorState, Fact, TransactionFact

__all__ = ["Costs"]

_SHOWN_FOR_S = 60.0


class Costs:
    """Puts prices on the display."""

    def __init__(self, context: Context, display: DisplayMessages, is_running: Callable[[str], bool]) -> None:
        """``is_running``: whether a transaction of this name (2.x) runs."""
        self._context = context
        self._display = display
        self._is_running = is_running
        self._words = 0

    def driver(self, authorization: Authorization) -> None:
        """Somebody was authorized: what it costs (I01.FR.03), or what is said when that is unknown (I04.FR.01)."""
        self._display.language = authorization.language
        if authorization.accepted and self._enabled("Tariff"):
            self._say(authorization.personal_message or self._text("TariffFallbackMessage"))

    def running(self, key: str, cost: float) -> bool:
        """The CSMS says what a transaction has cost so far (I02.FR.03). False when it does not run here."""
        if not self._is_running(key):
            return False
        if self._enabled("Cost"):
            self._say(self._amount(cost))
        return True

    def answered(self, fact: Fact, answer: Answer | None) -> None:
        """An answer to what was told of a transaction (I02.FR.04, I03.FR.03, I06.FR.03)."""
        if not isinstance(fact, TransactionFact) or not isinstance(answer, TransactionAnswer):
            return
        ended = fact.phase is TransactionPhase.ENDED
        if not ended and not self._is_running(fact.key):
            return  # told late, of a transaction that is over
        if answer.personal_message is not None and not ended and self._enabled("Tariff"):
            self._say(str(answer.personal_message.get("content", "")))
        # Whoever ended it while there was no connection has gone; whoever left the bay has, too (I03.FR.03, FR.05).
        gone = fact.offline or "ParkingBayOccupancy" in self._context.settings.tx_stop_points
        if answer.total_cost is not None and self._enabled("Cost") and not (ended and gone):
            self._say(self._amount(answer.total_cost), for_s=_SHOWN_FOR_S if ended else None)

    def state_changed(self, state: ConnectorState) -> None:
        """A connector's state. Where the CSMS did not hear a transaction end, its costs are unknown (I05.FR.02)."""
        if state is ConnectorState.FINISHING and not self._context.outbox.online and self._enabled("Cost"):
            self._say(self._text("TotalCostFallbackMessage"), for_s=_SHOWN_FOR_S)

    def _say(self, text: str, *, for_s: float | None = None) -> None:
        if not text:
            return
        self._words += 1
        said = self._words
        self._display.say(text)
        if for_s is not None:
            self._context.clock.call_later(for_s, lambda: self._over(said))

    def _over(self, said: int) -> None:
        if self._words == said:
            self._display.say("")

    def _amount(self, cost: float) -> str:
        return f"{Decimal(str(cost)).quantize(Decimal('0.01'))} {self._text('Currency')}"

    def _text(self, variable: str) -> str:
        return self._context.settings.text(f"TariffCostCtrlr.{variable}")

    def _enabled(self, what: str) -> bool:
        """2.1: the variable is about tariffs and costs of the station's own; what the CSMS says is shown regardless."""
        return self._context.version is Version.V21 or self._context.settings.flag(f"TariffCostCtrlr.Enabled[{what}]")
