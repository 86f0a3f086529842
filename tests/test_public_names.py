"""Every public module says what it offers: ``__all__`` has each public name the module defines, and no other."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import voltbridge

MIGRATIONS = "voltbridge.storage.migrations."
"""Alembic's scripts run when they are imported."""

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(voltbridge.__path__, "voltbridge.")
    if not any(part.startswith("_") for part in found.name.split(".")) and not found.name.startswith(MIGRATIONS)
)


def defined(tree: ast.Module) -> set[str]:
    """The names a module defines at its top. Imports, type variables and registered functions are no part of these.

    A function below ``@router.get(...)``, ``@case(...)`` or the like is reached through what it is registered with.
    """
    names: set[str] = set()
    for node in tree.body:
        match node:
            case (
                ast.FunctionDef(decorator_list=[ast.Call(), *_]) | ast.AsyncFunctionDef(decorator_list=[ast.Call(), *_])
            ):
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar" | "ParamSpec"))):
                continue
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    offered = module.__all__
    assert len(set(offered)) == len(offered)
    missing = [each for each in offered if not hasattr(module, each)]
    assert missing == [], "names in __all__ that do not exist"
    assert module.__file__ is not None
    hidden = defined(ast.parse(Path(module.__file__).read_text())) - set(offered)
    assert hidden == set(), "public names that __all__ lacks"


def test_modules_are_found() -> None:
    assert len(MODULES) > 200
