"""Who may charge, and the tokens the operator keeps (2.0.1 block C; 1.6 4.1).

Two questions look alike and differ. Asked alone (Authorize), a token is judged by itself: it is Accepted while its own
transaction runs, for its driver wants to stop, and the standard keeps ConcurrentTx for the start of a transaction (1.6
7.2; 2.0.1 AuthorizationStatusEnumType). Presented for a transaction, a token that does not allow several is refused
when another transaction runs on it that began before; a repeated start is never concurrent to itself, nor to what
began after it. One whose EVSE has since started another transaction is over in truth and does not count.

Where the operator runs an authorization service it is asked about every token that is not refused here and is no
button's or terminal's. A transaction's token is asked about only when the service has not just told: its answers are
remembered for some minutes. While it gives no answer the fallback decides, and nothing is remembered.

Tokens of type KeyCode are secret (C04.FR.04): events do not carry them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict, Unpack

from voltbridge.csms.blocks.c_authorization.external import Verdict
from voltbridge.csms.blocks.c_authorization.ports import Authority, RunningTransactions, TokenBook
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import AlreadyExists, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tariffs import TariffText
from voltbridge.domain.token_rules import ASKED_NOWHERE, check_token, holds_alone, judge_token, same_token
from voltbridge.domain.tokens import (
    Authorization,
    AuthorizationFallback,
    AuthorizationStatus,
    IdToken,
    Token,
    TokenFilter,
)
from voltbridge.domain.transactions import Transaction, TransactionState

__all__ = ["AuthorizationService", "TextOf", "TokenChanged", "TokenFields", "shown_token"]

TokenChanged = Callable[[Token | None, Token | None], Awaitable[None]]
"""Is given the token as it was and as it is; None where there is none."""

TextOf = Callable[[LiveStation, IdToken, Authorization], Awaitable[TariffText | None]]
"""What the driver of an accepted token is shown of the tariff at a station."""


_REMEMBERED_S = 300.0
_MOST_REMEMBERED = 10_000


class TokenFields(TypedDict, total=False):
    """What the operator may say of a token; the names and meanings are those of ``Token``."""

    status: AuthorizationStatus
    group_id_token: str | None
    group_type: str | None
    expires_at: datetime | None
    allow_concurrent: bool
    language: str | None
    personal_message: str | None
    note: str | None
    station_ids: Iterable[str]


class AuthorizationService:
    """Judges tokens for stations and keeps them for the operator."""

    def __init__(
        self,
        tokens: TokenBook,
        transactions: RunningTransactions,
        events: EventLog,
        clock: Clock,
        authority: Authority | None = None,
        fallback: AuthorizationFallback = AuthorizationFallback.ACCEPT_KNOWN,
    ) -> None:
        self._tokens = tokens
        self._transactions = transactions
        self._events = events
        self._clock = clock
        self._authority = authority
        self._fallback = fallback
        self._verdicts: dict[tuple[str, str | None, str], tuple[float, Authorization]] = {}
        """What the authority said: by token, type and station; when, by ``Clock.monotonic``; the oldest first."""
        self._changing = asyncio.Lock()
        """Held from reading a token to keeping it, so that of two changes at once none is lost."""
        self._changed: TokenChanged | None = None
        self._text_of: TextOf | None = None

    def on_change(self, tell: TokenChanged) -> None:
        """Have ``tell`` called whenever a token was added, changed or forgotten."""
        self._changed = tell

    def show_tariffs_by(self, text_of: TextOf) -> None:
        """Have ``text_of`` asked what drivers are shown of their tariff (I01)."""
        self._text_of = text_of

    async def close(self) -> None:
        """End the connections to the operator's own service."""
        if self._authority is not None:
            await self._authority.close()

    async def authorize(self, live: LiveStation, id_token: IdToken) -> Authorization:
        """Whether the token may charge at this station at all. Raises StorageUnavailable."""
        authorization = await self._judge(live, id_token, fresh=True)
        known = authorization.token
        # Where the version does not tell the type, ours does.
        typed = replace(id_token, type=known.type) if known else id_token
        self._tell(live, typed, authorization.status)
        return await self._with_text(live, id_token, authorization)

    def refuse_contract(self, live: LiveStation, id_token: IdToken) -> Authorization:
        """The answer where a contract certificate comes along: it cannot be verified here, so it counts as invalid.

        C07.FR.17. Accepting the account on the word of a certificate that nobody checked would let anyone charge on it.
        """
        self._tell(live, id_token, AuthorizationStatus.INVALID, reason="the contract certificate cannot be verified")
        return Authorization(AuthorizationStatus.INVALID)

    async def for_transaction(
        self, live: LiveStation, id_token: IdToken, *, own_id: int, evse_id: int | None, starting: bool
    ) -> Authorization:
        """Whether the token may charge in, or stop (``starting`` false), the transaction with our id ``own_id``.

        E01.FR.11, E05.FR.01, C12.FR.03: the station may have accepted it on old information. Raises StorageUnavailable.
        """
        authorization = await self._judge(live, id_token)
        if not (starting and authorization.accepted and holds_alone(id_token, authorization.token)):
            return await self._with_text(live, id_token, authorization) if starting else authorization
        stored = await self._transactions.open_with_token(id_token.key)
        if any(
            other.id < own_id
            and other.superseded_by is None
            and not (other.station_id == live.station_id and evse_id is not None and other.evse_id == evse_id)
            for other in _running_on(id_token, stored, live)
        ):
            return replace(authorization, status=AuthorizationStatus.CONCURRENT_TX, cache_expires_at=None)
        return await self._with_text(live, id_token, authorization)

    async def _with_text(self, live: LiveStation, id_token: IdToken, authorization: Authorization) -> Authorization:
        if self._text_of is None or not authorization.accepted:
            return authorization
        text = await self._text_of(live, id_token, authorization)
        return authorization if text is None else replace(authorization, tariff_text=text)

    async def list(self, wanted: TokenFilter, page: PageRequest) -> Page[Token]:
        """The operator's tokens. Raises InvalidCursor."""
        return await self._tokens.list(wanted, page)

    async def get(self, id_token: str, type: str) -> Token:
        """One token. Raises NotFound."""
        token = await self._tokens.get(id_token, type)
        if token is None:
            raise NotFound("token", f"{type}/{id_token}")
        return token

    async def create(self, *, id_token: str, type: str = "ISO14443", **fields: Unpack[TokenFields]) -> Token:
        """Add a token. Raises AlreadyExists and InvalidValue."""
        async with self._changing:
            token = self._made(id_token, type, None, fields)
            if await self._tokens.get(id_token, type) is not None:
                raise AlreadyExists("token", f"{type}/{id_token}")
            await self._tokens.put(token)
        await self._tell_change(None, token)
        return token

    async def put(self, *, id_token: str, type: str, **fields: Unpack[TokenFields]) -> tuple[Token, bool]:
        """Add a token or replace all that is said of it; and whether it was added. Raises InvalidValue."""
        async with self._changing:
            before = await self._tokens.get(id_token, type)
            token = self._made(id_token, type, before, fields)
            added = await self._tokens.put(token)
        await self._tell_change(before, token)
        return token, added

    async def change(self, id_token: str, type: str, changes: Mapping[str, Any]) -> Token:
        """Change some of what is said of a token (``TokenFields``). Raises NotFound and InvalidValue."""
        async with self._changing:
            before = await self.get(id_token, type)
            changed = replace(before, **_stored(changes), updated_at=self._clock.now())
            check_token(changed)
            await self._tokens.put(changed)
        await self._tell_change(before, changed)
        return changed

    async def delete(self, id_token: str, type: str) -> None:
        """Forget a token. Raises NotFound.

        Transactions that run on it go on and keep it: nobody but their driver should end them, and the energy has to be
        accounted for. The station learns at the next contact that the token is unknown now.
        """
        async with self._changing:
            before = await self.get(id_token, type)
            await self._tokens.delete(id_token, type)
        await self._tell_change(before, None)

    async def forget(self, id_token: str) -> Sequence[Token]:
        """Forget every token of this text, whatever its type, and what the authority said of it: those there were."""
        key, found = id_token.casefold(), []
        for verdict in [known for known in self._verdicts if known[0] == key]:
            del self._verdicts[verdict]
        while (token := await self._tokens.get(id_token)) is not None:
            try:
                await self.delete(token.id_token, token.type)
            except NotFound:
                continue
            found.append(token)
        return found

    async def _tell_change(self, before: Token | None, after: Token | None) -> None:
        if self._changed is not None:
            await self._changed(before, after)

    async def _judge(self, live: LiveStation, id_token: IdToken, *, fresh: bool = False) -> Authorization:
        """By the tokens kept here and by the authority; ``fresh``: not by what the authority said before."""
        own = await self._judge_here(live, id_token)
        refused_here = own.token is not None and not own.accepted
        if self._authority is None or refused_here or id_token.type in ASKED_NOWHERE or not id_token.id_token:
            return own
        key = (id_token.key, id_token.type, live.station_id)
        said_at, said = self._verdicts.get(key, (0.0, None))
        if said is not None and not fresh and self._clock.monotonic() - said_at < _REMEMBERED_S:
            return said
        verdict = await self._authority.ask(id_token, live.station_id, own.status)
        if verdict is None:
            return self._without_authority(own)
        told = _told(verdict, id_token, own.token, self._clock.now())
        self._verdicts.pop(key, None)
        self._verdicts[key] = (self._clock.monotonic(), told)
        while len(self._verdicts) > _MOST_REMEMBERED:
            del self._verdicts[next(iter(self._verdicts))]
        return told

    def _without_authority(self, own: Authorization) -> Authorization:
        """What holds while there is no verdict; no station should remember it."""
        match self._fallback:
            case AuthorizationFallback.ACCEPT_KNOWN:
                return own
            case AuthorizationFallback.REJECT:
                return Authorization(AuthorizationStatus.INVALID, own.token)
            case AuthorizationFallback.ACCEPT:
                return Authorization(AuthorizationStatus.ACCEPTED, own.token, self._clock.now())

    async def _judge_here(self, live: LiveStation, id_token: IdToken) -> Authorization:
        known = None
        if id_token.id_token:
            known = await self._tokens.get(id_token.id_token, id_token.type)
        now = self._clock.now()
        status = judge_token(id_token, known, station_id=live.station_id, now=now)
        until = None
        if status is AuthorizationStatus.ACCEPTED:
            # A payment's reference is good once, so no station should remember it.
            until = now if id_token.type == "DirectPayment" else known.expires_at if known else None
        return Authorization(status, known, until)

    def _tell(self, live: LiveStation, id_token: IdToken, status: AuthorizationStatus, **more: Any) -> None:
        self._events.emit(
            "token.authorized",
            live.station_id,
            id_token=shown_token(id_token),
            type=id_token.type,
            status=status.value,
            **more,
        )

    def _made(self, id_token: str, type: str, former: Token | None, fields: Mapping[str, Any]) -> Token:
        now = self._clock.now()
        token = Token(
            id_token=id_token,
            type=type,
            created_at=former.created_at if former else now,
            updated_at=now,
            **{"status": AuthorizationStatus.ACCEPTED, **_stored(fields)},
        )
        check_token(token)
        return token


