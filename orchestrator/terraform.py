"""The engine: the only file that imports python_terraform or starts a process.

python_terraform builds each command line and runs the short commands; its own plan, apply, destroy and
init are for Terraform before 0.15 and are not used. Long commands run in a session of their own and are
read line by line.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, Terraform

from orchestrator import secrecy, toolchain
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Diagnostic, Event, Notice, Run
from orchestrator.interrupts import Interrupts, lines
from orchestrator.toolchain import Providers, Tool
from orchestrator.workspace import Workspace

# Would change what a command means behind our back.
_NOT_INHERITED = ("TF_DATA_DIR", "TF_WORKSPACE", "TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG")
_FIXED = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


class CommandLine(Terraform):  # type: ignore[misc]
    """python_terraform for a command of more than one word."""

    def __init__(self, command: tuple[str, ...], directory: Path | None = None) -> None:
        super().__init__(working_dir=str(directory) if directory else None, terraform_bin_path=command[0])
        self._command = command

    def read_state_file(self, file_path: str | None = None) -> None:
        """Do nothing: the original would parse any `terraform.tfstate` that lies in the working directory."""

    def generate_cmd_string(self, cmd: str, *args: str, **kwargs: Any) -> list[str]:
        built: list[str] = super().generate_cmd_string(cmd, *args, **kwargs)
        return [*self._command, *built[1:]]


def version(tool: Tool) -> str:
    """Return `Terraform 1.11.4`. Raises EnvctlError (usage) when it is too old or does not run."""
    # `cmd` hands on this process's environment and nothing else; env(1) makes the two changes.
    quiet = ("env", "-u", "TF_CLI_CONFIG_FILE", "CHECKPOINT_DISABLE=1", *tool.command)
    _, out, _ = CommandLine(quiet).cmd("version")
    return toolchain.check_version(tool, out or "")


def modules(root: Path) -> set[str]:
    """Return the names of the modules in a directory `modules` that `root` calls; nothing need be initialised."""
    source = re.compile(r'\bsource\s*=\s*"[^"]*\bmodules/([\w-]+)"')
    return {name for file in root.glob("*.tf") for name in source.findall(file.read_text("utf-8", "replace"))}


class Engine:
    """Terraform for one environment: a root module, a workspace, and an ear for what it says."""

    def __init__(
        self,
        tool: Tool,
        root: Path,
        workspace: Workspace,
        environ: Mapping[str, str],
        emit: Callable[[Event], None],
        interrupts: Interrupts,
        find_providers: Callable[[], Providers],
        parallelism: int = 10,
        locking: bool = False,
    ) -> None:
        self._tool = tool
        self._root = root
        self._workspace = workspace
        self._environ = environ
        self._emit = emit
        self._interrupts = interrupts
        self._find_providers = find_providers
        self._parallelism = parallelism
        # An environment's lock is held by envctl itself, for the whole operation; the bootstrap leaves it to Terraform.
        self._lock = None if locking else False
        self._command = CommandLine(tool.command)

    def at(self, root: Path) -> Engine:
        """Return this engine for another root module."""
        other = copy.copy(self)
        other._root = root
        return other

    def init(self) -> bool:
        """Initialise unless nothing changed since the last time; return whether it ran.

        Raises EnvctlError when the root is missing, Terraform is too old, or it fails.
        """
        self.require_root()
        if self._workspace.read(self._workspace.stamp) == self._stamp() and self._providers_are_there():
            return False
        self._workspace.stamp.unlink(missing_ok=True)
        locked = (self._root / ".terraform.lock.hcl").is_file()
        run = self._stream(
            "init",
            json=IsFlagged,
            reconfigure=IsFlagged,  # the state is where the manifest says; nothing is ever migrated
            backend_config=str(self._workspace.backend),
            lockfile="readonly" if locked else None,
            environment=self._provider_config(),
        )
        if run.interrupted:
            raise failure(run, "init")
        # `init` says which Terraform it is and changes nothing that a wrong one could spoil; one that is
        # too old for the stream has to be asked.
        if run.version:
            toolchain.check_version(self._tool, run.version)
        else:
            version(self._tool)
        if run.exit_code != 0:
            raise failure(run, "init")
        self._workspace.write(self._workspace.stamp, self._stamp())
        return True

    def require_root(self) -> None:
        """Raise EnvctlError (usage) when there is no root module."""
        if not any(self._root.glob("*.tf")) and not any(self._root.glob("*.tf.json")):
            raise EnvctlError(
                ExitCode.USAGE,
                f"There is no Terraform root module in {str(self._root)!r}.",
                "Set root under [terraform] in envctl.toml, or run envctl in the checkout that holds it.",
            )

    def plan(self, save: bool = False, replace: Sequence[str] = ()) -> Run:
        """Plan; exit codes as of `-detailed-exitcode` (0 no change, 2 changes). Raises EnvctlError.

        The resources at the addresses `replace` are planned to be made anew, whatever their configuration.
        """
        if save:
            # Terraform keeps the mode of a file that is there, and would make one that all may read.
            self._workspace.write(self._workspace.plan, "")
        run = self._stream(
            "plan",
            json=IsFlagged,
            detailed_exitcode=IsFlagged,
            lock=False,
            out=str(self._workspace.plan) if save else None,
            replace=list(replace),
            var_file=str(self._workspace.tfvars),
            parallelism=self._parallelism,
        )
        if run.exit_code not in (0, 2) or run.interrupted:
            self.discard_plan()
            raise failure(run, "plan")
        return run

    def apply(self, saved: bool) -> Run:
        """Apply the saved plan, or plan and apply in one. The caller judges the returned run."""
        if saved:
            try:
                return self._stream(
                    "apply", str(self._workspace.plan), json=IsFlagged, lock=self._lock, parallelism=self._parallelism
                )
            finally:
                self.discard_plan()
        return self._stream(
            "apply",
            json=IsFlagged,
            auto_approve=IsFlagged,
            lock=self._lock,
            var_file=str(self._workspace.tfvars),
            parallelism=self._parallelism,
        )

    def destroy(self) -> Run:
        """Destroy everything in the state. The caller judges the returned run."""
        return self._stream(
            "destroy",
            json=IsFlagged,
            auto_approve=IsFlagged,
            lock=self._lock,
            var_file=str(self._workspace.tfvars),
            parallelism=self._parallelism,
        )

    @property
    def root(self) -> Path:
        return self._root

    def modules(self) -> set[str]:
        return modules(self._root)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs in the state, without the sensitive ones. Raises EnvctlError."""
        code, out, err = self._short("output", json=IsFlagged)
        if code != 0:
            raise EnvctlError(ExitCode.TERRAFORM, f"terraform output: {_shorten(err)}", _hint("output"))
        return {name: given["value"] for name, given in json.loads(out).items() if not given["sensitive"]}

    def untaint(self, address: str) -> None:
        """Let Terraform trust a resource again. Raises EnvctlError."""
        self._state_command("untaint", address)

    def push_state(self, file: Path) -> None:
        """Make `file` the state; Terraform refuses another lineage and an older serial. Raises EnvctlError."""
        self._state_command("state push", str(file))

    def _state_command(self, command: str, argument: str) -> None:
        code, out, err = self._short(command, argument, lock=self._lock, no_color=IsFlagged)
        if code != 0:
            raise EnvctlError(ExitCode.TERRAFORM, f"terraform {command}: {_shorten(err or out)}", _hint(command))

    def discard_plan(self) -> None:
        self._workspace.plan.unlink(missing_ok=True)

    def _short(self, command: str, *args: str, **options: Any) -> tuple[int, str, str]:
        """Run a command that takes no time and is no stream; return exit code, stdout, stderr."""
        environment = self._child_environment()
        # `cmd` hands on this process's environment and nothing else; env(1) makes the difference.
        ours = [f"{name}={environment[name]}" for name in (*_FIXED, "TF_DATA_DIR")]
        unset = [word for name in self._environ if name not in environment for word in ("-u", name)]
        line = CommandLine(("env", *unset, *ours, *self._tool.command), self._root)
        code, out, err = line.cmd(command, *args, **options)
        hidden = self._secrets()
        # What is on stdout is data; only a person reads the other.
        return int(code), str(out), secrecy.without(str(err), hidden)

    def _secrets(self) -> tuple[str, ...]:
        code = (file.read_text("utf-8", "replace") for file in self._root.glob("*.tf"))
        return secrecy.secrets(code, self._environ)

    def _stream(self, command: str, *args: str, environment: dict[str, str] | None = None, **options: Any) -> Run:
        line = self._command.generate_cmd_string(command, *args, input=False, **options)
        run = Run(hidden=self._secrets())
        before, holder = self._interrupts.received, self._workspace.held_by

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(
                line,
                cwd=self._root,
                env=self._child_environment() | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                # Killed, we leave Terraform behind: the workspace is held until it has ended too.
                stderr=subprocess.STDOUT if holder is None else holder,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )

        with self._interrupts.child(start) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            for text in lines(process.stdout):
                event = run.feed(text)
                if event is not None:
                    self._emit(event)
            run.exit_code = process.wait()
        for text in self._workspace.take_said():
            run.feed(text)
        run.interrupted = self._interrupts.received > before
        self.keep_unsaved_state()
        return run

    def keep_unsaved_state(self) -> None:
        """Move a state that Terraform could not save to where no other environment's run overwrites it."""
        for left in (self._root / "errored.tfstate", *self._workspace.bundle.rglob("errored.tfstate")):
            with suppress(FileNotFoundError):
                # Terraform knows no other name for it: it may be that of another environment's run from this checkout.
                named = set(re.findall(rb"-(pr-[0-9]+)\b", left.read_bytes()))
                if named and self._workspace.directory.name.encode() not in named:
                    continue
                os.replace(left, self._workspace.errored)
                self._emit(Notice(f"Terraform could not save its state: it is kept in {self._workspace.errored}."))

    def _child_environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self._environ.items()
            if name not in _NOT_INHERITED and not name.startswith("TF_CLI_ARGS")
        }
        kept |= _FIXED | {"TF_DATA_DIR": str(self._workspace.data)}
        user = toolchain.user_cli_config(self._environ, Path.home())
        if user:
            kept["TF_CLI_CONFIG_FILE"] = str(user.resolve())
        return kept

    def _provider_config(self) -> dict[str, str]:
        """Return what `init` needs in its environment to find its providers."""
        found = self._find_providers()
        if found.kind != "mirror":
            return {}
        self._workspace.write(self._workspace.cli_config, toolchain.render_cli_config(found.paths))
        return {"TF_CLI_CONFIG_FILE": str(self._workspace.cli_config)}

    def _stamp(self) -> str:
        """Return a digest of everything `init` depends on."""
        digest = hashlib.sha256(self._tool.fingerprint.encode())
        files = [self._workspace.backend, self._root / ".terraform.lock.hcl"]
        for directory in (self._root, *self._local_modules()):
            files += sorted((*directory.glob("*.tf"), *directory.glob("*.tf.json")))
        for file in files:
            digest.update(b"\0" + str(file).encode() + b"\0")
            if file.is_file():
                digest.update(file.read_bytes())
        return digest.hexdigest()

    def _local_modules(self) -> list[Path]:
        """Return the directories that the last `init` noted as modules."""
        try:
            noted = json.loads((self._workspace.data / "modules" / "modules.json").read_bytes())
            found = {self._root / module["Dir"] for module in noted["Modules"] if module["Dir"] != "."}
            return sorted(directory for directory in found if directory.is_dir())
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []

    def _providers_are_there(self) -> bool:
        """Return whether every provider that `init` linked is still behind its link (mirrors move)."""
        links = [*self._workspace.data.glob("providers/*/*/*/*/*")]
        return all(link.exists() for link in links)


