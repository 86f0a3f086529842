"""``voltbridge up``: the CSMS, its API and its database in one process."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import typer

from voltbridge import __version__
from voltbridge.cli.options import takes_settings
from voltbridge.cli.welcome import welcome
from voltbridge.settings import Settings

if TYPE_CHECKING:
    from voltbridge.app import Running

__all__ = ["up"]


@takes_settings()
def up(settings: Settings) -> None:
    """Run Voltbridge: charging stations connect to one port, the REST API answers on another.

    The first start makes the data directory, the database and an admin key for the API. Every option can also be set as
    VOLTBRIDGE_<NAME> in the environment or as a key in voltbridge.toml: --ocpp-port, VOLTBRIDGE_OCPP_PORT, ocpp_port.

    Examples:

      voltbridge up

      voltbridge up --onboarding accept --data /var/lib/voltbridge

      voltbridge up --tls-certificate chain.pem --tls-key key.pem --ocpp-port off

      VOLTBRIDGE_DATABASE_URL=postgresql://db/voltbridge voltbridge up --log-format json
    """
    # What imports leave is no garbage: looking for some would take a fifth of the start.
    gc.disable()
    try:
        from voltbridge.log import configure
        from voltbridge.process import run

        configure(settings.log_level, settings.log_format)
        run(settings, lambda running: typer.echo(_text(running)))
    finally:
        gc.enable()


def _text(running: Running) -> str:
    settings = running.settings
    return welcome(
        host=settings.ocpp_host,
        ocpp_port=None if settings.ocpp_port is None else running.ocpp_port,
        tls_port=running.gateway.tls_port,
        tls_names=running.tls.certificates[0].names if running.tls is not None else (),
        http=(settings.http_host, running.http_port),
        key_file=settings.admin_key_file,
        onboarding=settings.onboarding,
        version=__version__,
        ftp_port=running.doors.ftp_port,
        demo=settings.demo,
        sftp=(running.doors.sftp_port, running.doors.fingerprint),
    )
