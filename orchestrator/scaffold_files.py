"""The files of `envctl init`: read before anything is decided, written all or none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import EnvctlError, ExitCode


def read(directory: Path, paths: Iterable[str]) -> dict[str, str | None]:
    """Return the text of each file below `directory`, None for those that are not there.

    Raises EnvctlError (usage) for one that cannot be read, or that a link leads out of the directory.
    """
    found: dict[str, str | None] = {}
    for path in paths:
        try:
            # Bytes, so that line ends stay as they are.
            found[path] = _place(directory, path).read_bytes().decode("utf-8")
        except FileNotFoundError:
            found[path] = None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise EnvctlError(
                ExitCode.USAGE, f"{path!r} cannot be read: {reason}.", "Move it out of the way, or mend it."
            ) from None
    return found


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Write all files or none. Raises EnvctlError (usage).

    Everything that can go wrong (rights, room) goes wrong while the texts are laid beside their places; moving them
    there is then a matter of names. Killed in between, the next run finds some done and does the rest.
    """
    laid: dict[Path, Path] = {}
    moved: list[str] = []
    try:
        for path, text in files.items():
            place = _place(directory, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            beside = place.with_name(f".{place.name}.{os.getpid()}")
            laid[beside] = place
            with beside.open("wb") as stream:
                stream.write(text.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
        for beside, place in laid.items():
            os.replace(beside, place)
            moved.append(place.name)
    except OSError as error:
        raise EnvctlError(
            ExitCode.USAGE,
            f"{str(error.filename)!r} cannot be written: {error.strerror}.",
            f"{', '.join(moved) or 'Nothing'} was changed. Run it where you may write, and with room on the disk.",
        ) from None
    finally:
        for beside in laid:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _place(directory: Path, path: str) -> Path:
    """Return where a file really is: links within the directory are followed, those that leave it are refused."""
    place = Path(os.path.realpath(directory / path))
    if not place.is_relative_to(os.path.realpath(directory)):
        raise EnvctlError(ExitCode.USAGE, f"{path!r} is a link that leads out of this directory.", "Remove the link.")
    return place
