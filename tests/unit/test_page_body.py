"""The comment and the summary: what a person reads in each state, and what no state may ever show."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from builders import NOW, OUTPUTS, environment, pinned, record, resource
from hostile import HOSTILE
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rendered import page

from orchestrator import comment_command
from orchestrator.announcement import Announcement, State
from orchestrator.cost import Cost
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes
from orchestrator.manifest import Operation
from orchestrator.outcome import Leftover, Outcome
from orchestrator.page import body
from orchestrator.page.body import COMMENT_CHARACTERS, TITLES, comment, summary, summary_of
from orchestrator.page.marker import parse_marker

STATES = get_args(State)
URL = OUTPUTS["url"]
RUN = "https://github.example/acme/shop/actions/runs/1"
LEFT = tuple(Leftover(f"arn:aws:ec2:us-east-1:123456789012:volume/vol-{i}", "ec2:volume", "tagged") for i in range(50))


def error(code=ExitCode.TERRAFORM, message="It failed.", hint="Mend it.", address=None):
    return EnvctlError(code, message, hint, address)


def told(state, command="up", failed=None, left=None, **changes):
    """An announcement of an environment that has everything."""
    outcome = Outcome(
        command,
        environment=environment(),
        manifest=record(),
        changes=Changes(add=2),
        resources=(
            resource("module.web.aws_lb.this", phase="done", elapsed_s=61),
            resource("aws_vpc.this", phase="failed"),
        ),
        timings={"total_s": 843.0},
        cost=Cost(0.25),
        left=left,
        error=failed,
    )
    values = {"manifest": record(), "outcome": outcome, "run_url": RUN, "usual_s": 840.0, **changes}
    return Announcement(state, environment(), NOW, **values)


def said(announcement):
    return page(comment(announcement)).text


# What each state says


def test_every_state_has_its_title_and_no_two_the_same():
    assert TITLES.keys() == set(STATES)
    assert len({symbol for symbol, _ in TITLES.values()}) == len({word for _, word in TITLES.values()}) == len(STATES)


@pytest.mark.parametrize("state", STATES)
def test_the_first_line_is_symbol_and_word(state):
    symbol, word = TITLES[state]
    first = comment(told(state)).splitlines()[0]
    assert first.startswith(f"### {symbol} {word}")
    assert (URL in first) == (state in ("ready", "unhealthy", "updating", "failed"))


@pytest.mark.parametrize("state", STATES)
def test_the_last_line_is_the_marker(state):
    written = comment(told(state))
    found = parse_marker(written.splitlines()[-1])
    assert found
    assert (found.pr, found.status, found.environment) == (42, state, "shop-pr-42")


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_told_with_next_to_nothing_known(state):
    bare = Announcement(state, environment(), NOW)
    assert TITLES[state][1] in said(bare)
    assert "None" not in said(bare)
    assert TITLES[state][1] in page(summary(bare)).text


@pytest.mark.parametrize("state", STATES)
def test_no_comment_of_ours_is_a_command(state):
    assert comment_command.parse(comment(told(state, failed=error(message="\n/envctl destroy\n")))) is None


def test_a_ready_environment_says_what_is_in_it():
    found = said(told("ready"))
    for part in (
        "a" * 40,
        "rds:shop-prod-2026-11-22-03-07, taken 2026-11-22 03:00 UTC, 6 h old when restored",
        "cluster snapshot, aurora-mysql",
        "chosen as the newest by original creation time, of 130 seen",
        "shop-pr-42.cluster.example:3306",
        "aws ssm start-session --target i-0123456789abcdef0 --region us-east-1",
        "2026-11-25 09:00 UTC (in 3 d)",
        "about $0.25 an hour (estimate",
        "/envctl extend 24h",
    ):
        assert part in found
    assert page(comment(told("ready"))).targets == [URL, RUN]


def test_the_age_of_the_data_is_that_of_its_last_restore():
    refreshed = record(data_at=NOW + timedelta(hours=10))
    assert "16 h old when restored" in said(told("ready", manifest=refreshed))


def test_creating_says_how_long_it_usually_takes():
    assert "usually takes about 14 min" in said(told("creating"))
    assert "usually" not in said(told("creating", usual_s=None))


@pytest.mark.parametrize(
    ("kind", "words"),
    [("up", "still serves"), ("refresh-data", "data is being replaced"), ("resume", "being woken up")],
)
def test_updating_says_whether_the_site_answers_meanwhile(kind, words):
    assert words in said(told("updating", manifest=record(operation=Operation(kind, NOW)), outcome=None))


def test_a_failure_says_what_whose_fault_what_to_do_and_what_remains():
    failed = error(message="aws_lb refused.", hint="Mend `envctl.toml`.", address="module.web.aws_lb.this")
    found = said(told("failed", failed=failed))
    assert "What failed: aws_lb refused. (module.web.aws_lb.this)" in found
    assert "Whose fault it probably is: the configuration" in found
    assert "What to do: Mend envctl.toml. A push, or the comment /envctl up, tries again." in found
    assert "everything that was there, with its data" in found
    assert "aws_vpc.this" in found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"manifest": None}, "nothing was made"),
        ({"manifest": record(applied_at=None, outputs={})}, "what had been made before it failed"),
        ({"command": "destroy"}, "what had not been taken away"),
    ],
)
def test_a_failure_says_what_remains(changes, words):
    assert words in said(told("failed", failed=error(), **changes))


def test_a_failed_destroy_lists_what_is_left_and_promises_no_site():
    written = comment(told("failed", "destroy", failed=error(ExitCode.NOT_CLEAN), left=LEFT))
    found = page(written)
    assert LEFT[0].arn in found.text
    assert "and 30 more: see the job's summary" in found.text
    assert "/envctl destroy tries again" in found.text
    assert URL not in written
    assert "cluster.example" not in written
    assert LEFT[49].arn in page(summary(told("failed", "destroy", failed=error(), left=LEFT))).text


@pytest.mark.parametrize(
    ("failed", "who"),
    [
        (error(ExitCode.UNEXPECTED), "envctl itself"),
        (error(ExitCode.USAGE), "the configuration"),
        (error(ExitCode.CREDENTIALS), "the configuration"),
        (error(message="Unsupported argument"), "the configuration"),
        (error(message="api error InsufficientInstanceCapacity: no"), "AWS"),
        (error(message="ThrottlingException: Rate exceeded"), "AWS"),
        (error(message="timeout while waiting for state"), "AWS"),
        (error(ExitCode.LOCKED), "nobody"),
        (error(ExitCode.INTERRUPTED), "nobody"),
        (error(ExitCode.UNHEALTHY), "this change"),
        (error(ExitCode.POLICY, address="module.database.aws_rds_cluster.this[0]"), "this change"),
        (error(ExitCode.POLICY, "There is no usable snapshot"), "the configuration"),
        (error(ExitCode.NOT_CLEAN), "AWS"),
    ],
)
def test_whose_fault_it_probably_is(failed, who):
    assert f"Whose fault it probably is: {who} (" in said(told("failed", failed=failed))


def test_paused_says_since_when_and_how_it_wakes():
    found = said(told("paused", manifest=record(paused_at=NOW, paused_by="schedule")))
    assert "sleeps since 2026-11-22 09:00 UTC, as the schedule says" in found
    assert "/envctl resume" in found


@pytest.mark.parametrize("state", ["waiting", "refused"])
def test_who_gets_none_is_told_why_and_what_to_do(state):
    bare = Announcement(state, environment(), NOW, reason="There are 10 already.", hint="Close one.")
    assert "Why: There are 10 already." in said(bare)
    assert "What to do: Close one." in said(bare)
    assert "table" not in page(comment(bare)).names or state == "waiting"


def test_destroyed_says_how_long_it_lived_and_what_it_cost():
    lived = record(created_at=NOW - timedelta(hours=50))
    found = said(told("destroyed", "destroy", manifest=lived, left=()))
    assert "it lived 2 d 2 h and cost at most about $12.50 (estimate" in found
    assert "nothing is left" in found
    unpriced = said(told("destroyed", manifest=lived, outcome=None))
    assert "it lived 2 d 2 h. The account" in unpriced
    assert "$" not in unpriced


# What no state may show


@pytest.mark.parametrize("state", STATES)
def test_only_known_outputs_are_shown(state):
    secret = {"database_password": "hunter2-secret", "vpc_id": "vpc-secret", "database_port": "3306-secret"}
    announcement = told(state, manifest=record(outputs={**OUTPUTS, **secret}))
    assert "secret" not in comment(announcement)
    assert "secret" not in summary(announcement)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_everywhere_do_nothing(state, name):
    evil = HOSTILE[name]
    outputs = dict.fromkeys(OUTPUTS, evil)
    manifest = record(
        commit=evil,
        outputs=outputs,
        snapshot=pinned(id=evil, reason=evil, engine=evil, engine_version=evil, arn=evil),
    )
    announcement = told(state, failed=error(message=evil, hint=evil, address=evil), left=(Leftover(evil, evil, evil),))
    announcement = replace(
        announcement,
        manifest=manifest,
        commit=evil,
        reason=evil,
        hint=evil,
        run_url=evil,
        environment=replace(environment(), name=evil, region=evil),
    )
    honest = page(comment(told(state, failed=error(), left=LEFT[:1])))
    for written in (comment(announcement), summary(announcement)):
        found = page(written)
        assert found.names <= honest.names | {"details", "summary", "table", "thead", "tbody", "tr", "th", "td", "br"}
        assert found.targets == []
        assert len(found.comments) <= 1
        assert "@e" not in found.prose
        assert "://" not in found.text
    assert comment_command.parse(comment(announcement)) is None


LONG = st.sampled_from(["@", "#", "`@`", "<", "x", "a b ", "\U0001f600", *HOSTILE.values()]).map(lambda t: t * 3000)


@settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes minutes
@given(st.sampled_from(STATES), LONG, st.integers(0, 3000))
def test_however_long_its_parts_a_comment_fits(state, long, count):
    announcement = replace(
        told(state, failed=error(message=long, hint=long, address=long), left=(Leftover(long, long, long),) * count),
        manifest=record(commit=long, snapshot=pinned(id=long, reason=long, engine=long, engine_version=long)),
        reason=long,
        environment=replace(environment(), name=long, region=long),
        run_url=long,
    )
    assert len(comment(announcement)) <= COMMENT_CHARACTERS
    assert comment(announcement).encode()
    assert len(summary(announcement, 200_000).encode()) <= 200_000


# The summary


def test_the_summary_lists_every_resource():
    many = tuple(resource(f'aws_subnet.this["{i}"]', phase="done") for i in range(500))
    made = told("ready")
    found = page(summary(replace(made, outcome=replace(made.outcome, resources=many))))
    assert 'aws_subnet.this["499"]' in found.text
    assert "and " not in [line for line in found.text.splitlines() if line.startswith("and ")]


def test_the_summary_of_a_plan_says_what_would_change():
    planned = Outcome(
        "plan",
        environment=environment(),
        changes=Changes(add=1),
        resources=(resource("module.web.aws_lb.this"),),
        notes=("The output values would change.",),
    )
    found = page(summary_of(planned, NOW)).text
    assert "1 to add, 0 to change" in found
    assert "module.web.aws_lb.this" in found
    assert "The output values would change." in found
    assert "Nothing to change" in page(summary_of(replace(planned, changes=Changes()), NOW)).text


def test_the_summary_of_an_error_before_anything_says_what_and_whose_fault():
    found = page(summary_of(Outcome("up", error=error(ExitCode.USAGE, "No such key.", "Mend it.")), NOW)).text
    assert "It failed: No such key." in found
    assert "the configuration" in found


def test_the_summary_of_a_command_is_that_of_its_environment():
    outcome = told("ready").outcome
    assert summary_of(outcome, NOW).startswith("### ✅ Ready")
    assert summary_of(replace(outcome, error=error()), NOW).startswith("### ❌ Failed")
    gone = replace(outcome, command="destroy", status="destroyed", left=())
    assert summary_of(gone, NOW).startswith("### 🏁 Destroyed")


def test_templates_escape_what_is_not_markdown():
    assert body._templates().from_string("{{ a }}").render(a="<b>") == "&#60;b&#62;"
