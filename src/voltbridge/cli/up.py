"""``voltbridge up``: the CSMS, its API and its database in one process."""

from __future__ import annotations

from voltbridge.cli.options import takes_settings
from voltbridge.settings import Settings

__all__ = ["up"]


@takes_settings()
def up(settings: Settings) -> None:
    """Run Voltbridge: charging stations connect to one port, the REST API answers on another.

    The first start makes the data directory, the database and an admin key for the API. Every option can also be set as
    VOLTBRIDGE_<NAME> in the environment or as a key in voltbridge.toml: --ocpp-port, VOLTBRIDGE_OCPP_PORT, ocpp_port.

    Examples:

      voltbridge up

      voltbridge up --onboarding accept --data /var/lib/voltbridge

      VOLTBRIDGE_DATABASE_URL=postgresql://voltbridge@db/voltbridge voltbridge up --log-format json
    """
    from voltbridge.app import run

    run(settings)
