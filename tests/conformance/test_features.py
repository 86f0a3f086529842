"""Every feature that a case asks for is one that the configuration can say, and the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

import voltbridge.conformance
from voltbridge.conformance.cli import app
from voltbridge.conformance.features import FEATURES, UNKNOWN_TRIGGER, unknown_features

ROOT = Path(voltbridge.conformance.__file__).parent


def asked_for() -> Iterator[str]:
    """What the cases call by name: in ``needs``, ``without`` and before ``in configuration.features``."""
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {
            target.id: value.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Assign | ast.AnnAssign) and isinstance(value := one.value, ast.Constant)
            for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            asked: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "needs":
                asked = node.args
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "without":
                asked = node.args[1:]
            elif isinstance(node, ast.Compare) and "features" in ast.unparse(node.comparators[0]):
                asked = [node.left]
            for one in asked:
                if isinstance(one, ast.Constant):
                    yield str(one.value)
                elif isinstance(one, ast.Name) and isinstance(name := names.get(one.id), str):
                    yield name


def test_what_cases_ask_for_can_be_said() -> None:
    asked = set(asked_for())
    assert len(asked) > 10
    assert unknown_features(asked) == []


def test_nothing_can_be_said_that_no_case_asks_for() -> None:
    imported = {"unsigned firmware", UNKNOWN_TRIGGER + "MESSAGE"}
    assert set(FEATURES) - set(asked_for()) <= imported


def test_they_are_listed() -> None:
    result = CliRunner().invoke(app, ["features"])
    assert result.exit_code == 0
    assert "cable lock" in result.stdout
