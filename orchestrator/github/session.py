"""Requests to one repository on GitHub, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


class Session:
    """A way to GitHub: GITHUB_API_URL, and GITHUB_TOKEN or GH_TOKEN of `environ`.

    Raises EnvctlError (usage, credentials) at once when they make no sense; asks nobody before the first call.
    `sleep` and `monotonic` (seconds) are handed in by tests.
    """

    def __init__(
        self,
        repository: str,
        environ: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        raise NotImplementedError
