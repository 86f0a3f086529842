"""Files of YAML that people write: read as structs, and refused with the line, the field and what is allowed there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml
from msgspec import inspect

__all__ = ["FieldError", "InvalidFile", "in_words", "read_yaml"]

T = TypeVar("T")

_LARGEST: Final = 1024 * 1024
_MOST_NODES: Final = 200_000
_AT: Final = re.compile(r" - at `(?:key` in `)?\$?(?P<path>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`(?:$|; there are )")
_PART: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[^\]]*)\]")


_WANTS_QUOTES: Final = re.compile(r"Expected `str( \| null)?`, got `(bool|date|datetime|float|int)`$")
"""What YAML takes for something else: 1.6, 2026-03-01, on."""


class InvalidFile(Exception):
    """The file cannot be used; the text says where and why."""


class FieldError(ValueError):
    """A value is wrong by a rule that no type can say. ``field``: where, from the struct that has the rule."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field
        self.text = text


def read_yaml(path: Path, kind: type[T], check: Callable[[T], T] = lambda read: read) -> T:
    """A file of YAML as a struct of this kind. Raises InvalidFile with the line and the field.

    ``check`` may raise FieldError, and returns what is used.
    """
    root = None
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InvalidFile(f"{path}: larger than {_LARGEST // 1024} KiB")
        text = content.decode("utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None:
            _check(path, root)
        return check(msgspec.convert(yaml.safe_load(text), kind))
    except OSError as error:
        raise InvalidFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path}: not a text in UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise InvalidFile(f"{path}, line {line}: {error.problem or 'not YAML'}") from error
    except yaml.YAMLError as error:
        raise InvalidFile(f"{path}: not YAML: {error}") from error
    except RecursionError as error:
        raise InvalidFile(f"{path}: too deep") from error
    except msgspec.ValidationError as error:
        raise InvalidFile(_told(path, root, kind, error)) from error
    except FieldError as error:
        line = _line(root, f".{error.field}")
        raise InvalidFile(f"{path}, line {line}, {error.field}: {error.text}") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidFile(f"{path}, line {_unreadable(root)}: {error}") from error


def in_words(error: msgspec.ValidationError, kind: Any) -> tuple[str, str]:
    """Where (``.groups[0].count``; empty: at the top), and what is wrong there, with what is allowed instead."""
    text = str(error)
    found = _AT.search(text)
    field = found["path"] if found else ""
    if found:
        text = text[: found.start()]
    own = error.__cause__
    if isinstance(own, FieldError):
        field, text = f"{field}.{own.field}", own.text
    return field, text + _allowed(kind, field, text)


def _told(path: Path, root: yaml.Node | None, kind: Any, error: msgspec.ValidationError) -> str:
    field, text = in_words(error, kind)
    unknown = _UNKNOWN.match(text)
    line = _line(root, f"{field}[{unknown['name']}]" if unknown else field)
    name = field.lstrip(".")
    return f"{path}, line {line}{f', {name}' if name else ''}: {text}"


def _parts(field: str) -> Iterator[str | int]:
    for part in _PART.finditer(field):
        if part["name"] is not None:
            yield part["name"]
        else:
            yield int(part["index"]) if part["index"].isdecimal() else part["index"]


def _line(node: yaml.Node | None, field: str) -> int:
    """The line of a field named as msgspec does (``.groups[0].count``), or of the last part of it that is there."""
    line = node.start_mark.line if node is not None else 0
    for part in _parts(field):
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == part), None)
            if entry is None:
                break
            key, node = entry
            line = key.start_mark.line
            continue
        else:
            break
        line = node.start_mark.line
    return line + 1


def _allowed(kind: Any, field: str, text: str) -> str:
    """What may stand there, where the reason does not say it."""
    if _WANTS_QUOTES.match(text):
        return "; put it in quotes"
    unknown = _UNKNOWN.match(text)
    if not unknown and not text.startswith("Invalid enum value"):
        return ""
    known = _type_at(inspect.type_info(kind), field)
    if unknown and isinstance(known, inspect.StructType):
        return f"; there are {', '.join(each.encode_name for each in known.fields) or 'none'}"
    if isinstance(known, inspect.LiteralType):
        return f"; allowed are {', '.join(str(each) for each in known.values)}"
    if isinstance(known, inspect.EnumType):
        return f"; allowed are {', '.join(str(each.value) for each in known.cls)}"
    return ""


def _type_at(kind: inspect.Type, field: str) -> inspect.Type:
    kind = _meant(kind)
    for part in _parts(field):
        match kind:
            case inspect.StructType():
                inner = next((each.type for each in kind.fields if each.encode_name == part), None)
                if inner is None:
                    return kind
                kind = _meant(inner)
            case inspect.ListType() | inspect.VarTupleType():
                kind = _meant(kind.item_type)
            case inspect.TupleType() if isinstance(part, int) and part < len(kind.item_types):
                kind = _meant(kind.item_types[part])
            case inspect.DictType():
                kind = _meant(kind.value_type)
            case _:
                return kind
    return kind


def _meant(kind: inspect.Type) -> inspect.Type:
    """Of a value that may be absent, what it is otherwise."""
    if isinstance(kind, inspect.UnionType):
        left = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return left[0] if left else kind
    return kind


def _check(path: Path, root: yaml.Node) -> None:
    """Raises InvalidFile for keys that come twice, and for references that never end."""
    sizes: dict[int, int] = {}
    inside: set[int] = set()

    def size(node: yaml.Node) -> int:
        """How many nodes there are once every reference is followed."""
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in inside:
            raise InvalidFile(f"{path}, line {node.start_mark.line + 1}: it refers to itself")
        inside.add(id(node))
        total = 1
        if isinstance(node, yaml.SequenceNode):
            total += sum(size(each) for each in node.value)
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        line = key.start_mark.line + 1
                        raise InvalidFile(f"{path}, line {line}: {key.value} stands there a second time")
                    seen.add(key.value)
                total += size(key) + size(value)
        inside.discard(id(node))
        sizes[id(node)] = total
        if total > _MOST_NODES:
            raise InvalidFile(f"{path}, line {node.start_mark.line + 1}: more than {_MOST_NODES} values")
        return total

    size(root)


def _unreadable(node: yaml.Node | None) -> int:
    """The line of the scalar that YAML takes for a number or a date and that is none."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except (ValueError, OverflowError):
            return int(node.start_mark.line) + 1
        return 0
    if isinstance(node, yaml.SequenceNode):
        children = list(node.value)
    elif isinstance(node, yaml.MappingNode):
        children = [each for entry in node.value for each in entry]
    else:
        return 1
    return next((line for line in map(_unreadable, children) if line), 0)
