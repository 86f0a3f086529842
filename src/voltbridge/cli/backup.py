"""``voltbridge backup`` and ``voltbridge restore``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voltbridge.cli.options import takes_settings
from voltbridge.settings import ConfigurationError, Settings

if TYPE_CHECKING:
    from voltbridge.storage.loading import Loaded

__all__ = ["backup", "restore"]


@takes_settings("data", "database_url")
def backup(
    settings: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to make; it must not exist yet.")],
) -> None:
    """Write all data to one file, while Voltbridge runs or not.

    The file holds everything as it stood at one moment: the whole database, uploaded files, the admin key and the key
    of stored secrets. Whoever can read it has these keys and the hashes of all passwords, so it is readable by its
    owner alone: keep it so.

    Examples:

      voltbridge backup /backup/voltbridge-$(date +%F).zip

      voltbridge backup before.zip --database-url postgresql://voltbridge@db/voltbridge
    """
    from rich.console import Console

    from voltbridge.app import unusable_database
    from voltbridge.backup.making import make_backup
    from voltbridge.clock import SystemClock
    from voltbridge.domain.errors import NotFound, SchemaTooNew

    database = settings.data / "voltbridge.db"
    if settings.database_url is None and not database.exists():
        raise ConfigurationError(f"there is no database in {settings.data}; say where it is with --data")
    with Console(stderr=True).status("Reading") as status:
        rows = 0

        def progress(what: str, count: int) -> None:
            nonlocal rows
            rows += count
            status.update(f"Reading {what} ({rows:,})")

        try:
            made = make_backup(settings.effective_database_url, settings.data, file, SystemClock().now(), progress)
        except FileExistsError:
            raise ConfigurationError(f"{file} exists already; choose another name or remove it") from None
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
        except SchemaTooNew as error:
            raise ConfigurationError(str(error)) from None
        except NotFound as error:
            raise ConfigurationError(f"there is no {error.noun} {error.key}; nothing was written") from None
        except Exception as error:
            raise unusable_database(settings, error) from None
    manifest = made.manifest
    count = sum(table.rows for table in manifest.tables)
    typer.echo(
        f"{file}: {count:,} rows of {len(manifest.tables)} tables and {len(manifest.files)} files as they stood at "
        f"{manifest.made_at}, {made.size:,} bytes."
    )


@takes_settings("data", "database_url")
def restore(
    settings: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to restore.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the data that are there, which are lost.")
    ] = False,
    webhooks_go_on: Annotated[
        bool, typer.Option("--webhooks-go-on", help="Leave webhooks running; without this they are paused.")
    ] = False,
) -> None:
    """Fill a data directory and a database from a backup, of this release or an older one.

    The backup may come from the embedded database or from PostgreSQL, and go to either. It is checked before anything
    is touched; when anything fails, everything is as it was.

    Webhooks are paused: their receivers have been told more than the backup knows of, and where it was made they may be
    told still. Resume them in the API once that is in order, or have them go on at once with --webhooks-go-on.

    Examples:

      voltbridge restore voltbridge-2026-05-01.zip --data /var/lib/voltbridge

      voltbridge restore before.zip --database-url postgresql://voltbridge@db/voltbridge --replace
    """
    from voltbridge.app import unusable_database
    from voltbridge.backup.archive import UnusableArchive
    from voltbridge.backup.restoring import FinishedEarlier, restore_backup
    from voltbridge.clock import SystemClock
    from voltbridge.datadir import DataDirectory
    from voltbridge.domain.errors import SchemaTooNew
    from voltbridge.storage.loading import NotEmpty, RowsDoNotFit

    claimed = DataDirectory.claim(settings.data, to_restore=True)
    try:
        with _bar() as progress:
            restored = restore_backup(
                file,
                settings.effective_database_url,
                settings.data,
                replace=replace,
                pause_webhooks_at=None if webhooks_go_on else SystemClock().now(),
                progress=progress,
            )
    except UnusableArchive as error:
        raise ConfigurationError(f"{error}; nothing was changed") from None
    except (RowsDoNotFit, SchemaTooNew) as error:
        raise ConfigurationError(f"{file} cannot be restored: {error}; nothing was changed") from None
    except NotEmpty:
        where = "the database given with --database-url" if settings.database_url else "the database there"
        raise ConfigurationError(
            f"{settings.data} or {where} has data already; choose others, or give --replace to lose them"
        ) from None
    except FinishedEarlier:
        raise ConfigurationError(
            f"the restore into {settings.data} that was cut short is finished now; give --replace to restore once more"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the restore failed: {error.strerror or error}; free some room or mend the disk, then run it again"
        ) from None
    except Exception as error:
        raise unusable_database(settings, error) from None
    finally:
        claimed.release()
    typer.echo(f"Restored what stood at {restored.manifest.made_at}: {_counted(restored.loaded)}.")
    if restored.loaded.replaced_texts:
        typer.echo(f"In {restored.loaded.replaced_texts} texts characters that PostgreSQL cannot hold became ?.")
    if restored.webhooks_paused:
        typer.echo(
            f"Webhooks paused: {restored.webhooks_paused}. Resume each with POST /api/v1/webhooks/{{id}}/resume; "
            "--webhooks-go-on would have left them running."
        )
    options = f" --data {shlex.quote(str(settings.data))}" + (" --database-url ..." if settings.database_url else "")
    typer.echo(f"The admin key is that of the backup. Start with: voltbridge up{options}")


@contextmanager
def _bar() -> Iterator[_Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Progress(bar)


class _Progress:
    """A bar for each stage."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._stages: dict[str, Any] = {}

    def __call__(self, stage: str, count: int, total: int) -> None:
        if stage not in self._stages:
            self._stages[stage] = self._bar.add_task(stage.capitalize(), total=total)
        self._bar.advance(self._stages[stage], count)


def _counted(loaded: Loaded) -> str:
    shown = [f"{loaded.rows[name]:,} {name}" for name in ("stations", "transactions", "tokens") if name in loaded.rows]
    return f"{', '.join(shown)}, {sum(loaded.rows.values()):,} rows in all"
