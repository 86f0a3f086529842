"""The command line. Each command is a module; what it needs is imported when it runs, so that ``--help`` is quick."""

from voltbridge.cli.main import app, main

__all__ = ["app", "main"]
