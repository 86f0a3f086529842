"""The catalogue of events says what the code does: no event without a row, no row without an event."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.events import held_to_the_catalogue, problem_of

import voltbridge
from voltbridge.csms.event_catalogue import EVENTS, Telling
from voltbridge.csms.event_schemas import event_schema

SOURCE = Path(voltbridge.__file__).parent / "csms"
DOORS = {"emit": 0, "emit_live": 0}
"""Where events are told, and which argument is their type."""


@dataclass
class Module:
    """What matters of a source file."""

    path: Path
    tables: dict[str, list[str]] = field(default_factory=dict)
    """Texts that the values of its dictionaries are."""
    calls: list[tuple[ast.Call, ast.FunctionDef | ast.AsyncFunctionDef | None]] = field(default_factory=list)
    """Every call, and the function that it stands in."""


def read(path: Path) -> Module:
    module = Module(path)
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            values = [each.value for each in node.value.values if isinstance(each, ast.Constant)]
            texts = [value for value in values if isinstance(value, str)]
            module.tables.update({target.id: texts for target in targets if isinstance(target, ast.Name)})

    def walk(node: ast.AST, function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node
        if isinstance(node, ast.Call):
            module.calls.append((node, function))
        for child in ast.iter_child_nodes(node):
            walk(child, function)

    walk(tree, None)
    return module


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return [name for name in names if name != "self"]


def types_in(expression: ast.expr, tables: Mapping[str, list[str]]) -> list[str] | None:
    """The types that an expression can be; None when that cannot be read from it."""
    match expression:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=other):
            found = [types_in(each, tables) for each in (body, other)]
            return None if None in found else [type for types in found for type in types or ()]
        case ast.Subscript(value=ast.Name(id=name)) if name in tables:
            return tables[name]
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=ast.Subscript() as rest)]):
            ends = types_in(rest, tables)
            return None if ends is None else [start + end for end in ends]
    return None


def assigned(expression: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> ast.expr | None:
    """What a local name stands for, where the function gives it a value once."""
    if function is None or not isinstance(expression, ast.Name):
        return None
    given = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == expression.id for target in node.targets)
    ]
    return given[0] if len(given) == 1 else None


@dataclass(frozen=True)
class Door:
    """A function that tells events: which argument is the type, and what stands before it."""

    place: int
    before: str = ""


Doors = dict[tuple[Path | None, str], Door]
"""By name; private ones by their module, too."""


def emitted() -> dict[str, set[str]]:
    """Every type that the code emits, and where."""
    modules = [read(path) for path in sorted(SOURCE.rglob("*.py"))]
    found: defaultdict[str, set[str]] = defaultdict(set)
    doors: Doors = {(None, name): Door(place) for name, place in DOORS.items()}
    seen: set[tuple[Path | None, str]] = set()
    while new := doors.keys() - seen:
        seen |= new
        for module in modules:
            for call, function in module.calls:
                for where, name in new:
                    if where in (None, module.path) and isinstance(call.func, ast.Attribute) and call.func.attr == name:
                        _take(module, call, function, doors[where, name], doors, found)
    return found


def _take(
    module: Module,
    call: ast.Call,
    function: ast.FunctionDef | ast.AsyncFunctionDef | None,
    door: Door,
    doors: Doors,
    found: defaultdict[str, set[str]],
) -> None:
    if len(call.args) <= door.place:
        return
    expression = call.args[door.place]
    types = types_in(assigned(expression, function) or expression, module.tables)
    if types is not None:
        for type in types:
            found[door.before + type].add(f"{module.path.relative_to(SOURCE)}:{call.lineno}")
        return
    before = door.before
    match expression:
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=ast.Name() as inner)]):
            expression, before = inner, before + start
    if function is not None and isinstance(expression, ast.Name) and expression.id in parameters(function):
        # Whoever hands a type on is a door itself: a private one within its module.
        private = function.name.startswith("_")
        place = parameters(function).index(expression.id)
        doors[module.path if private else None, function.name] = Door(place, before)
    elif not isinstance(call.func, ast.Attribute) or call.func.attr in DOORS:
        raise AssertionError(f"{module.path}:{call.lineno}: the type must be a text or be taken from a table of texts")


def test_what_the_code_emits_is_what_the_catalogue_lists() -> None:
    found = emitted()
    assert len(found) > 50
    unlisted = {type: sorted(places) for type, places in found.items() if type not in EVENTS}
    assert unlisted == {}, "add a row to csms/event_catalogue.py"
    told = {type for type, kind in EVENTS.items() if kind.telling is not Telling.TEST}
    assert told - found.keys() == set(), "nothing emits these"


def test_the_scan_sees_types_behind_every_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text(
        '_WORDS = {1: "first", 2: "second"}\n'
        "class A:\n"
        "    def f(self, n):\n"
        '        self.log.emit(f"noun.{_WORDS[n]}", None)\n'
        '        self.log.emit("noun.a" if n else "noun.b", None)\n'
        '        self.note(1, "noun.noted")\n'
        '        self._say("noun.said")\n'
        "    def note(self, live, type):\n"
        "        self.log.emit(type, None)\n"
        "    def once(self, n):\n"
        '        what = "noun.c" if n else "noun.d"\n'
        "        self.log.emit(what, None)\n"
        "    def put(self):\n"
        '        self._prefixed("e")\n'
        "    def _prefixed(self, what):\n"
        '        self.log.emit(f"noun.{what}", None)\n'
        "    def _say(self, type):\n"
        "        self.log.emit_live(type, None)\n"
    )
    (tmp_path / "two.py").write_text(
        'class B:\n    def g(self):\n        self.note(2, "noun.elsewhere")\n        self._say(3)\n'
    )
    monkeypatch.setattr(f"{__name__}.SOURCE", tmp_path)
    names = {"first", "second", "a", "b", "c", "d", "e", "noted", "said", "elsewhere"}
    assert emitted().keys() == {f"noun.{name}" for name in names}
    (tmp_path / "two.py").write_text("def h(log, kind):\n    log.emit(kind.type, None)\n")
    with pytest.raises(AssertionError, match="must be a text"):
        emitted()


@pytest.mark.parametrize("type", EVENTS)
def test_each_schema_is_one_and_stands_alone(type: str) -> None:
    schema = event_schema(type)
    Draft202012Validator.check_schema(schema)
    assert set(references(schema)) <= {f"#/$defs/{name}" for name in schema.get("$defs", {})}
    assert schema["description"] == EVENTS[type].text
    assert EVENTS[type].text.endswith(".") and EVENTS[type].type == type


def references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def test_data_that_breaks_its_schema_is_seen() -> None:
    good = {"protocol": "ocpp1.6", "remote_address": "127.0.0.1", "secure": False, "security_profile": 1}
    assert problem_of("station.connected", good) is None
    assert "breaks its schema" in (problem_of("station.connected", {"protocol": "ocpp1.6"}) or "")
    assert "more" in (problem_of("station.connected", {**good, "more": 1}) or "")
    assert "no row" in (problem_of("station.abducted", {}) or "")
    deep = {"results": [{"variable": "A", "attribute": "Actual", "status": "Wrong"}]}
    assert "Wrong" in (problem_of("variables.written", deep) or "")


def test_events_of_the_code_are_watched_and_those_of_tests_are_not() -> None:
    from tests.csms.fakes import World

    async def body() -> None:
        world = World()
        with held_to_the_catalogue() as problems:
            world.events.emit("of.a.test", None)
            assert problems == []
            # Compiled as if it stood in the source.
            code = compile('emit("of.the.code", None)', str(SOURCE / "made_up.py"), "exec")
            exec(code, {"emit": world.events.emit})
            assert problems == ["of.the.code has no row in csms/event_catalogue.py"]
        await world.events.told()

    import asyncio

    asyncio.run(body())
