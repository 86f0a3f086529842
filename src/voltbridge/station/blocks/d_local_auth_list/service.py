"""The local authorization list: tokens the CSMS has told the station about (2.0.1 block D; 1.6 3.5.2, 5.15)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from voltbridge.domain.tokens import AuthorizationStatus, IdToken
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.station.answers import Authorization
from voltbridge.station.context import Context, on_disk

__all__ = ["Entry", "ListStatus", "LocalList"]

_NAMESPACE: Final = "local-list"
_VERSION: Final = "local-list-version"
_CAPACITY: Final = 10_000


class ListStatus(StrEnum):
    """What the CSMS is told."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    VERSION_MISMATCH = "VersionMismatch"
    NOT_SUPPORTED = "NotSupported"
    """1.6: the list is switched off."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One token of an update. No authorization: the token is to be removed."""

    id_token: IdToken
    authorization: Authorization | None


class _Kept(msgspec.Struct, frozen=True):
    id_token: IdToken
    status: AuthorizationStatus
    expires_at: datetime | None = None
    group: IdToken | None = None
    evse_ids: tuple[int, ...] = ()


class LocalList:
    """The list of one station. Tokens compare without regard to case."""

    __slots__ = ("_context", "_entries", "_version")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._entries = {
            key: msgspec.json.decode(kept, type=_Kept) for key, kept in context.store.all(_NAMESPACE).items()
        }
        self._version = int(context.store.all(_VERSION).get("version", b"0"))
        context.device_model.provide("LocalAuthListCtrlr.Entries", lambda: str(len(self._entries)))
        context.device_model.provide(
            "LocalAuthListCtrlr.Storage", lambda: str(sum(len(key) + 64 for key in self._entries))
        )

    @property
    def enabled(self) -> bool:
        return self._context.settings.local_list_enabled

    @property
    def version(self) -> int:
        """0: there is no list (D02.FR.03)."""
        return self._version

    @property
    def empty(self) -> bool:
        """Nobody is on it."""
        return not self._entries

    def find(self, token: IdToken) -> Authorization | None:
        """What the list says of a token; an entry that has expired says nothing (C14.FR.05)."""
        kept = self._entries.get(token.key) if self.enabled else None
        if kept is None or (kept.expires_at is not None and kept.expires_at <= self._context.clock.now()):
            return None
        return Authorization(kept.status, kept.expires_at, kept.group, evse_ids=kept.evse_ids)

    async def update(self, version: int, entries: list[Entry], *, full: bool, size: int = 0) -> ListStatus:
        """Take an update, all of it or nothing, on disk before it is told (D01).

        Raises OcppError when there are more tokens or bytes than a message may have (D01.FR.11, FR.12).
        """
        settings = self._context.settings
        most = settings.number("LocalAuthListCtrlr.ItemsPerMessage")
        if len(entries) > most:
            raise OcppError(ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, f"{len(entries)} tokens, at most {most}")
        if size > settings.number("LocalAuthListCtrlr.BytesPerMessage"):
            raise OcppError(ErrorCode.FORMAT_VIOLATION, f"{size} bytes are too many")
        if not self.enabled:
            return ListStatus.NOT_SUPPORTED
        if version <= 0:  # D01.FR.18
            return ListStatus.FAILED
        if not full and version <= self._version:  # D01.FR.19
            return ListStatus.VERSION_MISMATCH
        if _repeated(entries) or (full and any(entry.authorization is None for entry in entries)):
            return ListStatus.FAILED
        added = {entry.id_token.key: _kept(entry) for entry in entries if entry.authorization is not None}
        removed = {entry.id_token.key for entry in entries if entry.authorization is None}
        wanted = added if full else {k: v for k, v in self._entries.items() if k not in removed} | added
        if len(wanted) > _CAPACITY:
            return ListStatus.FAILED
        before, version_before = self._entries, self._version
        self._keep(wanted, version)
        await on_disk(self._context.store, lambda: self._keep(before, version_before))
        return ListStatus.ACCEPTED

    def _keep(self, wanted: dict[str, _Kept], version: int) -> None:
        store = self._context.store
        for key in self._entries.keys() - wanted.keys():
            store.delete(_NAMESPACE, key)
        for key, kept in wanted.items():
            if self._entries.get(key) != kept:
                store.put(_NAMESPACE, key, msgspec.json.encode(kept))
        self._entries = wanted
        self._version = version
        store.put(_VERSION, "version", str(version).encode())


def _repeated(entries: Iterable[Entry]) -> bool:
    keys = [entry.id_token.key for entry in entries]
    return len(set(keys)) < len(keys)


def _kept(entry: Entry) -> _Kept:
    authorization = entry.authorization
    assert authorization is not None
    return _Kept(
        entry.id_token,
        authorization.status,
        authorization.expires_at,
        authorization.group,
        authorization.evse_ids,
    )
