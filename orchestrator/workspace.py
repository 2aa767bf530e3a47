"""The working files of one environment: `.envctl/pr-<n>/`, private to its owner, one run at a time."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import EnvctlError, ExitCode

DIRECTORY = ".envctl"
# A crash of Terraform is much shorter; its log (TF_LOG) is not to be kept.
_SAID_BYTES = 64 * 1024


class Workspace:
    """Paths below `directory`, which is made when something is first written."""

    def __init__(self, base: Path, pr: int) -> None:
        self.directory = base.resolve() / DIRECTORY / f"pr-{pr}"
        self._held: int | None = None

    @property
    def held_by(self) -> int | None:
        """The descriptor that holds the workspace, to be a child's stderr: while that lives, nobody else gets it.

        Not one more descriptor: Terraform would hand it on to its providers, which may outlive it for ever when it
        is killed, and have their own stderr.
        """
        return self._held

    def take_said(self) -> list[str]:
        """Return, and forget, the last lines that children have written to `held_by`."""
        if self._held is None:
            return []
        size = os.fstat(self._held).st_size
        said = os.pread(self._held, _SAID_BYTES, max(0, size - _SAID_BYTES))
        os.ftruncate(self._held, 0)
        return said.decode("utf-8", "replace").splitlines()

    @classmethod
    def of_bootstrap(cls, base: Path) -> Workspace:
        """Return the working files of the account's bootstrap, beside those of the environments."""
        made = cls(base, 0)
        made.directory = made.directory.with_name("bootstrap")
        return made

    @property
    def tfvars(self) -> Path:
        return self.directory / "terraform.tfvars.json"

    @property
    def backend(self) -> Path:
        return self.directory / "backend.tfbackend"

    @property
    def data(self) -> Path:
        """TF_DATA_DIR."""
        return self.directory / "data"

    @property
    def plan(self) -> Path:
        """The saved plan; it holds values in the clear and is removed once applied."""
        return self.directory / "saved.tfplan"

    @property
    def stamp(self) -> Path:
        """What the last `init` was made from."""
        return self.directory / "init.stamp"

    @property
    def record(self) -> Path:
        """The manifest as it was last seen: a hint to begin with, never the truth."""
        return self.directory / "manifest.json"

    @property
    def lock_note(self) -> Path:
        """The ids of the locks that runs of this checkout took and did not give back."""
        return self.directory / "locks"

    @property
    def errored(self) -> Path:
        """The state of a run that could not save it, if there is one."""
        return self.directory / "errored.tfstate"

    @property
    def bundle(self) -> Path:
        """Where stored code is unpacked, when the checkout holds another."""
        return self.directory / "bundle"

    @property
    def cli_config(self) -> Path:
        """A generated Terraform CLI configuration, when a provider mirror is used."""
        return self.directory / "mirror.tfrc"

    def write(self, path: Path, text: str) -> None:
        """Write one of the files, all or nothing, readable by its owner only."""
        with self._made():
            handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(text)
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def read(self, path: Path) -> str | None:
        """Return what one of the files says, None when it is not there or no text: all are hints or written anew."""
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs of this checkout off the environment; the kernel lets go when we and our children are dead.

        Raises EnvctlError (locked) when another run has it.
        """
        path = self.directory / "in-use"
        while True:
            with self._made():
                stream = path.open("a+b")  # it is somebody else's to empty, until it is ours
            with stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise EnvctlError(
                        ExitCode.LOCKED,
                        f"Another envctl is at work on {self.directory.name} in this checkout.",
                        "Wait until it has ended, or stop it there with Ctrl-C.",
                    ) from None
                # A destroy that ended in between has removed the directory: a lock on that file keeps nobody off.
                if path.exists() and path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                    self._held = stream.fileno()
                    os.ftruncate(self._held, 0)
                    try:
                        yield
                    finally:
                        self._held = None
                    return

    @contextmanager
    def _made(self) -> Iterator[None]:
        """Make the directory and write in it. Raises EnvctlError (usage) when that cannot be done."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            ignored = self.directory.parent / ".gitignore"
            if not ignored.exists():  # a plan and an unsaved state hold passwords: no `git add .` is to take them along
                ignored.write_text("*\n")
            yield
        except OSError as error:
            raise EnvctlError(
                ExitCode.USAGE,
                f"The working directory {str(self.directory)!r} cannot be written: {error.strerror}.",
                "Run envctl where you may write, and with room on the disk.",
            ) from None
