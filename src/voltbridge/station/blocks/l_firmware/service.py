"""Firmware updates (2.0.1 L01, L02; 1.6 6.19 and security whitepaper L01).

An update is on disk before it is accepted, so that a restart in the middle begins it again, and the one that activates
the new firmware ends it. A station that knows its manufacturer's root certificate takes signed images alone; one that
does not can only take unsigned ones. What a station can do in the middle of charging is its maker's to say
(``configuration.FirmwareAbilities``): mostly installing needs a station without transactions, and a restart after it.
An image is a file until it is installed; its download goes on with what it has behind a pause and in another attempt.
When the new firmware does not run, the old one goes on and tells so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

import msgspec
import structlog
from cryptography import x509

from voltbridge.station.attempts import RETRY_INTERVAL_S, succeeds
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.blocks.l_firmware.signatures import (
    SigningCertificateInvalid,
    SigningCertificateRevoked,
    is_signed_by,
    load_revocations,
    signing_certificate,
)
from voltbridge.station.context import Context
from voltbridge.station.downloads import Download
from voltbridge.station.facts import FirmwareStatusFact
from voltbridge.station.ports import Files, Installation
from voltbridge.station.root_certificates import CertificateUse, RootCertificates

__all__ = ["Firmware", "FirmwareUpdate", "UpdateStatus"]

_NAMESPACE: Final = "firmware"
_LONGEST_SLEEP_S: Final = 86_400.0


class UpdateStatus(StrEnum):
    """What the CSMS is told (UpdateFirmwareStatusEnumType)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"
    INVALID_CERTIFICATE = "InvalidCertificate"
    REVOKED_CERTIFICATE = "RevokedCertificate"


class FirmwareUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One update that is wanted."""

    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    """None: as soon as possible."""
    request_id: int | None = None
    """None: the plain update of 1.6, which has no number."""
    certificate: str | None = None
    """PEM of the certificate that signed the image; None with ``signature``: it is not signed."""
    signature: str | None = None
    """Base64."""
    retries: int = 0
    retry_interval_s: int = RETRY_INTERVAL_S
    has_own_message: bool = False
    """SignedUpdateFirmware of 1.6."""


class _Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is on disk: the update under way or just over, and the last word about it."""

    update: FirmwareUpdate
    status: str = ""
    over: bool = False
    activating: bool = False
    """Installed; the restart that activates it is under way."""