_CREDENTIALS = (
    "No valid credential sources found",
    "ExpiredToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AccessDenied",
    "UnauthorizedOperation",
    "not authorized to perform",
    "StatusCode: 403",
)
_CHANGING = ("apply", "destroy")
_LOCKED = "Error acquiring the state lock"


def failure(run: Run, command: str) -> EnvctlError:
    """Return what went wrong in `run` as one error: the first of Terraform's, and how many more."""
    if run.interrupted:
        kept = "what exists is in the state" if command in _CHANGING else "nothing was changed"
        return EnvctlError(
            ExitCode.INTERRUPTED,
            f"Interrupted during terraform {command}; {kept}.",
            "Run the same command again to carry on, or `envctl destroy` to take it away.",
        )
    errors = run.errors
    first = errors[0] if errors else _from_tail(run)
    text = f"{first.summary} {first.detail}"
    message = f"terraform {command}: {first.summary.rstrip('.')}" + (
        f": {_shorten(first.detail)}" if first.detail else ""
    )
    if len(errors) > 1:
        message += f" (and {len(errors) - 1} more: {'; '.join(e.address or e.summary for e in errors[1:4])})"
    if _LOCKED in text:
        return EnvctlError(
            ExitCode.LOCKED,
            f"The state is locked by another run. {_holder(first.detail)}".strip(),
            "Try again when it has ended; if it is certainly dead, `envctl unlock`.",
        )
    if any(word in text for word in _CREDENTIALS):
        return EnvctlError(
            ExitCode.CREDENTIALS,
            message,
            "Check with `aws sts get-caller-identity` who you are, and what that role may do.",
            first.address,
        )
    return EnvctlError(ExitCode.TERRAFORM, message, _hint(command), first.address)


def _hint(command: str) -> str:
    if command in _CHANGING:
        return "What was done so far is in the state: mend the cause and run the same command again."
    return "Nothing was changed. Mend the cause and run the same command again."


def _from_tail(run: Run) -> Diagnostic:
    said = " ".join(line.strip(" │╷╵") for line in run.tail if line.strip(" │╷╵"))
    return Diagnostic("error", f"it ended with exit code {run.exit_code}", said, None)


def _shorten(text: str, limit: int = 600) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def _holder(detail: str) -> str:
    """Return who holds the lock, from the `Lock Info` block of Terraform's message."""
    wanted = {"Who": "by", "Created": "since", "Operation": "for", "ID": "with id"}
    found = {}
    for line in detail.splitlines():
        key, _, value = line.strip().partition(":")
        if key in wanted and value.strip():
            found[key] = f"{wanted[key]} {value.strip()}"
    return f"It is held {', '.join(found[k] for k in wanted if k in found)}." if found else ""
