import json
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import ARN, NOW, environment, pinned, record, resource

from orchestrator import report
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes
from orchestrator.manifest import Operation
from orchestrator.outcome import Check, Leftover, Outcome

UP = Outcome(
    "up",
    environment=environment(),
    manifest=record(),
    snapshot=pinned(),
    changes=Changes(add=60, change=1),
    resources=(
        resource("module.database.aws_rds_cluster.this", phase="done", elapsed_s=61),
        resource("module.network.aws_vpc.this", phase="done", elapsed_s=2),
        resource("module.web.aws_lb.this", phase="failed", elapsed_s=99),
    ),
    outputs={"url": "http://x"},
    timings={"init_s": 1.3, "apply_s": 110.0, "total_s": 111.5},
)


def text(outcome):
    return report.text(outcome, NOW)


def envelope(outcome):
    return report.envelope(outcome, NOW)


def tagged(text, colour):
    return f"<{colour}>{text}</>"


# The envelope


def test_an_outcome_becomes_the_envelope():
    found = envelope(UP)
    assert (found["schema"], found["command"], found["ok"]) == ("envctl/v1", "up", True)
    assert found["environment"] == {
        "name": "shop-pr-42",
        "pr": 42,
        "repository": "acme/shop",
        "commit": "a" * 40,
        "status": "ready",
        "url": "http://shop-pr-42.elb.example",
        "region": "us-east-1",
        "created_at": "2026-11-22T09:00:00Z",
        "expires_at": "2026-11-25T09:00:00Z",
        "data_at": "2026-11-22T09:00:00Z",
        "paused_at": None,
        "paused_by": None,
        "state": {"bucket": "acme-preview-state", "key": "environments/acme/shop/pr-42/terraform.tfstate"},
    }
    assert (found["snapshot"]["age_s"], found["snapshot"]["age"]) == (6 * 3600, "6 h")
    assert found["changes"] == {"add": 60, "change": 1, "replace": 0, "destroy": 0}
    assert found["resources"][0]["status"] == "done"
    assert found["timings"]["apply_s"] == 110.0
    assert found["timings"]["health_s"] is None


def test_what_an_outcome_lacks_is_null():
    found = envelope(Outcome("doctor"))
    assert {key for key, value in found.items() if value is None} == {
        "environment",
        "snapshot",
        "changes",
        "resources",
        "outputs",
        "timings",
        "cost",
        "left",
        "error",
    }


def test_an_error_is_in_the_envelope_and_the_outcome_is_not_ok():
    error = EnvctlError(ExitCode.NOT_CLEAN, "It is not gone.", "Look.", "aws_vpc.this")
    found = envelope(Outcome("destroy", error=error, exit_code=error.code, left=(Leftover("arn:x", "ec2:vpc", "why"),)))
    assert found["ok"] is False
    assert found["error"] == {
        "code": "not_clean",
        "message": "It is not gone.",
        "hint": "Look.",
        "address": "aws_vpc.this",
    }
    assert found["left"] == [{"arn": "arn:x", "type": "ec2:vpc", "why": "why"}]


def test_changes_that_were_asked_about_are_no_failure():
    assert envelope(Outcome("plan", exit_code=ExitCode.CHANGES))["ok"] is True


def test_the_time_to_destroy_is_what_destroy_applies():
    assert envelope(Outcome("destroy", timings={"destroy_s": 7.0, "total_s": 9.0}))["timings"]["apply_s"] == 7.0


def test_a_listing_holds_whole_environments():
    found = envelope(Outcome("list", environments=((environment(), record()),)))
    assert found["environments"] == [envelope(UP)["environment"]]


def test_the_envelope_is_json():
    assert json.loads(json.dumps(envelope(UP))) == envelope(UP)


# What a person reads


def test_a_pause_and_a_refresh_that_is_not_complete_are_told():
    since = NOW - timedelta(hours=3)
    paused = text(replace(UP, manifest=record(status="paused", paused_at=since, paused_by="schedule")))
    assert "  paused    for 3 h, by the schedule\n" in paused
    half = text(replace(UP, manifest=record(status="failed", replacing="cluster-OLD")))
    assert "is being replaced by that of this snapshot; `envctl up` completes it" in half


def test_the_summary_says_what_one_wants_to_know():
    assert text(UP).splitlines() == [
        "✓ ready  shop-pr-42  http://shop-pr-42.elb.example",
        "  snapshot  rds:shop-prod-2026-11-22-03-07, 6 h old, aurora-mysql 8.0.mysql_aurora.3.08.0",
        "            taken 2026-11-22T03:00:00Z of an Aurora cluster",
        "            chosen as the newest by original creation time, of 130 seen",
        "  data      restored 0 s ago (2026-11-22T09:00:00Z)",
        f"  commit    {'a' * 40}",
        "  database  shop-pr-42.cluster.example:3306",
        "  bastion   aws ssm start-session --target i-0123456789abcdef0 --region us-east-1",
        "  expires   in 3 d (2026-11-25T09:00:00Z)",
        "  changes   2 added, 1 not finished",
        "  slowest   module.database.aws_rds_cluster.this 1 min 1 s, module.network.aws_vpc.this 2 s",
        "  time      1 min 52 s (init 1 s, apply 1 min 50 s)",
        "  next      envctl show --pr 42 · envctl destroy --pr 42",
    ]


