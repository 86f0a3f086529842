"""What the station knows of one customer, told or removed (2.0.1 N09, N10).

The local list is told of but never changed by this: its version would no longer say what is in it (N10.FR.02, FR.03).
Of a customer identifier it knows what was registered at the station itself (``remember``); of contract certificates
nothing.
"""

from __future__ import annotations

from typing import Final

from voltbridge.domain.tokens import IdToken
from voltbridge.station.blocks.c_authorization.service import Authorizer
from voltbridge.station.blocks.d_local_auth_list.service import LocalList
from voltbridge.station.context import Context
from voltbridge.station.facts import CustomerInformationFact

__all__ = ["Customers"]

_PART: Final = 512
_NAMESPACE: Final = "customers"
_CLEARED: Final = "cleared"


class Customers:
    """Answers questions about customers."""

    def __init__(self, context: Context, authorizer: Authorizer, local_list: LocalList) -> None:
        self._context = context
        self._authorizer = authorizer
        self._local_list = local_list

    def remember(self, identifier: str, text: str) -> None:
        """Somebody registers at the station with an identifier of the operator's own, such as a contract's number."""
        self._context.store.put(_NAMESPACE, identifier, text.encode())

    async def handle(
        self, request_id: int, token: IdToken | None, identifier: str | None, *, report: bool, clear: bool
    ) -> None:
        """Remove and tell: after the answer. Without a token and an identifier: by what nothing is kept."""
        text = self._known(token) if token is not None else self._registered(identifier)
        if clear:
            if token is not None:
                self._authorizer.cache.forget(token)
            if identifier is not None:
                self._context.store.delete(_NAMESPACE, identifier)
            await self._context.store.committed()
        self._tell(request_id, text if report else _CLEARED)

    def _registered(self, identifier: str | None) -> str:
        kept = self._context.store.all(_NAMESPACE).get(identifier or "")
        return "" if kept is None else f"registered here: {identifier} {kept.decode()}"

    def _known(self, token: IdToken) -> str:
        lines = []
        cached = self._authorizer.cache.find(token)
        if cached is not None:
            lines.append(f"authorization cache: {token.id_token} {cached.status.value}")
        listed = self._local_list.find(token)
        if listed is not None:
            lines.append(f"local authorization list: {token.id_token} {listed.status.value}")
        return "\n".join(lines)

    def _tell(self, request_id: int, text: str) -> None:
        """In parts; one that is empty says that there is nothing (N09.FR.06)."""
        generated_at = self._context.clock.now()
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)] or [""]
        for sequence, part in enumerate(parts):
            self._context.outbox.tell(
                CustomerInformationFact(
                    request_id=request_id,
                    generated_at=generated_at,
                    sequence=sequence,
                    to_be_continued=sequence + 1 < len(parts),
                    data=part,
                ),
                triggered=True,
            )
