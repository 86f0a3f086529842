"""What ``--help`` prints: the same plain page for every command, readable at 80 columns and copied from without harm.

Options stand in groups, each with what it takes beside its name, and with its default as a sentence. A name is never
cut short: one that is too long has a line for itself. Examples stay as they are written, or go on after a backslash.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

__all__ = ["WIDEST", "HelpfulCommand", "HelpfulGroup"]

WIDEST: Final = {"max_content_width": 120}
"""Context settings: lines may be as long as that where the terminal is."""

_INDENT: Final = 2
_GAP: Final = 2
_NAMES_SHARE: Final = 0.4
_EXTRAS: Final = re.compile(r"\s*\[((?:env var|default|required|[\d.]+<=?x|x[<>]=?)[^\[]*)\]$")
_RANGE: Final = re.compile(r"(?:([\d.]+)<=x)?(?:x)?(?:>=([\d.]+)|<=([\d.]+))?")


class HelpfulCommand(TyperCommand):
    """A command whose help is such a page."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``[OPTIONS] FILE [ID]``, as manuals have it."""
        arguments = (param for param in self.get_params(ctx) if param.param_type_name == "argument")
        return ["[OPTIONS]", *(_argument(each, optional=not each.required) for each in arguments)]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """What the command is for, and how it is called."""
        _write_text(self.help, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options, by group."""
        _write_options(self.get_params(ctx), ctx, formatter)


class HelpfulGroup(TyperGroup):
    """A command that has others below it, with such a page."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """What the commands have in common."""
        _write_text(self.help, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands below this one, and its own options."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _first_sentences(each.help)) for name, each in found if each is not None and not each.hidden]
        _write_rows("Commands", rows, formatter)
        _write_options(self.get_params(ctx), ctx, formatter)


def _argument(param: Any, *, optional: bool) -> str:
    name = str(param.metavar or param.name.upper())
    if param.nargs != 1:
        name += "..."
    return f"[{name}]" if optional else name


def _first_sentences(text: str | None) -> str:
    return " ".join(cleandoc(text or "").partition("\n\n")[0].split())


def _write_text(text: str | None, formatter: Any) -> None:
    for paragraph in cleandoc(text or "").split("\n\n"):
        formatter.write_paragraph()
        if paragraph.startswith(" "):
            lines = [part for line in paragraph.splitlines() for part in _example(line, formatter.width)]
        else:
            lines = _wrapped(paragraph, formatter.width - _INDENT)
        formatter.write("".join(f"{' ' * _INDENT}{line}\n" for line in lines))


def _example(line: str, width: int) -> list[str]:
    """A line of a shell, continued where it is too long, before an option."""
    lines = [""]
    for part in re.split(r"(?= --)", line):
        if lines[-1] and len(lines[-1]) + len(part) > width - 2 * _INDENT:
            lines[-1] += " \\"
            lines.append(f"     {part}")
        else:
            lines[-1] += part
    return lines


def _write_options(params: Iterable[Any], ctx: Any, formatter: Any) -> None:
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for param in params:
        record = param.get_help_record(ctx)
        if param.param_type_name == "argument":
            if record is not None:
                groups["Arguments"].append((_argument(param, optional=False), _sentences(record[1])))
        elif record is not None:
            name = re.sub(r"[<\[]([\w-]+(?:\|[\w-]+)+)[>\]]", r"\1", record[0])
            groups[param.rich_help_panel or "Options"].append((name, _sentences(record[1])))
    # A command's own options come before those it shares with others; --help alone can wait.
    order = {"Arguments": 0, "Options": 1 if len(groups["Options"]) > 1 else 3}
    for title in sorted(groups, key=lambda title: order.get(title, 2)):
        _write_rows(title, groups[title], formatter)


def _sentences(text: str) -> str:
    """A help text, with what follows it in brackets (``[default: 5; 1<=x<=9]``) in words."""
    text = text.replace("\\[", "[")
    found = _EXTRAS.search(text)
    if found is None:
        return text
    said = [text[: found.start()]]
    for extra in found[1].split("; "):
        what, _, value = extra.partition(": ")
        if what == "default":
            said.append(f"Default: {value.removeprefix('(').removesuffix(')')}.")
        elif what == "env var":
            said.append(f"Better given as {value} in the environment.")
        elif (limits := _RANGE.fullmatch(extra)) and extra:
            low, least, high = limits.groups()
            said.append(f"At least {least}." if low is None else f"From {low} to {high}.")
    return " ".join(said)


def _write_rows(title: str, rows: list[tuple[str, str]], formatter: Any) -> None:
    """Names, and beside or below each what it is."""
    if not rows:
        return
    most = int(formatter.width * _NAMES_SHARE)
    column = _INDENT + _GAP + max((len(name) for name, _ in rows if len(name) <= most), default=most)
    formatter.write_paragraph()
    formatter.write(f"{title}:\n")
    for name, text in rows:
        lines = _wrapped(text, formatter.width - column) or [""]
        head = f"{' ' * _INDENT}{name}"
        if len(head) + _GAP > column:
            formatter.write(f"{head}\n")
            head = ""
        first, *rest = lines
        formatter.write(f"{head:{column}}{first}".rstrip() + "\n")
        formatter.write("".join(f"{' ' * column}{line}\n" for line in rest))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False, break_long_words=False)
