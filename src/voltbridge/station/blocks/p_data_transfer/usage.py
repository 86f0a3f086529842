"""Tariff and total usage of a transaction by DataTransfer, for CSMSs that 1.6 gives no other words for.

After the start the CSMS is asked for the tariff, and what it answers is shown to the driver; after the end it is told
what was used in all. Vendor: the station's own; messages ``Tariff`` and ``TotalUsage``.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from voltbridge.domain.transactions import TransactionPhase
from voltbridge.station.answers import Answer, NoAnswer, TransactionAnswer, Transferred
from voltbridge.station.blocks.o_display_message.service import DisplayMessages
from voltbridge.station.context import Context
from voltbridge.station.facts import DataTransferQuestion, Fact, TransactionFact

__all__ = ["Usage"]

_SETTING: Final = "BackendCtrlr.DataTransferForTariffAndTotalUsage"
_LONGEST_TEXT: Final = 512


class Usage:
    """Asks and tells, where that is configured."""

    __slots__ = ("_context", "_display")

    def __init__(self, context: Context, display: DisplayMessages) -> None:
        self._context = context
        self._display = display

    def answered(self, fact: Fact, answer: Answer | None) -> None:
        """The CSMS has heard of a transaction."""
        if not isinstance(fact, TransactionFact) or not isinstance(answer, TransactionAnswer):
            return
        if not fact.authorized or not self._context.settings.flag(_SETTING):
            return
        connector_id = self._context.configuration.number_of(fact.evse_id, fact.connector_id)
        number = answer.transaction_number
        about = {"transactionId": fact.key if number is None else number, "connectorId": connector_id}
        if fact.phase is TransactionPhase.ENDED:
            self._context.tasks.spawn(self._tell_usage(fact, about), "total usage")
        elif fact.authorizes:
            self._context.tasks.spawn(self._ask_for_tariff(fact, about), "tariff")

    async def _ask_for_tariff(self, fact: TransactionFact, about: dict[str, Any]) -> None:
        token = fact.id_token.id_token if fact.id_token is not None else ""
        answer = await self._transfer("Tariff", about | {"idTag": token})
        if answer is not None and answer.status == "Accepted" and isinstance(answer.data, str):
            self._display.say(answer.data[:_LONGEST_TEXT])

    async def _tell_usage(self, fact: TransactionFact, about: dict[str, Any]) -> None:
        usage = dict(about)
        if fact.register_wh is not None and fact.begin_wh is not None:
            usage["energyWh"] = round(fact.register_wh - fact.begin_wh)
        if fact.started_at is not None:
            usage["durationSeconds"] = round((fact.at - fact.started_at).total_seconds())
        await self._transfer("TotalUsage", usage)

    async def _transfer(self, message: str, data: dict[str, Any]) -> Transferred | None:
        question = DataTransferQuestion(vendor_id=self._context.configuration.vendor, message_id=message, data=data)
        try:
            answer = await self._context.outbox.ask(question)
        except NoAnswer as error:
            log = structlog.get_logger("voltbridge.station").bind(station=self._context.configuration.identity)
            log.info("a data transfer was not answered", message=message, error=str(error))
            return None
        return answer if isinstance(answer, Transferred) else None
