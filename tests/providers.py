"""Where tests that start the real Terraform get its providers, without asking anyone outside for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator import toolchain


def cli_config(directory: Path, root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that lead Terraform to a local mirror, if this machine has one.

    The registry is called unreachable without trying: a test talks to loopback only. Without a mirror
    Terraform's own defaults remain, as on a CI runner.
    """
    found = toolchain.providers(environ, Path.home(), root, reachable=lambda host: False)
    if found.kind == "user":
        return {"TF_CLI_CONFIG_FILE": str(found.paths[0].resolve())}
    if found.kind == "default":
        return {}
    config = directory / "mirror.tfrc"
    config.write_text(toolchain.render_cli_config(found.paths))
    return {"TF_CLI_CONFIG_FILE": str(config)}
