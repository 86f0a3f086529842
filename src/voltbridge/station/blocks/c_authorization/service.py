"""Whom the station lets charge (2.0.1 block C; 1.6 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voltbridge.domain.tokens import AuthorizationStatus, IdToken
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Authorization, NoAnswer, Refused
from voltbridge.station.blocks.c_authorization.cache import AuthorizationCache
from voltbridge.station.blocks.d_local_auth_list.service import LocalList
from voltbridge.station.context import Context
from voltbridge.station.facts import AuthorizeQuestion

__all__ = ["Authorizer", "Source", "Verdict"]

_WITHOUT_QUESTION: Final = frozenset({"NoAuthorization", "Central"})
"""A start button, and what the CSMS itself has made up (C02, C03.FR.01)."""


class Source(StrEnum):
    """Who said so."""

    NOBODY = "nobody"
    """Authorization is switched off, or the token needs none."""
    LOCAL_LIST = "local list"
    CACHE = "cache"
    CSMS = "CSMS"
    OFFLINE = "offline"
    """Nobody knows the token, and nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a token is worth, and who said so."""

    authorization: Authorization
    source: Source

    @property
    def accepted(self) -> bool:
        return self.authorization.accepted

    def accepted_at(self, evse_id: int) -> bool:
        """Whether it may be used at this EVSE (C01.FR.21)."""
        evse_ids = self.authorization.evse_ids
        return self.accepted and (not evse_ids or evse_id in evse_ids or evse_id == 0)


_ACCEPTED: Final = Authorization(AuthorizationStatus.ACCEPTED)
_UNKNOWN: Final = Authorization(AuthorizationStatus.UNKNOWN)


class Authorizer:
    """Judges tokens: by the local list, the cache and the CSMS, in the order the settings say."""

    __slots__ = ("_context", "cache", "local_list")

    def __init__(self, context: Context, local_list: LocalList) -> None:
        self._context = context
        self.cache = AuthorizationCache(context)
        self.local_list = local_list

    async def authorize(self, token: IdToken) -> Verdict:
        """What the token is worth now. The local list goes before the cache (C13.FR.01, C14.FR.01)."""
        settings = self._context.settings
        if not settings.authorization_enabled or token.type in _WITHOUT_QUESTION:
            return Verdict(_ACCEPTED, Source.NOBODY)
        local = self.known(token)
        outbox = self._context.outbox
        if outbox.online:
            if local is not None and local.accepted and settings.local_pre_authorize:
                return local
            if settings.disable_remote_authorization or (local is not None and self._is_final(local)):
                return local or Verdict(_UNKNOWN, Source.NOBODY)
            try:
                answer = await outbox.ask(AuthorizeQuestion(id_token=token))
            except Refused:
                return Verdict(Authorization(AuthorizationStatus.INVALID), Source.CSMS)
            except NoAnswer:
                pass  # as offline: the CSMS did not answer in time, or the connection broke meanwhile
            else:
                assert isinstance(answer, Authorization)
                self.learned(token, answer)
                return Verdict(answer, Source.CSMS)
        return self._offline(local)

    def known(self, token: IdToken) -> Verdict | None:
        """What is known of a token without asking anybody."""
        listed = self.local_list.find(token)
        if listed is not None:
            return Verdict(listed, Source.LOCAL_LIST)
        cached = self.cache.find(token)
        return Verdict(cached, Source.CACHE) if cached is not None else None

    def learned(self, token: IdToken, authorization: Authorization) -> None:
        """The CSMS said something of a token (C10.FR.04, FR.05); 1.6 caches none that are on the list (3.5.3)."""
        if self._context.version is not Version.V16 or self.local_list.find(token) is None:
            self.cache.remember(token, authorization)

    def is_contradicted(self, token: IdToken, authorization: Authorization) -> bool:
        """Whether the CSMS now says otherwise of a token than its local list does."""
        listed = self.local_list.find(token)
        return listed is not None and listed.accepted != authorization.accepted

    def is_master(self, group: IdToken | None) -> bool:
        """Whether tokens of this group stop everything and start nothing (C16)."""
        master = self._context.settings.master_pass_group
        return bool(master) and group is not None and group.key == master.casefold()

    def _is_final(self, local: Verdict) -> bool:
        """Tokens known as refused are asked for anew, unless that is switched off (C10.FR.03, C14.FR.03)."""
        settings = self._context.settings
        if local.accepted:
            return False
        if local.source is Source.LOCAL_LIST:
            return settings.list_disable_post_authorize
        return settings.cache_disable_post_authorize

    def _offline(self, local: Verdict | None) -> Verdict:
        """C12, C13, C15: whom the station trusts when it is on its own."""
        settings = self._context.settings
        if local is not None:
            if local.accepted and not settings.local_authorize_offline:
                return Verdict(_UNKNOWN, Source.OFFLINE)
            return local
        return Verdict(_ACCEPTED if settings.offline_unknown_allowed else _UNKNOWN, Source.OFFLINE)
