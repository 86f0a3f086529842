"""Write the tables of faults, personalities and quirks in README.md and docs/quirks.md from the code.

Each stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``. A test holds the files against this.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from voltbridge.station.breakdowns import FAULTS
from voltbridge.station.kind import VERSIONS
from voltbridge.station.personality import FEATURES, QUIRKS, built_in, find_personality

__all__ = ["FILES", "written"]

_ROOT: Final = Path(__file__).parent.parent


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _arguments(kind: type[msgspec.Struct]) -> str:
    told = []
    for field in msgspec.structs.fields(kind):
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory
        value = default() if callable(default) else default
        told.append(f"`{field.encode_name}: {_plain(value)}`" if value is not None else f"`{field.encode_name}`")
    return ", ".join(told) or "-"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_plain(each) for each in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(each)}" for key, each in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if text.isprintable() and text else repr(text).replace("'", '"')


def _sentence(kind: type[Any]) -> str:
    """The docstring up to its first blank line."""
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def faults() -> str:
    rows = [(f"`{name}`", _arguments(fault.arguments), fault.help, fault.effect) for name, fault in FAULTS.items()]
    return _table(("fault", "arguments and their defaults", "what breaks", "what can be seen"), rows)


def personalities() -> str:
    rows = [(f"`{name}`", find_personality(name).description) for name in built_in()]
    return _table(("personality", "what it is like"), rows)


def quirks() -> str:
    rows = []
    for name, kind in QUIRKS.items():
        versions = [label for label, version in VERSIONS.items() if version in kind.versions]
        breaks = "yes" if kind.breaks_schema else "no"
        rows.append((f"`{name}`", _sentence(kind), _arguments(kind), ", ".join(versions), breaks))
    return _table(("quirk", "what it does", "arguments and their defaults", "versions", "can break the schema"), rows)


def features() -> str:
    rows = [(f"`{name}`", ", ".join(sorted(requests))) for name, requests in FEATURES.items()]
    return _table(("feature", "requests of the CSMS that are refused without it"), rows)


FILES: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "README.md": {"faults": faults, "personalities": personalities},
    "docs/quirks.md": {"quirks": quirks, "features": features},
}
"""File -> the name of each table in it."""


def written(file: str) -> str:
    """The file as it ought to be. Raises LookupError where the place of a table is missing."""
    text = (_ROOT / file).read_text("utf-8")
    for name, table in FILES[file].items():
        place = re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not place.search(text):
            raise LookupError(f"{file} has no place for {name}")
        made = table()
        text = place.sub(lambda found, made=made: f"{found[1]}{made}\n{found[2]}", text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for each in FILES:
        (_ROOT / each).write_text(written(each), "utf-8")
