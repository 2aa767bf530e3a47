"""Whatever happens in whatever order, after one `sync --all` the environments are those of the pull requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from model_world import LIMIT, Model

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.locks import SILENT
from orchestrator.outcome import Outcome

KEPT = ("manifest.json", "terraform.tfstate", "bundle.tar.gz")
PULL_REQUESTS = st.integers(1, 3)
STANDINGS = st.sampled_from([{}] * 9 + [{"fork": True}, {"bot": True}, {"draft": True}])
DEEDS = st.sampled_from(["push", "push", "shut", "open", "draft", "approve", "sync", "sync_all"])
# Up to about 14 changes are made by one run of `sync`.
CHANGE = st.integers(1, 14)
MEANWHILE = st.dictionaries(CHANGE, st.tuples(DEEDS, PULL_REQUESTS), max_size=2)
RUN = st.fixed_dictionaries(
    {
        "dies_at": st.none() | st.none() | CHANGE,
        "deaf_from": st.none() | st.none() | st.none() | st.integers(1, 4),
        "mute": st.booleans(),
        "meanwhile": MEANWHILE,
    }
)


class Repository(RuleBasedStateMachine):
    """People, GitHub's events, runners that die, and time. No event is ever more than a hint to look."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    def teardown(self) -> None:
        try:
            self.rest()
        finally:
            self.model.close()

    @initialize(standings=st.lists(STANDINGS, min_size=2, max_size=3))
    def some_are_open(self, standings: list[dict[str, bool]]) -> None:
        for number, standing in enumerate(standings, 1):
            self.model.open(number, **standing)

    @rule(number=PULL_REQUESTS)
    def somebody_opens(self, number: int) -> None:
        self.model.open(number)

    @rule(number=PULL_REQUESTS)
    def somebody_pushes(self, number: int) -> None:
        self.model.push(number)

    @rule(number=PULL_REQUESTS)
    def somebody_closes(self, number: int) -> None:
        self.model.shut(number)

    @rule(number=PULL_REQUESTS, deed=st.sampled_from(["draft", "approve"]))
    def somebody_changes_its_standing(self, number: int, deed: str) -> None:
        getattr(self.model, deed)(number)

    @rule(number=PULL_REQUESTS, run=RUN)
    def an_event_arrives(self, number: int, run: dict[str, Any]) -> None:
        self.checked(self.model.sync(number, **self.live(run)), run)

    @rule(number=PULL_REQUESTS, dies_at=CHANGE)
    def a_run_dies(self, number: int, dies_at: int) -> None:
        self.model.sync(number, dies_at=dies_at)

    @rule(run=RUN)
    def the_reaper_comes(self, run: dict[str, Any]) -> None:
        self.checked(self.model.sync_all(**self.live(run)), run)

    @rule(hours=st.sampled_from([1, 40, 80]))
    def time_passes(self, hours: int) -> None:
        self.model.time += timedelta(hours=hours)

    @rule()
    def rest(self) -> None:
        """Nothing happens but one `sync --all`: then everything is as it should be, and nothing else is there."""
        model = self.model
        had = {number for number in model.pull_requests if model.record(number)}  # these have their place already
        model.time += SILENT  # long enough that what gives no sign of life may be called dead
        outcome = model.sync_all()
        assert isinstance(outcome, Outcome), outcome
        assert outcome.exit_code is ExitCode.DONE, outcome.error
        wanted = {n for n, found in model.pull_requests.items() if model.admitted(found) and not model.resting(n)}
        there = set(model.serves)
        assert there <= wanted
        # Two that begin at the same moment may both take the last place; neither is taken away for that.
        assert len(there) == max(min(len(wanted), LIMIT), len(had & wanted))
        waiting = wanted - there
        assert not waiting or all(number < min(waiting) for number in there - had), "the oldest come first"
        for number in there:
            self.follows(number)
        kept = {f"pr-{number}/{file}" for number in there for file in KEPT}
        notes = {f"pr-{number}/absence.json" for number, found in model.pull_requests.items() if found.open}
        assert kept <= model.keys() <= kept | notes

    def follows(self, number: int) -> None:
        head, record = self.model.pull_requests[number].head, self.model.record(number)
        assert record is not None
        assert (self.model.serves[number], record.commit, record.status) == (head, head, "ready")
        assert record.expires_at > self.model.time
        assert record.closed_at is None

    def live(self, run: dict[str, Any]) -> dict[str, Any]:
        """The same run with deeds that can be done: a doubled event is another run in the middle of this one."""

        def deed(name: str, number: int) -> Any:
            return self.model.sync_all if name == "sync_all" else lambda: getattr(self.model, name)(number)

        return {**run, "meanwhile": {at: deed(name, number) for at, (name, number) in run["meanwhile"].items()}}

    def checked(self, outcome: Outcome | EnvctlError | None, run: dict[str, Any]) -> None:
        """A run that nobody disturbed ends well, or leaves the environment to a lock that may be somebody's."""
        if run["dies_at"] is None and run["deaf_from"] is None and not run["meanwhile"]:
            assert isinstance(outcome, Outcome), outcome
            assert outcome.exit_code in (ExitCode.DONE, ExitCode.LOCKED), outcome.error


TestRepository = Repository.TestCase
TestRepository.settings = settings(
    max_examples=2000,
    stateful_step_count=10,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