def _told(verdict: Verdict, id_token: IdToken, known: Token | None, now: datetime) -> Authorization:
    """The verdict in our words; what it leaves out is as it is kept here."""
    token = known or Token(id_token.id_token, id_token.type or "ISO14443", verdict.status, now, now)
    token = replace(
        token,
        group_id_token=verdict.group_id_token or token.group_id_token,
        group_type=verdict.group_type or token.group_type,
        allow_concurrent=verdict.allow_concurrent or token.allow_concurrent,
        language=verdict.language or token.language,
        personal_message=verdict.personal_message or token.personal_message,
    )
    accepted = verdict.status is AuthorizationStatus.ACCEPTED
    return Authorization(verdict.status, token, (verdict.expires_at or token.expires_at) if accepted else None)


def shown_token(id_token: IdToken | None) -> str | None:
    """The token's text for events and logs; None for one that is a secret."""
    return None if id_token is None or id_token.type == "KeyCode" else id_token.id_token


def _running_on(id_token: IdToken, stored: Iterable[Transaction], live: LiveStation) -> list[Transaction]:
    """Active transactions on the token: as stored, this station's own as they are in memory."""
    found = [other for other in stored if other.station_id != live.station_id]
    found += live.transactions.values()
    return [
        other
        for other in found
        if other.state is TransactionState.ACTIVE
        and other.id_token is not None
        and same_token(id_token, other.id_token)
    ]


def _stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    if "station_ids" in values:
        values["station_ids"] = tuple(values["station_ids"])
    return values
