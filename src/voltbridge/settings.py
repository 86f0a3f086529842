"""Every option of ``voltbridge up``: one table, four sources.

A value is taken from the command line, else from ``VOLTBRIDGE_<NAME>`` in the environment, else from
``voltbridge.toml``, else it is the default below. The name is the same everywhere: ``--ocpp-port``,
``VOLTBRIDGE_OCPP_PORT``, ``ocpp_port``. Times are in seconds unless the name says otherwise. A wrong value or an
unknown key stops the start with one sentence that says where it stands and what is allowed.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints
from urllib.parse import urlsplit

from voltbridge.domain.stations import AfterBoot, Onboarding, Strictness
from voltbridge.domain.tokens import AuthorizationFallback
from voltbridge.domain.webhooks import WebhookAddresses

__all__ = [
    "CONFIG_FILE",
    "ConfigurationError",
    "Kind",
    "LogFormat",
    "LogLevel",
    "Option",
    "Row",
    "Settings",
    "load",
    "options",
    "suspicious_variables",
]

CONFIG_FILE: Final = "voltbridge.toml"
_PREFIX: Final = "VOLTBRIDGE_"


class ConfigurationError(Exception):
    """The configuration cannot be used; the text is one sentence that says what to change."""


class LogLevel(StrEnum):
    """The least serious log entries that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log entries are written to standard error."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how to read it from text, and how to say what is allowed."""

    expected: str
    metavar: str
    read: Callable[[str], Any]
    """Raises ValueError for a text that is not of this kind."""


def _whole(minimum: int, maximum: int, unit: str = "") -> Kind:
    def read(text: str) -> int:
        number = int(text)
        if not minimum <= number <= maximum:
            raise ValueError
        return number

    words = (
        f"a whole number {unit} from {minimum} to {maximum}" if unit else f"a whole number from {minimum} to {maximum}"
    )
    return Kind(words, "N", read)


def _number(minimum: float, maximum: float, unit: str) -> Kind:
    def read(text: str) -> float:
        number = float(text)
        if not math.isfinite(number) or not minimum <= number <= maximum:
            raise ValueError
        return number

    return Kind(f"a number of {unit} from {minimum:g} to {maximum:g}", "N", read)


def _seconds(minimum: float, maximum: float) -> Kind:
    kind = _number(minimum, maximum, "seconds")
    return Kind(kind.expected, "SECONDS", kind.read)


def _or_word(kind: Kind, word: str, metavar: str) -> Kind:
    """A kind that also takes a word for "no limit", read as None."""
    return Kind(
        f"{kind.expected}, or {word}", f"{metavar}|{word}", lambda text: None if text == word else kind.read(text)
    )


def _one_of(choices: type[StrEnum]) -> Kind:
    names = [str(choice) for choice in choices]
    return Kind(" or ".join([", ".join(names[:-1]), names[-1]]), "|".join(names), choices)


def _text(expected: str, metavar: str) -> Kind:
    def read(text: str) -> str:
        if not text.strip() or "\0" in text:
            raise ValueError
        return text.strip()

    return Kind(expected, metavar, read)


def _http_url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or "\0" in text:
        raise ValueError
    return text.strip()


def _path(metavar: str) -> Kind:
    def read(text: str) -> Path:
        if not text.strip() or "\0" in text:
            raise ValueError
        return Path(text).expanduser()

    return Kind("a path", metavar, read)