def test_an_unchanged_up_says_so():
    assert "  changes   none: everything is as it should be" in text(replace(UP, changes=Changes(), resources=()))


def test_after_a_failure_what_was_done_is_told_and_nothing_comes_next():
    resources = (
        resource("aws_a.x", "create", "done"),
        resource("aws_b.x", "update", "done"),
        resource("aws_c.x", "create", "failed"),
    )
    failed = replace(UP, error=EnvctlError(ExitCode.TERRAFORM, "No."), changes=Changes(7, 1), resources=resources)
    assert "changes   1 added, 1 changed, 1 not finished" in text(failed)
    assert "next" not in text(failed)


def test_a_failure_before_anything_was_done_promises_nothing():
    failed = replace(UP, error=EnvctlError(ExitCode.TERRAFORM, "No."), changes=Changes(7), resources=())
    assert "changes   none\n" in text(failed)


@pytest.mark.parametrize("status", sorted(report.SYMBOLS))
def test_a_status_is_a_symbol_and_a_word(status):
    first = text(replace(UP, manifest=record(status=status))).splitlines()[0]
    assert first.startswith(f"{report.SYMBOLS[status]} {status}")


def test_what_is_over_is_said_to_be_over():
    assert "expires   2 h ago" in text(replace(UP, manifest=record(expires_at=NOW - timedelta(hours=2))))


def test_an_environment_that_is_not_ready_says_what_happened_last():
    failed = record(status="failed", operation=Operation("up", NOW, NOW, "no room"))
    assert "  last      no room" in text(replace(UP, manifest=failed))


def test_after_destroy_there_is_no_url_and_nothing_is_left():
    gone = tuple(resource(f"aws_x.{number}", "delete", "done") for number in range(60))
    found = text(
        replace(UP, command="destroy", status="destroyed", changes=Changes(destroy=60), resources=gone, left=())
    )
    assert found.startswith("✓ destroyed  shop-pr-42\n")
    assert "60 destroyed" in found
    assert "✓ nothing in EC2, load balancing" in found
    assert "http" not in found


def test_what_is_left_is_named_by_arn():
    left = (Leftover("arn:aws:ec2:vpc/vpc-1", "ec2:vpc", "has the environment's tag"),)
    error = EnvctlError(ExitCode.NOT_CLEAN, "It is not gone.")
    found = text(replace(UP, command="destroy", left=left, error=error))
    assert "  left      ✗ 1" in found
    assert "    arn:aws:ec2:vpc/vpc-1 (has the environment's tag)" in found


def test_a_plan_lists_its_changes_and_sums_them_up():
    planned = tuple(resource(f"aws_x.{a}", a) for a in ("create", "update", "replace", "delete"))
    found = text(Outcome("plan", changes=Changes(1, 1, 1, 1), resources=planned, snapshot=pinned()))
    assert found.splitlines() == [
        "  + aws_x.create",
        "  ~ aws_x.update",
        "  ± aws_x.replace",
        "  - aws_x.delete",
        "Plan: 1 to add, 1 to change, 1 to replace, 1 to destroy.",
        "  snapshot  rds:shop-prod-2026-11-22-03-07, 6 h old "
        "(would be pinned: the newest by original creation time, of 130 seen)",
    ]


def test_a_plan_without_changes_says_so():
    assert text(Outcome("plan", changes=Changes())).startswith("✓ No changes")


def test_the_table_is_aligned():
    other = (environment(7), record(pr=7, status="failed", outputs={}))
    found = text(Outcome("list", environments=((environment(), record()), other)))
    assert found.splitlines() == [
        "PR   STATUS    DATA     EXPIRES  URL",
        "#42  ✓ ready   6 h old  in 3 d   http://shop-pr-42.elb.example",
        "#7   ✗ failed  6 h old  in 3 d   -",
    ]


def test_an_empty_table_is_a_sentence():
    assert text(Outcome("list", environments=())) == "There are no environments.\n"


def test_outputs_are_sorted_lines_whose_values_are_plain_or_json():
    values = {"url": "http://x", "port": 3306, "on": True, "ids": ["a"], "none": None}
    assert text(Outcome("outputs", outputs=values)).splitlines() == [
        'ids = ["a"]',
        "none = -",
        "on = true",
        "port = 3306",
        "url = http://x",
    ]


def test_a_check_that_failed_comes_with_its_hint():
    found = text(Outcome("doctor", checks=(Check("a", True, "fine"), Check("b", False, "bad", "Do this."))))
    assert found.splitlines() == ["✓ ok  a             fine", "✗ no  b             bad", f"{'':20}→ Do this."]


def test_an_error_is_a_paragraph():
    error = EnvctlError(ExitCode.TERRAFORM, "It failed.", "Try again.", "aws_vpc.this")
    assert report.failure(error) == "✗ It failed. [aws_vpc.this]\n  → Try again.\n"


def test_an_address_is_not_said_twice():
    error = EnvctlError(ExitCode.POLICY, "It would replace aws_vpc.this.", address="aws_vpc.this")
    assert report.failure(error) == "✗ It would replace aws_vpc.this.\n"


def test_colours_are_a_style_that_is_handed_in():
    assert report.text(UP, NOW, tagged).startswith("<green>✓ ready</>  <bold>shop-pr-42</>")
    assert report.failure(EnvctlError(ExitCode.USAGE, "No."), tagged) == "<red>✗</> No.\n"
    assert ARN not in text(UP)
