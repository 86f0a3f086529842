"""The device model of one station: what its variables are worth, who may read and set them, who wants to know.

Definitions are shared by all stations; here are only the values that differ from their defaults, those that the
station reads from its hardware, and those that wait for a reboot. What the CSMS has set survives restarts. Names
compare without regard to case (2.0.1 Part 2, ComponentType and VariableType).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    Component,
    DataType,
    Mutability,
    ReadStatus,
    ValueProblem,
    Variable,
    WriteStatus,
    check_value,
)
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.definitions import Definition, Scope
from voltbridge.station.facts import ReportedAttribute, ReportedVariable
from voltbridge.station.ports import Store
from voltbridge.station.standard_variables import STANDARD_VARIABLES

__all__ = ["Check", "DeviceModel", "Entry", "Read", "Written", "parse_name", "preset_problem"]

_NAMESPACE: Final = "variables"
_ACTUAL: Final = AttributeType.ACTUAL

Check = Callable[[str], str | None]
"""Looks at a new value; says why it cannot be taken, or None."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable of this station and what it is."""

    variable: Variable
    definition: Definition


@dataclass(frozen=True, slots=True)
class Read:
    """What reading an attribute came to."""

    status: ReadStatus
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What setting an attribute came to; the reason in plain words where it was not taken."""

    status: WriteStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """All variables of stations of one shape."""

    entries: Mapping[str, Entry]
    """By ``Variable.key``."""
    components: frozenset[str]
    """Keys of the components."""


def parse_name(name: str) -> Variable:
    """The variable meant by ``Component.Variable``, with ``@evse`` or ``@evse.connector`` and ``[instance]``.

    ``EVSE@1.AvailabilityState``, ``OCPPCommCtrlr.MessageTimeout[Default]``. Raises ValueError.
    """
    text, _, instance = name.partition("[")
    component, _, variable = text.rpartition(".")
    if not component or not variable or (instance and not instance.endswith("]")):
        raise ValueError(f"{name!r} is not of the form Component.Variable")
    component, _, place = component.partition("@")
    evse, _, connector = place.partition(".")
    return Variable(
        Component(component, None, int(evse) if evse else None, int(connector) if connector else None),
        variable,
        instance.removesuffix("]") or None,
    )


def preset_problem(evses: int, connectors: int, signs: bool, name: str, value: str) -> str | None:
    """Why a station of so many EVSEs and connectors cannot come with this value of a variable; None: it can."""
    try:
        entry = _layout_of((connectors,) * evses, signs).entries.get(_key(name))
    except ValueError as error:
        return str(error)
    return f"there is no variable {name}" if entry is None else _refusal(value, entry.definition)


class DeviceModel:
    """The variables of one station."""

    __slots__ = (
        "_checks",
        "_layout",
        "_limits",
        "_listeners",
        "_possible",
        "_provided",
        "_store",
        "_targets",
        "_values",
        "_waiting",
        "_watchers",
    )

    def __init__(self, configuration: StationConfiguration, store: Store) -> None:
        """Raises ValueError when the configuration sets a variable that does not exist."""
        self._store = store
        self._layout = _layout_of(
            tuple(len(evse.connectors) for evse in configuration.evses),
            any(evse.signed_meter for evse in configuration.evses),
        )
        self._values: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        """What is in force until the next boot, of those that were set to something else."""
        self._provided: dict[str, Callable[[], str]] = {}
        self._targets: dict[str, Callable[[], str]] = {}
        self._possible: dict[str, Callable[[], bool]] = {}
        self._listeners: dict[str, list[Callable[[str], None]]] = {}
        self._checks: dict[str, list[Check]] = {}
        self._watchers: list[Callable[[str], None]] = []
        self._limits: dict[str, float] = {}
        """Upper limits that depend on the station."""
        self._describe(configuration)
        for name, value in configuration.variables.items():
            self._preset(name, value)
        for key, kept in store.all(_NAMESPACE).items():
            if key in self._layout.entries:
                self._values[key] = kept.decode()

    # What services read and set

    def get(self, name: str) -> str:
        """The value in force (for the form of names see ``parse_name``). Raises KeyError."""
        return self.get_key(_key(name))

    def get_key(self, key: str) -> str:
        """As ``get``, by ``Variable.key``."""
        waiting = self._waiting.get(key)
        return self._stored(key) if waiting is None else waiting

    def has(self, name: str) -> bool:
        """Whether the station has this variable."""
        return _key(name) in self._layout.entries

    def set(self, name: str, value: str, *, persist: bool = True) -> None:
        """Set a variable as the station itself, whatever its mutability. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._assign(key, value, persist=persist)

    def provide(self, name: str, source: Callable[[], str]) -> None:
        """Ask this for the value whenever it is read. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._provided[key] = source

    def provide_target(self, name: str, source: Callable[[], str]) -> None:
        """Ask this for the Target attribute. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._targets[key] = source

    def target(self, key: str) -> str:
        """The Target attribute by ``Variable.key``; empty: there is none."""
        source = self._targets.get(key)
        return "" if source is None else source()

    def limit_to(self, name: str, possible: Callable[[], bool]) -> None:
        """A boolean that is false, and is not set, where what it enables is not possible. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._possible[key] = possible
        self.add_check(name, lambda value: None if value != "true" or possible() else "not available here")

    def on_change(self, name: str, listener: Callable[[str], None]) -> None:
        """Call with the new value whenever somebody has set it. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._listeners.setdefault(key, []).append(listener)

    def watch(self, watcher: Callable[[str], None]) -> None:
        """Call with ``Variable.key`` whenever somebody has set any variable."""
        self._watchers.append(watcher)

    def is_provided(self, variable: Variable) -> bool:
        """Its value is read from somewhere, so nobody is told of a change."""
        return variable.key in self._provided

    def upper_limit(self, entry: Entry) -> float | None:
        """How much it may be at this station."""
        return self._characteristics(entry).max_limit

    def unknown(self, variable: Variable) -> str:
        """What a variable that is not there lacks: UnknownComponent or UnknownVariable."""
        return self._unknown(variable)

    def add_check(self, name: str, check: Check) -> None:
        """Let this look at values that the CSMS wants to set, beyond type and limits. Raises KeyError."""
        key = _key(name)
        self._layout.entries[key]
        self._checks.setdefault(key, []).append(check)

    @property
    def entries(self) -> Iterable[Entry]:
        """All variables, in the order of reports."""
        return self._layout.entries.values()

    # What the CSMS reads and sets

    def find(self, variable: Variable) -> Entry | None:
        """The variable of that name."""
        return self._layout.entries.get(variable.key)

    def read(self, attribute: Attribute) -> Read:
        """An attribute as the CSMS may see it (B06.FR.06 to FR.13)."""
        entry = self.find(attribute.variable)
        if entry is None:
            return Read(ReadStatus(self._unknown(attribute.variable)))
        if attribute.type not in entry.definition.attributes:
            return Read(ReadStatus.NOT_SUPPORTED_ATTRIBUTE_TYPE)
        if entry.definition.mutability is Mutability.WRITE_ONLY:
            return Read(ReadStatus.REJECTED)
        key = attribute.variable.key
        return Read(ReadStatus.ACCEPTED, self._stored(key) if attribute.type is _ACTUAL else self.target(key))

    def write(self, attribute: Attribute, value: str, judged: Callable[[str], str] = str) -> Written:
        """Set an attribute as the CSMS wants it; nothing changes unless it is taken (B05.FR.04 to FR.10).

        ``judged``: what of the value has to fit the variable, where a version says more in it than that.
        """
        entry = self.find(attribute.variable)
        if entry is None:
            return Written(WriteStatus(self._unknown(attribute.variable)))
        definition = entry.definition
        if attribute.type not in definition.attributes:
            return Written(WriteStatus.NOT_SUPPORTED_ATTRIBUTE_TYPE)
        if definition.mutability is Mutability.READ_ONLY:
            return Written(WriteStatus.REJECTED, "read-only")
        key = attribute.variable.key
        value = _normal(value, definition)
        reason = _refusal(judged(value), definition) or next(
            (reason for check in self._checks.get(key, ()) if (reason := check(judged(value))) is not None), None
        )
        if reason is not None:
            return Written(WriteStatus.REJECTED, reason)
        if definition.reboot and value != self.get_key(key):
            self._waiting.setdefault(key, self._stored(key))
            self._assign(key, value)
            return Written(WriteStatus.REBOOT_REQUIRED)
        self._waiting.pop(key, None)
        self._assign(key, value)
        return Written(WriteStatus.ACCEPTED)

    def reported(self, entry: Entry) -> ReportedVariable:
        """A variable as reports tell it; what is write-only without its value."""
        definition = entry.definition
        secret = definition.mutability is Mutability.WRITE_ONLY
        value = None if secret else self._stored(entry.variable.key)
        return ReportedVariable(
            entry.variable,
            tuple(
                ReportedAttribute(
                    type=kind,
                    value=value if kind is _ACTUAL or secret else self.target(entry.variable.key),
                    mutability=definition.mutability,
                    persistent=definition.mutability is not Mutability.READ_ONLY or definition.constant,
                    constant=definition.constant,
                )
                for kind in definition.attributes
            ),
            self._characteristics(entry),
        )

    def _characteristics(self, entry: Entry) -> Characteristics:
        limit = self._limits.get(entry.variable.key)
        told = entry.definition.characteristics
        return told if limit is None else replace(told, max_limit=limit)

    def _stored(self, key: str) -> str:
        source = self._provided.get(key)
        if source is not None:
            return source()
        if (possible := self._possible.get(key)) is not None and not possible():
            return "false"
        value = self._values.get(key)
        return self._layout.entries[key].definition.default if value is None else value

    def _assign(self, key: str, value: str, *, persist: bool = True) -> None:
        changed = self._values.get(key) != value
        self._values[key] = value
        if persist and changed:
            self._store.put(_NAMESPACE, key, value.encode())
        if key not in self._waiting:
            for listener in self._listeners.get(key, ()):
                listener(value)
            for watcher in self._watchers:
                watcher(key)

    def _unknown(self, variable: Variable) -> str:
        known = _component_key(variable.component) in self._layout.components
        return "UnknownVariable" if known else "UnknownComponent"

    def _preset(self, name: str, value: str) -> None:
        key = _key(name)
        entry = self._layout.entries.get(key)
        if entry is None:
            raise ValueError(f"there is no variable {name}")
        if (reason := _refusal(value, entry.definition)) is not None:
            raise ValueError(f"{name}: {reason}")
        self._values[key] = value

    def _describe(self, configuration: StationConfiguration) -> None:
        phases = max((0 if evse.direct_current else evse.phases for evse in configuration.evses), default=3)
        facts = {
            "ChargingStation.Model": configuration.model,
            "ChargingStation.VendorName": configuration.vendor,
            "ChargingStation.SerialNumber": configuration.serial_number,
            "ChargingStation.FirmwareVersion": configuration.firmware_version,
            "ChargingStation.SupplyPhases": str(phases or 3),
            "SecurityCtrlr.Identity": configuration.identity,
            "SecurityCtrlr.SecurityProfile": str(configuration.security_profile),
            "OCPP16Ctrlr.NetworkConnectionProfile1": configuration.csms_url,
        }
        if configuration.password is not None:
            facts["SecurityCtrlr.BasicAuthPassword"] = configuration.password
        for evse_id, evse in enumerate(configuration.evses, 1):
            self._limits[_key(f"EVSE@{evse_id}.Power")] = evse.max_power_w
            supply = "0" if evse.direct_current else str(evse.phases)
            if supply != "3":
                facts[f"EVSE@{evse_id}.SupplyPhases"] = supply
            for connector_id, connector in enumerate(evse.connectors, 1):
                if connector.type != "sType2":
                    facts[f"Connector@{evse_id}.{connector_id}.ConnectorType"] = connector.type
                if supply != "3":
                    facts[f"Connector@{evse_id}.{connector_id}.SupplyPhases"] = supply
        for name, value in facts.items():
            key = _key(name)
            if value != self._layout.entries[key].definition.default:
                self._values[key] = value