class Firmware:
    """Updates the firmware of one station."""

    def __init__(
        self,
        context: Context,
        files: Files,
        transactions: Transactions,
        availability: Availability,
        restart: Callable[[str, bool], None],
        security_event: Callable[[str, str], None],
        activated: Callable[[str], None],
        roots: RootCertificates,
    ) -> None:
        """``restart(reason, resume)`` restarts the engine; ``security_event(event, info)`` tells one.

        ``activated(version)``: another firmware runs from now on, without a restart.
        """
        self._context = context
        self._files = files
        self._transactions = transactions
        self._availability = availability
        self._restart = restart
        self._security_event = security_event
        self._activated = activated
        self._can = context.configuration.firmware
        directory = context.configuration.download_directory
        self._place = None if directory is None else directory / "firmware.part"
        self._roots = roots
        self._revocations = load_revocations(context.configuration.manufacturer_revocations)
        kept = context.store.all(_NAMESPACE).get("update")
        self._progress = msgspec.json.decode(kept, type=_Progress) if kept else None
        self._task: asyncio.Task[None] | None = None
        self._installing = False
        self._idle = asyncio.Event()
        self._closed = False
        """Nothing new may start: what is free is unavailable, and what becomes free will be."""
        self._charging = asyncio.Event()
        """A transaction runs; set only while somebody waits for it."""
        self._log = structlog.get_logger("voltbridge.station").bind(station=context.configuration.identity)
        availability.on_change(lambda evse_id, connector_id, state: self._states_changed(evse_id))

    @property
    def busy(self) -> bool:
        """Firmware is being written, or about to be activated: no restart now (B11.FR.06)."""
        return self._installing

    @property
    def must_be_signed(self) -> bool:
        """The station can judge signatures, or once could, so it takes nothing without."""
        made_to = bool(self._context.configuration.manufacturer_roots.strip())
        return made_to or bool(self._roots.of(CertificateUse.MANUFACTURER))

    def refuses_new(self, evse_id: int) -> bool:
        """Nothing new starts there while an update waits for a station without transactions (L01.FR.07)."""
        return self._closed and not self._transactions.running(evse_id)

    # The CSMS

    async def request(self, update: FirmwareUpdate) -> tuple[UpdateStatus, str]:
        """UpdateFirmware: the status and, for a refusal, why. ``begin`` starts it once that was told."""
        signed = update.certificate is not None and update.signature is not None
        if (update.certificate is None) != (update.signature is None):
            return UpdateStatus.REJECTED, "a signed image has both a certificate and a signature"
        if signed:
            assert update.certificate is not None
            try:
                self._signer(update.certificate)
            except SigningCertificateInvalid as error:
                self._security_event("InvalidFirmwareSigningCertificate", str(error))
                revoked = isinstance(error, SigningCertificateRevoked)
                return (UpdateStatus.REVOKED_CERTIFICATE if revoked else UpdateStatus.INVALID_CERTIFICATE), str(error)
        elif self.must_be_signed:
            return UpdateStatus.REJECTED, "this station takes signed images only"
        if self._installing:
            return UpdateStatus.REJECTED, "an image is being installed"
        canceled = self._under_way
        if canceled and not self._can.cancels:
            return UpdateStatus.REJECTED, "an update is under way, and this station cannot cancel it"
        before = self._progress
        await self._cancel()
        self._keep(_Progress(update))
        try:
            await self._context.store.committed()
        except OSError:  # it is told to have failed, so what was under way goes on
            self._keep(before)
            await self.begin()
            raise
        return (UpdateStatus.ACCEPTED_CANCELED if canceled else UpdateStatus.ACCEPTED), ""

    async def begin(self) -> None:
        """Start what was requested last."""
        if self._progress is not None and not self._progress.over and self._task is None:
            self._task = self._context.tasks.spawn(self._run(self._progress.update), "firmware")

    def trigger(self, *, own_message: bool | None = None) -> bool:
        """Tell how it goes (L01.FR.25, FR.26).

        ``own_message``: of updates that have a message of their own, or of the others; 1.6 asks for each apart.
        """
        progress = self._progress
        other = progress is not None and own_message not in (None, progress.update.has_own_message)
        if progress is None or other or progress.status in ("", "Installed"):
            self._context.outbox.tell(FirmwareStatusFact(status="Idle", signed=own_message is True), triggered=True)
        else:
            self._context.outbox.tell(_fact(progress.update, progress.status), triggered=True)
        return True

    # Lives of the station

    def start(self) -> None:
        """A new life: what was activated is installed, what was interrupted begins again."""
        self._remove(Download(self._place))  # a process that was killed leaves it
        progress = self._progress
        if progress is None or progress.over:
            return
        if progress.activating and self._context.hardware.fell_back:
            self._log.warning("the new firmware does not run, the old one does")
            self._say(progress.update, "InstallationFailed", over=True)
        elif progress.activating:
            self._say(progress.update, "Installed", over=True)
            self._security_event("FirmwareUpdated", self._context.configuration.firmware_version)
        else:
            self._task = self._context.tasks.spawn(self._run(progress.update), "firmware")

    # An update

    async def _run(self, update: FirmwareUpdate) -> None:
        try:
            await self._update(update)
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _update(self, update: FirmwareUpdate) -> None:
        image = Download(self._place)
        try:
            await self._go_through(update, image)
        finally:
            self._remove(image)

    async def _go_through(self, update: FirmwareUpdate, image: Download) -> None:
        now = self._context.clock.now
        if update.retrieve_at > now():
            self._say(update, "DownloadScheduled")
            await self._until(update.retrieve_at)
        if self._transactions.running() and not self._can.downloads_while_charging:  # L01.FR.13
            if self._last != "DownloadScheduled":
                self._say(update, "DownloadScheduled")
            await self._until_idle()
        if not await self._download(update, image):
            self._say(update, "DownloadFailed", over=True)
            return
        self._say(update, "Downloaded")
        if update.certificate is not None and not await self._is_genuine(update, image):
            return
        if update.install_at is not None and update.install_at > now():
            self._say(update, "InstallScheduled")
            await self._until(update.install_at)
        if self._can.installs_while_charging:
            await self._install_beside(update, image)
            return
        if self._transactions.running():
            if self._last != "InstallScheduled":
                self._say(update, "InstallScheduled")
            await self._until_idle()
        await self._install(update, image)

    async def _download(self, update: FirmwareUpdate, image: Download) -> bool:
        if self._context.settings.flag("BackendCtrlr.UnavailableAtFirmwareUpdateBegin"):
            self._close()
        self._say(update, "Downloading")
        came = await succeeds(
            lambda: self._fetch(update, image),
            retries=update.retries,
            interval_s=update.retry_interval_s,
            clock=self._context.clock,
            failed=lambda attempt, error: self._log.warning("firmware did not come", attempt=attempt, error=str(error)),
        )
        if not came:
            self._open()
        return came

    async def _fetch(self, update: FirmwareUpdate, image: Download) -> None:
        """A transaction that begins meanwhile goes first where it has to (L01.FR.14). Raises OSError."""
        if self._can.downloads_while_charging:
            await self._files.download(update.location, image)
            return
        loop = asyncio.get_running_loop()
        while True:
            if self._transactions.running():
                self._say(update, "DownloadPaused")
                await self._until_idle()
                self._say(update, "Downloading")
            self._charging.clear()
            fetching = loop.create_task(self._files.download(update.location, image))
            charging = loop.create_task(self._charging.wait())
            try:
                await asyncio.wait((fetching, charging), return_when=asyncio.FIRST_COMPLETED)
                if fetching.done():
                    fetching.result()
                    return
            finally:
                for task in (fetching, charging):
                    task.cancel()
                await asyncio.gather(fetching, charging, return_exceptions=True)

    async def _is_genuine(self, update: FirmwareUpdate, image: Download) -> bool:
        """L01.FR.03, FR.04. A large image takes a while, so it is looked at beside everything else."""
        assert update.certificate is not None
        assert update.signature is not None
        try:
            signer = self._signer(update.certificate)
        except SigningCertificateInvalid as error:  # it may have expired since
            self._security_event("InvalidFirmwareSigningCertificate", str(error))
            genuine = False
        else:
            try:
                genuine = await asyncio.to_thread(is_signed_by, signer, update.signature, image.path)
            except OSError as error:
                self._log.error("the firmware image cannot be read", error=str(error))
                self._open()
                self._say(update, "InstallationFailed", over=True)
                return False
            if not genuine:
                self._security_event("InvalidFirmwareSignature", "")
        if genuine:
            self._say(update, "SignatureVerified")
        else:
            self._open()
            self._say(update, "InvalidSignature", over=True)
        return genuine

    async def _install(self, update: FirmwareUpdate, image: Download) -> None:
        self._installing = True
        try:
            self._availability.down(0, True)
            if not await self._is_installed(update, image):
                return
            self._keep(_Progress(update, "InstallRebooting", activating=True))
            self._tell(update, "InstallRebooting")
            try:
                await self._context.store.committed()
            except OSError as error:  # the new firmware may be what helps
                self._log.error("the disk does not take how the update goes", error=str(error))
            await self._told()
        finally:
            self._installing = False
        self._restart("FirmwareUpdate", False)

    async def _install_beside(self, update: FirmwareUpdate, image: Download) -> None:
        """Install while whoever charges goes on charging; then the station comes back to the CSMS as what it now is."""
        self._installing = True
        try:
            if not await self._is_installed(update, image):
                return
            await self._told()
            if not await self._context.hardware.activate():
                self._open()
                self._say(update, "InstallationFailed", over=True)
                return
        finally:
            self._installing = False
        self._open()
        self._activated(self._context.hardware.firmware_version)
        self._say(update, "Installed", over=True)
        self._security_event("FirmwareUpdated", self._context.configuration.firmware_version)

    async def _is_installed(self, update: FirmwareUpdate, image: Download) -> bool:
        """Whether it is; if not, that was told and the update is over (L01.FR.29)."""
        self._say(update, "Installing")
        try:
            result = await self._context.hardware.install(image.path)
        except OSError as error:  # whoever tidies up temporary files may have taken it
            self._log.error("the firmware image cannot be installed", error=str(error))
            result = Installation.FAILED
        if result is Installation.INSTALLED:
            return True
        self._open()
        failed = "InstallVerificationFailed" if result is Installation.VERIFICATION_FAILED else "InstallationFailed"
        self._say(update, failed, over=True)
        return False

    # Waiting

    async def _until(self, moment: datetime) -> None:
        while (left := (moment - self._context.clock.now()).total_seconds()) > 0:
            await self._context.clock.sleep(min(left, _LONGEST_SLEEP_S))

    async def _until_idle(self) -> None:
        """L01.FR.06, FR.07: until nobody charges; unless new transactions may start, what is free is closed."""
        if not self._context.settings.flag("ChargingStation.AllowNewSessionsPendingFirmwareUpdate"):
            self._close()
        while self._transactions.running():
            self._idle.clear()
            self._transactions.when_idle(0, self._idle.set)
            await self._idle.wait()

    def _states_changed(self, evse_id: int) -> None:
        del evse_id
        if self._under_way:
            self._context.clock.call_later(0.0, self._look)

    def _look(self) -> None:
        self._close_free()
        if self._transactions.running():
            self._charging.set()

    def _close(self) -> None:
        """From now on nothing new starts, until ``_open`` or a restart."""
        self._closed = True
        self._close_free()

    def _open(self) -> None:
        self._closed = False
        self._availability.down(0, False)

    def _close_free(self) -> None:
        if self._closed:
            for evse_id in range(1, len(self._context.configuration.evses) + 1):
                if not self._transactions.running(evse_id):
                    self._availability.down(evse_id, True)

    async def _told(self) -> None:
        """Give the last words the time of one message."""
        limit_s = float(max(1, self._context.settings.message_timeout_s))
        idle = self._context.tasks.spawn(self._context.outbox.idle(), "last words")
        cancel = self._context.clock.call_later(limit_s, partial(_give_up, idle))
        try:
            await asyncio.wait((idle,))
        finally:
            cancel()

    # What is known of it

    def _remove(self, image: Download) -> None:
        try:
            image.remove()
        except OSError as error:
            self._log.warning("a firmware image is left behind", error=str(error))

    def _signer(self, pem: str) -> x509.Certificate:
        """Raises SigningCertificateInvalid."""
        roots = tuple(x509.load_der_x509_certificate(each.der) for each in self._roots.of(CertificateUse.MANUFACTURER))
        return signing_certificate(pem, roots, self._context.clock.now(), self._revocations)

    @property
    def _last(self) -> str:
        return "" if self._progress is None else self._progress.status

    @property
    def _under_way(self) -> bool:
        return self._progress is not None and not self._progress.over

    async def _cancel(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        if self._under_way:
            self._open()

    def _keep(self, progress: _Progress | None) -> None:
        self._progress = progress
        if progress is None:
            self._context.store.delete(_NAMESPACE, "update")
        else:
            self._context.store.put(_NAMESPACE, "update", msgspec.json.encode(progress))

    def _say(self, update: FirmwareUpdate, status: str, *, over: bool = False) -> None:
        self._keep(_Progress(update, status, over))
        self._tell(update, status)

    def _tell(self, update: FirmwareUpdate, status: str) -> None:
        self._context.outbox.tell(_fact(update, status))


def _give_up(task: asyncio.Task[None]) -> None:
    task.cancel()


def _fact(update: FirmwareUpdate, status: str) -> FirmwareStatusFact:
    return FirmwareStatusFact(status=status, request_id=update.request_id, signed=update.has_own_message)
