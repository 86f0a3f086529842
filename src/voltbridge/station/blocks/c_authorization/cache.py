"""The authorization cache: what the CSMS last said of each token (2.0.1 C10; 1.6 3.5.1). Survives restarts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from voltbridge.domain.tokens import AuthorizationStatus, IdToken
from voltbridge.station.answers import Authorization
from voltbridge.station.context import Context

__all__ = ["AuthorizationCache"]

_NAMESPACE: Final = "authorization-cache"
_CAPACITY: Final = 1000
_NEVER_CACHED: Final = frozenset({"NoAuthorization", "Central"})
"""C02.FR.03, C03.FR.02."""


class _Entry(msgspec.Struct):
    status: AuthorizationStatus
    used_at: datetime
    expires_at: datetime | None = None
    group: IdToken | None = None
    evse_ids: tuple[int, ...] = ()


class AuthorizationCache:
    """Remembers authorizations, by token without regard to case."""

    __slots__ = ("_context", "_entries")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._entries = {
            key: msgspec.json.decode(kept, type=_Entry) for key, kept in context.store.all(_NAMESPACE).items()
        }
        context.device_model.provide("AuthCacheCtrlr.Storage", lambda: str(self._bytes()))

    @property
    def enabled(self) -> bool:
        return self._context.settings.cache_enabled

    def find(self, token: IdToken) -> Authorization | None:
        """What is known of a token and has not expired (C10.FR.08, FR.10, FR.13)."""
        entry = self._entries.get(token.key) if self.enabled else None
        if entry is None:
            return None
        now = self._context.clock.now()
        life_time_s = self._context.settings.cache_life_time_s
        expired = (
            entry.expires_at <= now
            if entry.expires_at is not None
            else bool(life_time_s) and entry.used_at + timedelta(seconds=life_time_s) <= now
        )
        if expired:
            self.forget(token)
            return None
        entry.used_at = now
        return Authorization(entry.status, entry.expires_at, entry.group, evse_ids=entry.evse_ids)

    def remember(self, token: IdToken, authorization: Authorization) -> None:
        """Keep what the CSMS said, whatever it said (C10.FR.01, FR.04, FR.05)."""
        if not self.enabled or token.type in _NEVER_CACHED or not token.id_token:
            return
        if token.key not in self._entries and len(self._entries) >= _CAPACITY:
            self._make_room()
        entry = _Entry(
            authorization.status,
            self._context.clock.now(),
            authorization.expires_at,
            authorization.group,
            authorization.evse_ids,
        )
        self._entries[token.key] = entry
        self._context.store.put(_NAMESPACE, token.key, msgspec.json.encode(entry))

    def forget(self, token: IdToken) -> None:
        """Drop one token."""
        if self._entries.pop(token.key, None) is not None:
            self._context.store.delete(_NAMESPACE, token.key)

    async def clear(self) -> bool:
        """Drop all, on disk before it is told. False while the cache is disabled (C11.FR.04)."""
        if not self.enabled:
            return False
        for key in self._entries:
            self._context.store.delete(_NAMESPACE, key)
        self._entries.clear()
        await self._context.store.committed()
        return True

    def _make_room(self) -> None:
        """C10.FR.07: what is not accepted goes first, then what was not used for the longest time."""
        key = min(
            self._entries,
            key=lambda each: (
                self._entries[each].status is AuthorizationStatus.ACCEPTED,
                self._entries[each].used_at,
            ),
        )
        del self._entries[key]
        self._context.store.delete(_NAMESPACE, key)

    def _bytes(self) -> int:
        return sum(len(key) + 64 for key in self._entries)