def _paths(text: str) -> tuple[Path, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not 1 <= len(parts) <= 2 or not all(parts) or "\0" in text:
        raise ValueError
    return tuple(Path(part).expanduser() for part in parts)


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not 1 <= ports.start < ports.stop <= 65_536:
        raise ValueError
    return ports


_PORT = Kind("a port from 0 to 65535 (0: any free one)", "PORT", _whole(0, 65_535).read)
_DOOR = _or_word(_PORT, "off", "PORT")
_INTERVAL = _whole(1, 2_000_000_000, "of seconds")
_ADDRESS = _text("an address or a host name", "ADDRESS")
_PORTS = Kind("ports from 1 to 65535 such as 50000-50099", "FIRST-LAST", _ports)
_PEM_FILES = Kind("a path, or two with a comma between them", "FILE[,FILE]", _paths)
_HTTP_URL = Kind("an http or https URL", "URL", _http_url)
_DAYS = _or_word(_whole(1, 36_500, "of days"), "forever", "DAYS")
_SHORT = Kind(_whole(1, 365, "of days").expected, "DAYS", _whole(1, 365).read)
_LIMIT = _or_word(_whole(1, 1_000_000), "unlimited", "N")


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of an option besides its name, type and default."""

    kind: Kind
    panel: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can choose, already checked. Unset options have the defaults seen here."""

    data: Annotated[Path, Row(_path("DIR"), "Data", "Directory of the embedded database and the admin key.")] = Path(
        "voltbridge-data"
    )
    database_url: Annotated[
        str | None,
        Row(
            _text("a URL such as postgresql://user@host/name", "URL"),
            "Data",
            "Use this database instead of the embedded one, such as postgresql://user@host/name. "
            "A password is better given in the environment than on the command line.",
        ),
    ] = dataclasses.field(default=None, repr=False)
    log_retention_days: Annotated[
        int | None, Row(_DAYS, "Data", "How long the log of OCPP messages is kept; forever keeps everything.")
    ] = 30
    event_retention_days: Annotated[
        int | None, Row(_DAYS, "Data", "How long events are kept; forever keeps everything.")
    ] = 365
    command_retention_days: Annotated[
        int | None,
        Row(
            _DAYS,
            "Data",
            "How long commands, operations, rollouts and requests for firmware and logs are kept, or forever.",
        ),
    ] = 365
    transaction_retention_days: Annotated[
        int | None,
        Row(
            _DAYS,
            "Data",
            "How long transactions and their meter values are kept after their end; they are what bills are made from.",
        ),
    ] = None
    meter_value_retention_days: Annotated[
        int | None,
        Row(_DAYS, "Data", "How long meter values are kept; a transaction keeps its energy without them."),
    ] = None
    reservation_retention_days: Annotated[
        int | None, Row(_DAYS, "Data", "How long reservations are kept after their end, or forever.")
    ] = 365
    alert_retention_days: Annotated[int | None, Row(_DAYS, "Data", "How long closed alerts are kept, or forever.")] = (
        365
    )
    deviation_retention_days: Annotated[
        int | None,
        Row(_DAYS, "Data", "How long it is remembered which chargers broke the standard and how, or forever."),
    ] = None
    delivery_retention_days: Annotated[
        int | None, Row(_DAYS, "Data", "How long the log of deliveries to webhooks is kept, or forever.")
    ] = 30
    customer_information_retention_days: Annotated[
        int,
        Row(_SHORT, "Data", "How long what stations told of customers is kept; it is personal."),
    ] = 14
    file_size: Annotated[
        int,
        Row(
            _whole(1, 1 << 40, "of bytes"),
            "Data",
            "Bytes of the largest file that is kept: firmware of yours, a log that a station delivers.",
        ),
    ] = 1 << 30
    file_retention_days: Annotated[
        int | None, Row(_DAYS, "Data", "How long files that stations delivered are kept; forever keeps everything.")
    ] = 90

    ocpp_host: Annotated[str, Row(_ADDRESS, "Network", "Address that charging stations connect to.")] = "0.0.0.0"
    ocpp_port: Annotated[
        int | None,
        Row(
            _DOOR,
            "Network",
            "Port that charging stations connect to without TLS; 0 takes any free port, off takes nobody without TLS.",
        ),
    ] = 9000
    tls_certificate: Annotated[
        tuple[Path, ...] | None,
        Row(
            _PEM_FILES,
            "Network",
            "Speak TLS on --tls-port too, with the certificate in this PEM file, the server's own first and its chain "
            "after it; or with two, one for an EC and one for an RSA key, as stations have one or the other. Read anew "
            "when the files change.",
        ),
    ] = None
    tls_key: Annotated[
        tuple[Path, ...] | None,
        Row(
            _PEM_FILES,
            "Network",
            "The private key of the certificate, in a PEM file without a passphrase; or two, in the same order.",
        ),
    ] = None
    tls_port: Annotated[
        int, Row(_PORT, "Network", "Port that charging stations connect to by TLS; 0 takes any free port.")
    ] = 9443
    public_url: Annotated[
        str | None,
        Row(
            _HTTP_URL,
            "Network",
            "Where stations reach this server to fetch and deliver files, such as https://csms.example.com:9443. "
            "Unless set, each station is told the name by which it connected, with https if it did so by TLS.",
        ),
    ] = None
    transfers: Annotated[
        int,
        Row(_whole(1, 100_000), "Network", "Files that stations fetch or deliver at a time; more get 503."),
    ] = 200
    ftp_port: Annotated[
        int | None,
        Row(
            _DOOR,
            "Network",
            "Port on which stations that speak no HTTP fetch and deliver files by FTP, at the OCPP port's address; "
            "0 takes any free one. Needs voltbridge[ftp].",
        ),
    ] = None
    ftp_passive_ports: Annotated[
        range | None,
        Row(
            _PORTS,
            "Network",
            "Ports for the data connections of FTP, to be let through a firewall; else any free ones.",
        ),
    ] = None
    sftp_port: Annotated[
        int | None,
        Row(
            _DOOR,
            "Network",
            "Port on which stations fetch and deliver files by SFTP; 0 takes any free one. Needs voltbridge[ftp].",
        ),
    ] = None
    ftp_public_host: Annotated[
        str | None,
        Row(
            _ADDRESS,
            "Network",
            "Name or address by which stations reach FTP and SFTP here, behind an address translation. Unless set, "
            "that of --public-url or the one by which each station connected.",
        ),
    ] = None
    http_host: Annotated[
        str,
        Row(
            _ADDRESS,
            "Network",
            "Address of the REST API. It speaks plain HTTP: let only this machine or a TLS proxy reach it.",
        ),
    ] = "127.0.0.1"
    http_port: Annotated[int, Row(_PORT, "Network", "Port of the REST API; 0 takes any free port.")] = 8080

    connection_limit: Annotated[
        int, Row(_whole(1, 1_000_000), "Network", "Charging stations connected at a time; a further one gets 503.")
    ] = 50_000
    connections_per_address: Annotated[
        int | None,
        Row(
            _LIMIT,
            "Network",
            "Charging stations connected from one address; a further one gets 429. Stations often share the address of "
            "a router or a mobile gateway, so it is unlimited unless set.",
        ),
    ] = None
    message_rate: Annotated[
        float,
        Row(
            _number(0.1, 1_000_000, "messages per second"),
            "Network",
            "Messages per second a station may send in the long run; what comes faster has to wait.",
        ),
    ] = 1000.0
    message_size: Annotated[
        int,
        Row(
            _whole(10_000, 100_000_000, "of bytes"),
            "Network",
            "Bytes of the largest message a station may send; a larger one closes its connection.",
        ),
    ] = 1_048_576
    ping_interval: Annotated[
        float, Row(_seconds(0, 86_400), "Network", "Seconds of silence after which a station is pinged; 0 never pings.")
    ] = 60.0

    onboarding: Annotated[
        Onboarding,
        Row(
            _one_of(Onboarding),
            "Stations",
            "What a station never seen before gets: ask lets it wait in the inbox, accept takes it, "
            "reject turns it away.",
        ),
    ] = Onboarding.ASK
    demo: Annotated[
        int,
        Row(
            _whole(0, 10_000),
            "Stations",
            "Add so many virtual stations that live here and charge, to look around with; 0 adds none.",
        ),
    ] = 0
    inbox_limit: Annotated[
        int, Row(_whole(1, 1_000_000), "Stations", "How many unknown stations may wait in the inbox at a time.")
    ] = 1000
    strictness: Annotated[
        Strictness,
        Row(
            _one_of(Strictness),
            "Stations",
            "Messages that break the standard: strict refuses them, tolerant takes what is unambiguous, "
            "salvage drops only the bad value. Each station can have its own.",
        ),
    ] = Strictness.STRICT
    heartbeat_interval: Annotated[
        int, Row(_INTERVAL, "Stations", "Seconds between heartbeats of an accepted station.")
    ] = 300
    retry_interval: Annotated[
        int, Row(_INTERVAL, "Stations", "Seconds after which a station that is not accepted boots again.")
    ] = 60
    after_boot: Annotated[
        AfterBoot,
        Row(
            _one_of(AfterBoot),
            "Stations",
            "What a station is asked after an accepted boot: nothing, the status of its connectors, "
            "or its configuration.",
        ),
    ] = AfterBoot.NONE
    authorization_url: Annotated[
        str | None,
        Row(
            _HTTP_URL,
            "Stations",
            "Ask the service at this URL whether a token may charge, unless it is refused here already.",
        ),
    ] = dataclasses.field(default=None, repr=False)
    authorization_timeout: Annotated[
        float, Row(_seconds(0.1, 60), "Stations", "Seconds the authorization service has for an answer.")
    ] = 5.0
    authorization_fallback: Annotated[
        AuthorizationFallback,
        Row(
            _one_of(AuthorizationFallback),
            "Stations",
            "While the authorization service gives no answer: accept-known goes by the tokens kept here, "
            "reject refuses all, accept takes all that are not refused here.",
        ),
    ] = AuthorizationFallback.ACCEPT_KNOWN
    authorization_concurrency: Annotated[
        int, Row(_whole(1, 10_000), "Stations", "Questions to the authorization service at a time.")
    ] = 50
    call_timeout: Annotated[
        float, Row(_seconds(0.1, 3600), "Stations", "Seconds a station has to answer a message of ours.")
    ] = 30.0

    webhook_addresses: Annotated[
        WebhookAddresses,
        Row(
            _one_of(WebhookAddresses),
            "Network",
            "Where webhooks may be sent: any takes receivers of your own networks too; with public whoever has the "
            "admin key cannot make this machine send to what only it can reach.",
        ),
    ] = WebhookAddresses.ANY

    shutdown_timeout: Annotated[
        float, Row(_seconds(0, 3600), "Operation", "Seconds a stop may take to finish what has begun.")
    ] = 20.0
    ready_file: Annotated[
        Path | None, Row(_path("FILE"), "Operation", "Write ports, process id and key file here as JSON once ready.")
    ] = None
    log_level: Annotated[
        LogLevel, Row(_one_of(LogLevel), "Operation", "The least serious log entries to write to standard error.")
    ] = LogLevel.INFO
    log_format: Annotated[
        LogFormat, Row(_one_of(LogFormat), "Operation", "How log entries are written: for people or for machines.")
    ] = LogFormat.CONSOLE

    @property
    def admin_key_file(self) -> Path:
        """Where the API's key is kept."""
        return self.data / "admin.key"

    @property
    def sftp_host_key_file(self) -> Path:
        """Where the key is by which stations know this server's SFTP."""
        return self.data / "sftp_host.key"

    @property
    def effective_database_url(self) -> str:
        """The database to use: the one that was given, or the embedded one in the data directory."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'voltbridge.db'}"


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table, for whoever has to list the options."""

    name: str
    row: Row
    default: Any

    @property
    def shown_default(self) -> str | None:
        """Its default as one would write it; None where there is nothing to write."""
        if self.default is None:
            _, bar, word = self.row.kind.metavar.rpartition("|")
            return word if bar else None
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return _PREFIX + self.name.upper()


@functools.cache
def options() -> tuple[Option, ...]:
    """All options in the order they are declared."""
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(
        Option(field.name, hints[field.name].__metadata__[0], field.default) for field in dataclasses.fields(Settings)
    )


def load(
    arguments: Mapping[str, str | None] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Settings from all sources. ``arguments`` are those of the command line by option name, None for those not given.

    ``config`` (else ``VOLTBRIDGE_CONFIG``) names the file; without either ``./voltbridge.toml`` is read if it exists.
    Raises ConfigurationError.
    """
    arguments = arguments or {}
    environment = os.environ if environment is None else environment
    if config is None and (named := environment.get(_PREFIX + "CONFIG")):
        config = Path(named)
    file, in_file = _read_file(config)
    chosen: dict[str, Any] = {}
    for option in options():
        if (text := arguments.get(option.name)) is not None:
            chosen[option.name] = _read(option, text, option.flag)
        elif (text := environment.get(option.variable)) is not None:
            chosen[option.name] = _read(option, text, option.variable)
        elif option.name in in_file:
            chosen[option.name] = _read(option, in_file[option.name], f"{option.name} in {file}")
    return Settings(**chosen)


_OTHERS: Final = (f"{_PREFIX}CLOCK", f"{_PREFIX}CONTROL_KEY")
"""Variables that are no options of the CSMS."""


def suspicious_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """One sentence for each ``VOLTBRIDGE_*`` variable that looks like a misspelled option."""
    environment = os.environ if environment is None else environment
    known = [*(option.variable for option in options()), *_OTHERS]
    sentences = []
    for name in environment:
        if name.startswith(_PREFIX) and name not in known and (near := difflib.get_close_matches(name, known, 1, 0.85)):
            sentences.append(f"the environment variable {name} is not used; did you mean {near[0]}?")
    return sentences


def _read_file(config: Path | None) -> tuple[Path, Mapping[str, Any]]:
    path = config or Path(CONFIG_FILE)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if config is not None:
            raise ConfigurationError(f"the configuration file {path} does not exist") from None
        return path, {}
    except OSError as error:
        raise ConfigurationError(f"the configuration file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None
    known = [option.name for option in options()]
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(key.replace("-", "_"), known, 1)
            hint = f"did you mean {near[0]}?" if near else "`voltbridge up --help` lists every option"
            raise ConfigurationError(f"{path} has the unknown key {key}; {hint}")
    return path, content


def _read(option: Option, value: object, where: str) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return option.row.kind.read(str(value))
        except ValueError:
            pass
    # A database URL may carry a password: say what is wrong without repeating it.
    shown = "set to something else" if option.name == "database_url" else f"{value!r}"
    raise ConfigurationError(f"{where} must be {option.row.kind.expected}, but is {shown}")
