"""What happens at the station, as its hardware tells it: which service takes it, and how the log has it."""

from __future__ import annotations

from voltbridge.domain.transactions import StopReason
from voltbridge.station.blocks.a_security.service import SecurityEvents
from voltbridge.station.context import Tasks
from voltbridge.station.log_book import LogBook
from voltbridge.station.ports import (
    BayChanged,
    CarStateChanged,
    FaultCleared,
    FaultOccurred,
    HardwareEvent,
    LimitEntered,
    NeedsTold,
    OperatorLoggedIn,
    Plugged,
    PowerLost,
    ScheduleChosen,
    SessionStopped,
    TokenPresented,
    Unplugged,
    UplinkChanged,
)
from voltbridge.station.services import Services
from voltbridge.station.uplinks import Uplinks

__all__ = ["Happenings"]


class Happenings:
    """Hands on the events of one life of a station."""

    __slots__ = ("_log_book", "_security", "_services", "_tasks", "_uplinks")

    def __init__(
        self, services: Services, security: SecurityEvents, uplinks: Uplinks, tasks: Tasks, log_book: LogBook
    ) -> None:
        self._services = services
        self._security = security
        self._uplinks = uplinks
        self._tasks = tasks
        self._log_book = log_book

    def happened(self, event: HardwareEvent) -> None:
        """Take an event of the hardware."""
        services = self._services
        self._log_book.note(_told(event))
        match event:
            case Plugged(evse_id, connector_id, cable_max_current_a):
                services.transactions.session(evse_id).plug(connector_id, cable_max_current_a)
            case Unplugged(evse_id, connector_id):
                services.transactions.session(evse_id).unplug(connector_id)
            case BayChanged(evse_id, occupied):
                services.transactions.session(evse_id).bay(occupied)
            case CarStateChanged(evse_id, state):
                services.transactions.session(evse_id).car_state(state)
            case TokenPresented(evse_id=evse_id):
                self._tasks.spawn(self._presented(event), f"token at {evse_id}")
            case NeedsTold(evse_id, needs):
                services.smart_charging.vehicles.needs_told(evse_id, needs)
            case ScheduleChosen(evse_id, schedule_id, plan):
                services.smart_charging.vehicles.schedule_chosen(evse_id, schedule_id, plan)
            case SessionStopped(evse_id):
                session = services.transactions.session(evse_id)
                session.deauthorize("StopAuthorized", StopReason.STOPPED_BY_EV)  # E15.FR.04, FR.05
            case FaultOccurred():
                services.availability.fault(event)
                if event.stops:
                    services.transactions.fault(event)
            case FaultCleared(evse_id):
                services.availability.fault_cleared(event)
                services.transactions.fault_cleared(evse_id)
            case LimitEntered(evse_id, limits):
                services.transactions.session(evse_id).enter_limit(limits)
            case OperatorLoggedIn(name, accepted):
                event_type = "MaintenanceLoginAccepted" if accepted else "MaintenanceLoginFailed"
                self._security.happened(event_type, f"{{'user': '{name}'}}")
                if services.context.settings.flag("BackendCtrlr.SendStatusForWebuiLogin"):
                    services.availability.inform(0, f"login: {name}")
            case UplinkChanged(up, interface):
                self._uplinks.changed(up, interface)
            case PowerLost():
                services.transactions.interrupted()

    async def _presented(self, event: TokenPresented) -> None:
        services = self._services
        verdict = await services.transactions.present(event.id_token, event.evse_id)
        if verdict is not None:
            services.costs.driver(verdict.authorization)
        if verdict is not None and services.context.settings.flag("BackendCtrlr.SendInformativeStatusNotifications"):
            services.availability.inform(event.evse_id, f"token {verdict.authorization.status.value}")


def _told(event: HardwareEvent) -> str:
    """An event as the log has it: no token, no name."""
    place = "".join(
        f" {getattr(event, name)}" for name in ("evse_id", "connector_id", "state", "code") if hasattr(event, name)
    )
    return f"{type(event).__name__}{place}"
