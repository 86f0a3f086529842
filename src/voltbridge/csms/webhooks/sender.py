"""One attempt to deliver a message: an HTTP POST that is over in time whatever the receiver does.

Redirects are not followed: they would take events to somebody the operator did not name. Of the answer only the status
counts; its body is not waited for, so it can be as long as it likes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Final

import aiohttp
from yarl import URL

from voltbridge import __version__
from voltbridge.csms.webhooks.addresses import ForbiddenAddress, Resolver, is_public
from voltbridge.csms.webhooks.signing import signature
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.webhooks import Sent, SentResult, Webhook, WebhookAddresses, result_of

__all__ = ["HttpSender", "check_url"]

_AGENT: Final = f"Voltbridge/{__version__}"
_REDIRECTS: Final = range(300, 400)
_LONGEST_PROBLEM: Final = 300
_KEEP_ALIVE_S: Final = 2.0
"""Shorter than receivers keep idle connections, since a message sent into one that is just being closed is lost."""


def check_url(url: str, allowed: WebhookAddresses) -> None:
    """Raises InvalidValue for what cannot be a webhook's URL; its message does not repeat it."""
    try:
        parts = URL(url)
        usable = parts.scheme in ("http", "https") and bool(parts.host) and parts.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise InvalidValue("url", "must be an http or https URL")
    if parts.user is not None or parts.password is not None:
        raise InvalidValue("url", "must not hold a user or password; receivers know us by the signature")
    if parts.fragment:
        raise InvalidValue("url", "must not have a fragment (#), which is never sent")
    if allowed is WebhookAddresses.PUBLIC and _literal(parts) and not is_public(parts.host or ""):
        raise InvalidValue("url", "must be a public address (the server's setting webhook_addresses says so)")


class HttpSender:
    """Sends to anyone; ``close`` ends the connections."""

    def __init__(
        self,
        clock: Clock,
        allowed: WebhookAddresses,
        session: Callable[..., aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> None:
        self._clock = clock
        self._allowed = allowed
        self._make_session = session
        self._session: aiohttp.ClientSession | None = None
        self._resolver: Resolver | None = None

    async def send(self, webhook: Webhook, message_id: str, body: bytes) -> Sent:
        """See ``ports.Sender``."""
        began = self._clock.monotonic()
        progress = _Progress()
        posting = asyncio.create_task(self._post(webhook, message_id, body, progress))

        def give_up() -> None:
            posting.cancel()

        stop_waiting = self._clock.call_later(webhook.timeout_s, give_up)
        try:
            await asyncio.wait([posting])
        finally:
            stop_waiting()
            posting.cancel()
        duration_ms = round((self._clock.monotonic() - began) * 1000)
        if posting.cancelled():
            if progress.sent:
                return Sent(SentResult.REFUSED, duration_ms, None, f"no answer within {webhook.timeout_s:g} s")
            return Sent(SentResult.OUT_OF_REACH, duration_ms, None, f"no connection within {webhook.timeout_s:g} s")
        error = posting.exception()
        if error is None:
            status, retry_after_s = posting.result()
            return Sent(result_of(status), duration_ms, status, _said(status), retry_after_s)
        problem = _problem(error)
        if problem is None:
            raise error
        # Some of the words come from the other side.
        problem = "".join(sign if sign.isprintable() else " " for sign in problem)[:_LONGEST_PROBLEM]
        return Sent(SentResult.OUT_OF_REACH, duration_ms, None, problem)

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()

    async def _post(
        self, webhook: Webhook, message_id: str, body: bytes, progress: _Progress
    ) -> tuple[int, float | None]:
        url = URL(webhook.url)
        if self._session is None or self._resolver is None:
            self._resolver = Resolver(self._allowed)
            # A webhook has a message and perhaps a test under way, so their number bounds that of the connections.
            connector = aiohttp.TCPConnector(resolver=self._resolver, limit=0, keepalive_timeout=_KEEP_ALIVE_S)
            self._session = self._make_session(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[_tracing()]
            )
        if _literal(url) and not self._resolver.allows(url.host or ""):
            raise ForbiddenAddress("the receiver's address is not public")
        now = self._clock.now()
        keys = [webhook.secret]
        if webhook.former_secret is not None and (webhook.former_secret_until or now) > now:
            keys.append(webhook.former_secret)
        timestamp_s = self._clock.now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signature(keys, message_id, timestamp_s, body),
        }
        async with self._session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            trace_request_ctx=progress,
        ) as response:
            return response.status, _seconds(response.headers.get("Retry-After"))


class _Progress:
    """How far an attempt has come: whether a connection stood, so that the message left."""

    sent = False


def _tracing() -> aiohttp.TraceConfig:
    async def note(_session: aiohttp.ClientSession, context: SimpleNamespace, _sent: object) -> None:
        context.trace_request_ctx.sent = True

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(note)
    return tracing


def _literal(url: URL) -> bool:
    """Whether the URL's host is an IP address, which is not resolved."""
    try:
        ipaddress.ip_address((url.host or "").partition("%")[0])
    except ValueError:
        return False
    return True


def _seconds(text: str | None) -> float | None:
    """Retry-After as seconds; as a date it is left to our own patience."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _said(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return f"HTTP status {status}" + ("; redirects are not followed" if status in _REDIRECTS else "")


def _problem(error: BaseException) -> str | None:
    """In words that tell nothing of the URL but its host; None for an error of ours."""
    match error:
        case ForbiddenAddress():
            return str(error)
        case aiohttp.ClientConnectorCertificateError():
            return f"the receiver's certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientConnectorDNSError():
            if isinstance(error.os_error, ForbiddenAddress):
                return str(error.os_error)
            return f"the name {error.host} has no address"
        case aiohttp.ClientConnectorError():
            return f"no connection to {error.host} port {error.port}: {error.os_error.strerror or error.os_error}"
        case aiohttp.ServerDisconnectedError():
            return "the receiver closed the connection without an answer"
        case aiohttp.ClientResponseError():
            return "the answer is no HTTP"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or type(error).__name__}"
        case aiohttp.ClientOSError() | OSError():
            return f"the connection was lost: {error.strerror or type(error).__name__}"
        case aiohttp.ClientError():
            return f"the connection failed: {type(error).__name__}"
    return None
