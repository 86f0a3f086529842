"""The configuration as a file to begin with: every key with what it means and the value it has when left out."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from voltbridge.conformance import configuration as written
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.features import FEATURES

__all__ = ["example"]

_WIDTH: Final = 110
_MADE: Final = "Made anew for each run when left out."


def example(base: Configuration) -> str:
    """The text of a file that changes nothing: each value of ``base`` is there, behind a ``#``."""
    lines = [
        "# What the conformance kit and the system under test agree on: voltbridge conformance run --config THIS-FILE",
        "# Each value is the one that holds when it is left out; take the # before it away to change it.",
        "",
        *_struct(base, ()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _struct(base: msgspec.Struct, path: tuple[str, ...]) -> Iterator[str]:
    meanings = _meanings()[type(base).__name__]
    nested = []
    for field in msgspec.structs.fields(base):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            nested.append((field.name, getattr(base, field.name)))
            continue
        meaning = meanings.get(field.name, "")
        made = field.default is msgspec.NODEFAULT
        if made:
            meaning = f"{meaning} {_MADE}".strip()
        yield from _comment(meaning)
        if field.name == "features":
            yield from _comment(f"Of: {'; '.join(FEATURES)}.")
        yield f"#{field.name} = {_toml('...' if made else getattr(base, field.name))}"
    for name, inner in nested:
        yield ""
        yield from _comment(meanings.get(name, "") or _meanings()[type(inner).__name__][""])
        if isinstance(inner, written.Token):
            # A token is given whole: even its table would be a change.
            yield f"#[{'.'.join((*path, name))}]"
            yield from (f"#{key} = {_toml(getattr(inner, key))}" for key in ("id_token", "type"))
        else:
            yield f"[{'.'.join((*path, name))}]"
            yield from _struct(inner, (*path, name))


def _comment(text: str) -> Iterator[str]:
    return (f"# {line}" for line in textwrap.wrap(text, _WIDTH))


def _toml(value: Any) -> str:
    """JSON writes strings, numbers, booleans and lists as TOML does."""
    return json.dumps(sorted(value) if isinstance(value, frozenset) else value, ensure_ascii=False)


def _meanings() -> Mapping[str, Mapping[str, str]]:
    """What the module says of each field of each struct, and under the empty name of the struct itself."""
    found: dict[str, dict[str, str]] = {}
    for statement in ast.parse(inspect.getsource(written)).body:
        if not isinstance(statement, ast.ClassDef):
            continue
        told = found.setdefault(statement.name, {"": (ast.get_docstring(statement) or "").split("\n")[0]})
        for field, after in zip(statement.body, statement.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
                assert isinstance(after.value, ast.Constant), "a field is followed by its meaning"
                told[field.target.id] = " ".join(str(after.value.value).replace("``", "").split())
    return found
