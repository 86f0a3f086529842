"""Tariff and cost in the words of 2.1: as 2.0.1, with the texts of other languages beside the driver's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.e_transactions.ports import CostAnswer
from voltbridge.csms.blocks.given import optional
from voltbridge.domain.tariffs import TariffText
from voltbridge.protocol import v21

__all__ = ["LOCAL_COST", "cost_updated", "message_content", "other_messages", "updated_message"]

LOCAL_COST: Final = True
_MOST_OTHERS: Final = 4


def cost_updated(transaction_id: str, total: Decimal) -> v21.CostUpdatedRequest:
    """I02."""
    return v21.CostUpdatedRequest(total_cost=float(total), transaction_id=transaction_id)


def updated_message(answer: CostAnswer | None) -> v21.MessageContentType | UnsetType:
    """I06.FR.02."""
    texts: Sequence[TariffText] = () if answer is None else answer.texts
    return message_content(texts[0]) if texts else UNSET


def other_messages(answer: CostAnswer | None) -> list[v21.MessageContentType] | UnsetType:
    """I06.FR.02: the same in other languages. Each has to say which it is."""
    texts = () if answer is None else answer.texts[1:]
    return [message_content(text) for text in texts if text.language is not None][:_MOST_OTHERS] or UNSET


def message_content(text: TariffText) -> v21.MessageContentType:
    """I01.FR.01."""
    return v21.MessageContentType(
        format=v21.MessageFormatEnumType(text.format.value), language=optional(text.language), content=text.content
    )
