"""Logs: one entry per line on standard error, for people (console) or for machines (JSON).

Entries of libraries that use the standard library's logging go the same way. Secrets have no place in a log: nobody
passes them, and ``hide_secrets`` is the net under that rule.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from voltbridge.settings import LogFormat, LogLevel

__all__ = ["configure", "hide_secrets", "make_printable"]

_SECRET_ENDINGS: Final = ("password", "authorization", "authorization_key", "credentials", "secret", "admin_key")
_HIDDEN: Final = "***"

_QUIET: Final = {
    # Libraries that tell of every request or statement; their warnings are wanted, their news are not.
    "uvicorn.access": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "aiohttp.server": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "asyncio": logging.WARNING,
    # It warns of every broken request, and anybody can send those.
    "uvicorn.error": logging.ERROR,
}


def hide_secrets(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: replace the value of every key that ends like the name of a secret."""
    for key in entry:
        if key.lower().endswith(_SECRET_ENDINGS):
            entry[key] = _HIDDEN
    return entry


def make_printable(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: escape what would break a line or command a terminal; peers' texts end up in logs."""
    for key, value in entry.items():
        if isinstance(value, str) and not value.isprintable():
            entry[key] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return entry


def configure(level: LogLevel, form: LogFormat) -> None:
    """Set up logging for the whole process."""
    number = logging.getLevelNamesMapping()[level.value.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
        make_printable,
    ]
    if form is LogFormat.JSON:
        last: list[structlog.types.Processor] = [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(number, least))
