"""The TLS that is in force: read at the start, read anew when its files change or the operator asks.

Each handshake takes the context of its moment, so connections that stand are not touched, and stations that come later
see the new certificate. Files that cannot be used leave what is in force as it is, and are told of. Certificates are
judged by the machine's time, as stations judge them, whatever clock the product runs on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from voltbridge.csms.events import EventLog
from voltbridge.csms.gateway.timing import within
from voltbridge.csms.gateway.tls import CertificateFiles, ServerCertificate, UnusableCertificate, server_context
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.protocol.datetimes import DateTime

__all__ = ["ServerTls"]

_log = structlog.stdlib.get_logger(__name__)

_LOOK_EVERY_S: Final = 5.0
_TELL_EVERY: Final = timedelta(days=1)
_SOON: Final = timedelta(days=30)

_Look = tuple[tuple[int, ...] | None, ...]
"""What the files look like from outside; None: not there."""


class ServerTls:
    """Certificates, and the context made of them. ``clock`` is the machine's."""

    def __init__(self, files: Sequence[CertificateFiles], clock: Clock) -> None:
        """Read the files. Raises UnusableCertificate."""
        self._files = tuple(files)
        self._clock = clock
        self._loaded = self._seen = _look(self._files)
        """How the files looked when they were read, and when they were last looked at."""
        self._context, self._certificates = server_context(self._files, clock.now())
        self._wanted = asyncio.Event()
        self.looks = 0
        """How often the files were looked at, and what follows from it was done."""
        self._told_at: datetime | None = None
        """When it was last said that little time is left."""

    def context(self) -> ssl.SSLContext:
        """What the next handshake uses."""
        return self._context

    @property
    def certificates(self) -> tuple[ServerCertificate, ...]:
        """Those in force, each of another kind of key."""
        return self._certificates

    def seconds_left(self) -> dict[str, float]:
        """Until each certificate expires, by the kind of its key; negative when it has."""
        now = self._clock.now()
        return {each.kind: (each.valid_until - now).total_seconds() for each in self._certificates}

    def read_anew(self) -> None:
        """Have the files read, whether they have changed or not."""
        self._wanted.set()

    async def watch(self, events: EventLog) -> None:
        """Look after the files and the time that is left, until cancelled."""
        self._tell_doubts()
        while True:
            self._tell_of_expiry(events)
            try:
                await within(self._clock, _LOOK_EVERY_S, self._wanted.wait())
            except TimeoutError:
                look = await asyncio.to_thread(_look, self._files)
                # Certificate and key are replaced one after the other: wait until nothing changes any more.
                settled, self._seen = look == self._seen, look
                if settled and look != self._loaded:
                    await self._read(events)
                self.looks += 1
            else:
                self._wanted.clear()
                await self._read(events)

    async def _read(self, events: EventLog) -> None:
        self._loaded = self._seen = await asyncio.to_thread(_look, self._files)
        before = self._certificates
        try:
            self._context, self._certificates = await asyncio.to_thread(server_context, self._files, self._clock.now())
        except UnusableCertificate as error:
            _log.warning("new certificate files cannot be used; those read before stay in force", problem=str(error))
            with suppress(StorageUnavailable):
                events.emit("server_certificate.refused", None, problem=str(error))
            return
        except Exception:
            _log.exception("new certificate files cannot be read; those read before stay in force")
            return
        self._told_at = None
        _log.info(
            "certificates were read", names=self._certificates[0].names, valid_until=str(self._first().valid_until)
        )
        self._tell_doubts()
        for certificate in self._certificates:
            if certificate.sha256 not in {each.sha256 for each in before}:
                with suppress(StorageUnavailable):
                    events.emit("server_certificate.renewed", None, **_about(certificate))

    def _tell_doubts(self) -> None:
        for certificate in self._certificates:
            for doubt in certificate.doubts:
                _log.warning(doubt)

    def _tell_of_expiry(self, events: EventLog) -> None:
        """Once a day, while there is little time left."""
        now, first = self._clock.now(), self._first()
        left = first.valid_until - now
        if left >= _SOON or (self._told_at is not None and now - self._told_at < _TELL_EVERY):
            return
        self._told_at = now
        days = max(0, left.days)
        if left > timedelta():
            _log.warning(f"the TLS certificate expires in {days} days; renew it", valid_until=str(first.valid_until))
        else:
            _log.error("the TLS certificate has expired; stations refuse it", valid_until=str(first.valid_until))
        with suppress(StorageUnavailable):
            events.emit("server_certificate.expiring", None, days_left=days, **_about(first))

    def _first(self) -> ServerCertificate:
        return min(self._certificates, key=lambda each: each.valid_until)


def _look(files: Sequence[CertificateFiles]) -> _Look:
    return tuple(_state(path) for pair in files for path in (pair.certificate, pair.key))


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


def _about(certificate: ServerCertificate) -> dict[str, object]:
    return {
        "kind": certificate.kind,
        "names": list(certificate.names),
        "valid_until": str(DateTime.of(certificate.valid_until)),
        "sha256": certificate.sha256,
    }
