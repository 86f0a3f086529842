"""Where the programs that drive come from: functions of a Python file, or a webhook.

In a file, each function that has the name of a deed does it; it names as parameters what it wants to know, may be a
coroutine and else runs on a thread; NotImplementedError says that it does not know the deed. A webhook gets ``POST``
with ``{"do": NAME, ...its arguments}``: any status from 200 to 299 says that it is done, with ``{"answer": true}`` or
``{"answer": false}`` where it was a question; 501 says that it does not know the deed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from voltbridge.conformance.automation import DEEDS, UnknownDeed
from voltbridge.conformance.catalogue import Role
from voltbridge.conformance.failure import DriverFailed

__all__ = ["InvalidProgram", "PythonFile", "Webhook", "skeleton"]

_UNKNOWN: Final = 501
_LONGEST_S: Final = 600.0
_MOST_TOLD: Final = 500


class InvalidProgram(Exception):
    """The file is no driver; the text says why."""


class PythonFile:
    """The functions of a file."""

    def __init__(self, path: Path, role: Role) -> None:
        """Raises InvalidProgram when the file cannot be run, or a function wants something that nobody tells it."""
        self._functions: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {}
        self._path = path
        spec = importlib.util.spec_from_file_location("conformance_driver", path)
        if spec is None or spec.loader is None or not path.is_file():
            raise InvalidProgram(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise InvalidProgram(f"{path}: {type(error).__name__}: {error}") from error
        for name, deed in DEEDS[role].items():
            function = getattr(module, name, None)
            if callable(function):
                self._functions[name] = function, _wanted(path, name, function, deed.arguments)
        if not self._functions:
            raise InvalidProgram(f"{path} has none of the functions {', '.join(DEEDS[role])}")

    async def do(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Call the function."""
        if name not in self._functions:
            raise UnknownDeed(name)
        function, wanted = self._functions[name]
        try:
            told = {key: value for key, value in arguments.items() if key in wanted}
            if inspect.iscoroutinefunction(function):
                return await function(**told)
            # On a thread: the peer is served while the function waits for it.
            return await asyncio.to_thread(function, **told)
        except NotImplementedError:
            raise UnknownDeed(name) from None
        except Exception as error:
            raise DriverFailed(f"{name} in {self._path}: {type(error).__name__}: {error}") from error


def _wanted(path: Path, name: str, function: Callable[..., Any], told: tuple[str, ...]) -> frozenset[str]:
    """What the function is told of what there is."""
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return frozenset(told)
    unknown = [one.name for one in parameters if one.name not in told and one.default is one.empty]
    if unknown:
        there = ", ".join(told) or "nothing"
        raise InvalidProgram(f"{path}: {name} wants {', '.join(unknown)}; it can be told {there}")
    return frozenset(one.name for one in parameters if one.name in told)


class Webhook:
    """A program behind an address, an asynchronous context manager; ``key`` is sent as a bearer token."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url
        self._key = key
        self._session: aiohttp.ClientSession | None = None

    async def do(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Ask for it."""
        assert self._session is not None, "the webhook is used outside its context"
        try:
            async with self._session.post(self._url, json={"do": name, **arguments}) as response:
                if response.status == _UNKNOWN:
                    raise UnknownDeed(name)
                text = await response.text()
                if not response.ok:
                    raise DriverFailed(f"{name} by {self._url}: HTTP {response.status} {text[:_MOST_TOLD]}")
                answer = await response.json(content_type=None) if text.strip() else None
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise DriverFailed(f"{name} by {self._url}: {type(error).__name__} {error}") from error
        return answer.get("answer") if isinstance(answer, dict) else answer

    async def __aenter__(self) -> Self:
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=_LONGEST_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()


def skeleton(role: Role) -> str:
    """A Python file to begin with: every deed there is, as a function that does not do it yet."""
    under_test = "CSMS" if role is Role.CSMS else "charging station"
    parts = [
        f'"""Drives a {under_test} for voltbridge conformance run --role {role} --driver THIS-FILE.',
        "",
        "Leave out the functions, and of their parameters those, that you do not need. Each may be a coroutine; others",
        "run on a thread. A case whose deed raises NotImplementedError does not run; any other exception fails it.",
        '"""',
    ]
    for name, deed in DEEDS[role].items():
        result = "bool" if deed.question else "None"
        meaning = f"{deed.meaning} Leave this out where nothing is to be done." if deed.spared else deed.meaning
        parts += ["", "", f"def {name}({', '.join(deed.arguments)}) -> {result}:", f'    """{meaning}"""']
        parts.append(f'    raise NotImplementedError("{name}")')
    return "\n".join(parts) + "\n"
