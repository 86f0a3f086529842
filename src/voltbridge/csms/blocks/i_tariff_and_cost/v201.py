"""Tariff and cost in the words of 2.0.1: CostUpdated, and the texts and totals of other answers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.e_transactions.ports import CostAnswer
from voltbridge.csms.blocks.given import optional
from voltbridge.domain.tariffs import TariffText
from voltbridge.protocol import v201

__all__ = ["LOCAL_COST", "cost_updated", "message_content", "total_cost", "updated_message"]

LOCAL_COST: Final = False


def cost_updated(transaction_id: str, total: Decimal) -> v201.CostUpdatedRequest:
    """I02."""
    return v201.CostUpdatedRequest(total_cost=float(total), transaction_id=transaction_id)


def total_cost(answer: CostAnswer | None) -> float | UnsetType:
    """I02.FR.01, I03.FR.02; 0 is free, and no field is not known (I03.FR.04)."""
    return UNSET if answer is None or answer.total is None else float(answer.total)


def updated_message(answer: CostAnswer | None) -> v201.MessageContentType | UnsetType:
    """I06.FR.02."""
    texts: Sequence[TariffText] = () if answer is None else answer.texts
    return message_content(texts[0]) if texts else UNSET


def message_content(text: TariffText) -> v201.MessageContentType:
    """I01.FR.01."""
    return v201.MessageContentType(
        format=v201.MessageFormatEnumType(text.format.value), language=optional(text.language), content=text.content
    )