_OF_SIGNING_METERS: Final = frozenset({"SignReadings", "SignStartedReadings", "SignUpdatedReadings", "PublicKey"})


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return parse_name(name).key


def _component_key(component: Component) -> str:
    return Variable(component, "").key


@lru_cache(maxsize=64)
def _layout_of(connectors: tuple[int, ...], signs: bool) -> _Layout:
    """``connectors``: of each EVSE; ``signs``: a meter does, without which nothing of it is reported (2.7)."""
    entries = {
        variable.key: Entry(variable, definition)
        for definition in STANDARD_VARIABLES
        if signs or definition.name not in _OF_SIGNING_METERS
        for component in _components(definition, connectors)
        for variable in (Variable(component, definition.name, definition.instance),)
    }
    return _Layout(
        MappingProxyType(entries), frozenset(_component_key(entry.variable.component) for entry in entries.values())
    )


def _components(definition: Definition, connectors: tuple[int, ...]) -> Iterator[Component]:
    name, instance = definition.component, definition.component_instance
    if definition.scope is Scope.STATION:
        yield Component(name, instance)
        return
    for evse_id, count in enumerate(connectors, 1):
        if definition.scope is Scope.EVSE:
            yield Component(name, instance, evse_id)
        else:
            yield from (Component(name, instance, evse_id, connector_id) for connector_id in range(1, count + 1))


_LISTS: Final = (DataType.MEMBER_LIST, DataType.SEQUENCE_LIST)


def _normal(value: str, definition: Definition) -> str:
    """The value as it is kept: booleans in lower case, lists without blanks."""
    if definition.characteristics.data_type is DataType.BOOLEAN:
        return value.lower()
    if definition.characteristics.data_type in _LISTS:
        return ",".join(item.strip() for item in value.split(",")) if value.strip() else ""
    return value


def _refusal(value: str, definition: Definition) -> str | None:
    try:
        check_value(value, definition.characteristics)
    except ValueProblem as problem:
        return str(problem)
    if len(value) < definition.min_length:
        return f"has {len(value)} characters, at least {definition.min_length} are needed"
    if definition.unique and value:
        items = value.split(",")
        if "" in items:
            return "an item of the list is empty"
        if len(set(items)) < len(items):
            return "an item stands twice"
    return None
