"""A station in the terminal: what it does now, the messages that pass, and keys to play driver and weather."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from voltbridge.station.assembly import Station
from voltbridge.station.control.actions import ImpossibleAction, describe, do

__all__ = ["KEYS", "Screen", "keys_pressed", "show"]

_REFRESH_S: Final = 0.25
_LONGEST_LINE: Final = 160
_MOST_KEYS: Final = 1024
_END: Final = "q"

KEYS: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "p": ("plug in", "plug", {}),
    "u": ("unplug", "unplug", {}),
    "s": ("swipe", "swipe", {}),
    "w": ("car waits", "pause", {}),
    "g": ("car goes on", "resume", {}),
    "f": ("fault", "fault", {}),
    "r": ("repair", "repair", {}),
    "c": ("cut the line", "cut-line", {}),
    "x": ("power cut", "power-cut", {"seconds": 5.0}),
}
"""Key -> what it is called, the action, its arguments. The digits choose the EVSE, ``q`` ends."""


class Screen:
    """What is shown of one station."""

    def __init__(self, station: Station, id_token: str, frames: int = 14) -> None:
        self.station = station
        self.evse_id = 1
        self.message = ""
        self._id_token = id_token
        self._frames: deque[str] = deque(maxlen=frames)

    def frame(self, sent: bool, text: str) -> None:
        """A message has passed."""
        moment = self.station.clock.now().strftime("%H:%M:%S")
        line = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"
        self._frames.append(f"{moment} {'→' if sent else '←'} {line}")

    async def press(self, key: str) -> bool:
        """Do what the key stands for; False: end."""
        if key in (_END, "\x03"):
            return False
        if key.isdecimal() and 1 <= int(key) <= len(self.station.configuration.evses):
            self.evse_id = int(key)
            self.message = f"EVSE {key} is chosen"
        elif key in KEYS:
            name, action, arguments = KEYS[key]
            more: dict[str, Any] = {} if action in ("cut-line", "power-cut") else {"evse": self.evse_id}
            if action == "swipe":
                more["id_token"] = self._id_token
            try:
                await do(self.station, action, {**arguments, **more})
                self.message = name
            except ImpossibleAction as error:
                self.message = str(error)
        return True

    def render(self) -> RenderableType:
        """All of it, as it is now."""
        told = describe(self.station)
        head = Text(f"{told['identity']}  ", style="bold")
        if not told["running"]:
            head.append("restarting", style="yellow")
        else:
            head.append("online" if told["online"] else "offline", style="green" if told["online"] else "red")
            head.append(f"  {told['registration']}  {told['version']}  {told['queued']} in the queue")
        # What a small terminal has no room for is cut off below, so that is where the oldest messages stand.
        frames = Text("\n".join(reversed(self._frames)) or "no message yet", overflow="ellipsis", no_wrap=True)
        keys = "  ".join(f"[b]{escape(key)}[/] {name}" for key, (name, _, _) in KEYS.items())
        help = Text.from_markup(f"{keys}  [b]1-9[/] EVSE  [b]q[/] quit")
        said = Text(self.message, style="italic")
        return Group(head, help, said, self._evses(told["evses"]), Panel(frames, title="messages, newest first"))

    def _evses(self, evses: list[dict[str, Any]]) -> Table:
        table = Table(expand=True, box=None, padding=(0, 1, 0, 0), header_style="dim")
        for column in ("EVSE", "connectors", "car", "power", "offer", "meter", "SoC", "charge", "token"):
            table.add_column(column, no_wrap=True)
        for evse in evses:
            charge = evse.get("state_of_charge")
            table.add_row(
                f"{'▶' if evse['evse_id'] == self.evse_id else ' '} {evse['evse_id']}",
                ", ".join(evse["connectors"].values()),
                ("locked" if evse.get("locked") else "plugged") if evse.get("plugged_in") else "-",
                f"{evse.get('power_w', 0) / 1000:.2f} kW",
                f"{evse.get('offered_current_a', 0):g} A",
                f"{evse.get('energy_wh', 0) / 1000:.3f} kWh",
                "-" if charge is None else f"{charge:.0%}",
                (evse["transaction_id"] or "-")[:8],
                evse["id_token"] or "-",
            )
        return table


async def show(screen: Screen, console: Console, keys: AsyncIterator[str]) -> None:
    """Show the station until the keys end, or one of them ends it."""
    with Live(screen.render(), console=console, auto_refresh=False, screen=console.is_terminal) as live:

        async def refresh() -> None:
            while True:
                live.update(screen.render(), refresh=True)
                await asyncio.sleep(_REFRESH_S)

        refreshing = asyncio.create_task(refresh())
        try:
            async for key in keys:
                if not await screen.press(key):
                    break
        finally:
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)


@asynccontextmanager
async def keys_pressed() -> AsyncIterator[AsyncIterator[str]]:
    """The keys pressed in the terminal, one by one, without Enter. The terminal is as before afterwards."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    pressed: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read() -> None:
        # Not through sys.stdin, which would keep back all but the first of several keys.
        try:
            data = os.read(descriptor, _MOST_KEYS)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            loop.remove_reader(descriptor)
            pressed.put_nowait(_END)
        for key in decoder.decode(data):
            pressed.put_nowait(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield _each(pressed.get)
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _each(get: Callable[[], Any]) -> AsyncIterator[str]:
    while True:
        yield await get()
