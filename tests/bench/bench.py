"""How much envctl costs, as ratios against what people write by hand, from interleaved runs.

`python tests/bench/bench.py [RUNS]`. Everything runs against a sandbox of its own and on a root module
without slow resources. Absolute times mean nothing on a shared machine; the ratios are what counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestrator import toolchain
from orchestrator.aws import databases
from orchestrator.aws.session import Session
from orchestrator.sandbox import control
from orchestrator.snapshots import Policy

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "tests"))
from rds_pages import NEWEST, SOURCE, ManySnapshots, bare_listing  # noqa: E402

ROOT = Path(__file__).resolve().parent / "root"
# What the issue that asked for this allows: ratio or megabytes.
LIMITS = {
    "up / script": 0.50,
    "up / bare minimum": 1.10,
    "unchanged up / bare plan": 1.15,
    "--help / import typer": 1.60,
    "peak memory of envctl (MB)": 120.0,
    "choosing of 10000 / listing": 1.20,
    "memory, 10000 / 1000": 1.20,
}


class Bench:
    """A sandbox, a directory, and the commands that are compared."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self.directory = directory
        self.environ = environ
        self.terraform = list(toolchain.find(environ).command)
        self.envctl = [sys.executable, "-m", "orchestrator"]
        self.peak_kb = 0
        self.pr = 100

    def timed(self, work: Callable[[], None]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def up(self, pr: int) -> None:
        process = subprocess.Popen(
            [*self.envctl, "up", "--pr", str(pr), "--yes", "--json"],
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        while process.poll() is None:
            self._note_memory(process.pid)
            time.sleep(0.05)
        if process.returncode != 0:
            assert process.stderr is not None
            raise SystemExit(f"envctl up failed: {process.stderr.read().decode()}")

    def _note_memory(self, pid: int) -> None:
        """Linux: the high-water mark of the Python process alone, in kB."""
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.peak_kb = max(self.peak_kb, int(line.split()[1]))

    def inputs(self, pr: int) -> tuple[Path, list[str]]:
        """Return the files that envctl wrote for `pr`, as options for a hand-written pipeline."""
        made = self.directory / ".envctl" / f"pr-{pr}"
        return made, [f"-var-file={made / 'terraform.tfvars.json'}", "-input=false"]

    def by_hand(self, pr: int, data: Path, *commands: list[str]) -> None:
        for command in commands:
            subprocess.run(
                [*self.terraform, *command],
                cwd=ROOT,
                env={**self.environ, "TF_DATA_DIR": str(data)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                check=True,
            )

    def script(self, pr: int) -> None:
        """The pipeline that most teams have."""
        made, variables = self.inputs(pr)
        data, saved = self.directory / f"script-{pr}", str(self.directory / f"script-{pr}.tfplan")
        self.by_hand(
            pr,
            data,
            ["init", "-input=false", f"-backend-config={made / 'backend.tfbackend'}"],
            ["validate"],
            ["plan", f"-out={saved}", *variables],
            ["show", "-json", saved],
            ["apply", "-input=false", saved],
            ["output", "-json"],
        )

    def minimum(self, pr: int) -> None:
        """The least that brings an environment up."""
        made, variables = self.inputs(pr)
        self.by_hand(
            pr,
            self.directory / f"minimum-{pr}",
            ["init", "-input=false", f"-backend-config={made / 'backend.tfbackend'}"],
            ["apply", "-auto-approve", *variables],
        )

    def bare_plan(self, pr: int) -> None:
        made, variables = self.inputs(pr)
        self.by_hand(pr, made / "data", ["plan", *variables])

    def destroy(self, pr: int) -> None:
        subprocess.run(
            [*self.envctl, "destroy", "--pr", str(pr), "--yes", "-q"],
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def prepared(self) -> int:
        """Return a new pull request whose input files are there and nothing else."""
        self.pr += 1
        subprocess.run(
            [*self.envctl, "plan", "--pr", str(self.pr), "-q"],
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return self.pr


def measure(bench: Bench, runs: int) -> dict[str, list[float]]:
    """Return each figure's values, one for each round."""
    found: dict[str, list[float]] = {name: [] for name in LIMITS}
    for number in range(1, runs + 1):
        print(f"round {number} of {runs}", file=sys.stderr)
        pr = bench.prepared()
        script = bench.timed(lambda pr=pr: bench.script(pr))  # type: ignore[misc]
        bench.destroy(pr)

        pr = bench.prepared()
        minimum = bench.timed(lambda pr=pr: bench.minimum(pr))  # type: ignore[misc]
        bench.destroy(pr)

        bench.pr += 1
        pr = bench.pr
        up = bench.timed(lambda pr=pr: bench.up(pr))  # type: ignore[misc]
        plan = bench.timed(lambda pr=pr: bench.bare_plan(pr))  # type: ignore[misc]
        again = bench.timed(lambda pr=pr: bench.up(pr))  # type: ignore[misc]
        bench.destroy(pr)

        found["up / script"].append(up / script)
        found["up / bare minimum"].append(up / minimum)
        found["unchanged up / bare plan"].append(again / plan)
        for _ in range(3):
            helped = bench.timed(lambda: _quiet([*bench.envctl, "--help"], bench.environ))
            typer = bench.timed(lambda: _quiet([sys.executable, "-c", "import typer"], bench.environ))
            found["--help / import typer"].append(helped / typer)
        found["peak memory of envctl (MB)"].append(bench.peak_kb / 1024)
        print(
            f"  script {script:.1f} s, minimum {minimum:.1f} s, up {up:.1f} s, plan {plan:.1f} s, "
            f"unchanged up {again:.1f} s",
            file=sys.stderr,
        )
    print("choosing out of 10,000 snapshots (two minutes)", file=sys.stderr)
    ratio, growth = choosing()
    found["choosing of 10000 / listing"].append(ratio)
    found["memory, 10000 / 1000"].append(growth)
    return found


def choosing(count: int = 10_000) -> tuple[float, float]:
    """Return what choosing costs more than the bare listing of as many, and how its memory grows with them."""

    def choose(number: int) -> None:
        session = Session("us-east-1", ManySnapshots(number).client)
        databases.choose(session, Policy(SOURCE), NEWEST)

    def peak(number: int) -> int:
        tracemalloc.start()
        choose(number)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def seconds(work: Callable[[], object]) -> float:
        began = time.process_time()  # of this process alone: nothing of it waits
        work()
        return time.process_time() - began

    choose(1)
    ratio = seconds(lambda: choose(count)) / seconds(lambda: bare_listing(ManySnapshots(count).client("rds")))
    return ratio, peak(count) / peak(count // 10)


def _quiet(command: list[str], environ: dict[str, str]) -> None:
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)


def main(runs: int) -> int:
    with tempfile.TemporaryDirectory(prefix="envctl-bench-") as name:
        directory = Path(name)
        sandbox = control.start(directory / ".envctl", echo=lambda text: print(text, file=sys.stderr))
        try:
            # Compiled modules count: nobody else runs without them.
            odd = {*control.unwanted(), "PYTHONDONTWRITEBYTECODE"}
            environ = {k: v for k, v in os.environ.items() if k not in odd}
            environ |= control.environment(sandbox)
            environ |= {"ENVCTL_TERRAFORM__ROOT": str(ROOT), "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""}
            environ |= _providers(directory, environ)
            found = measure(Bench(directory, environ), runs)
        finally:
            control.stop(directory / ".envctl")
    print(f"{'':28}  median    min    max  limit")
    worst = 0
    for figure, values in found.items():
        median = statistics.median(values)
        verdict = "" if median <= LIMITS[figure] else "  over the limit"
        worst |= median > LIMITS[figure]
        print(f"{figure:28} {median:7.2f} {min(values):6.2f} {max(values):6.2f} {LIMITS[figure]:6.2f}{verdict}")
    return worst


def _providers(directory: Path, environ: dict[str, str]) -> dict[str, str]:
    """Give every contestant the same providers, where the registry is out of reach."""
    found = toolchain.providers(environ, Path.home(), ROOT, toolchain.registry_reachable)
    if found.kind != "mirror":
        return {}
    config = directory / "mirror.tfrc"
    config.write_text(toolchain.render_cli_config(found.paths))
    return {"TF_CLI_CONFIG_FILE": str(config)}


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
