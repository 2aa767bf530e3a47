import http.server
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from orchestrator.aws import health as looks
from orchestrator.aws.session import Session
from orchestrator.events import Notice
from orchestrator.lifecycle import health
from orchestrator.lifecycle.health import Health, judge

# The verdict on one look


@pytest.mark.parametrize(
    ("refresh", "targets", "answer", "reason"),
    [
        ("50 %", {"i-1": "healthy"}, "200", "instances are being replaced (50 %)"),
        (None, {}, "200", "the load balancer has no targets"),
        (None, {"i-1": "draining"}, "200", "the load balancer has no targets"),
        (
            None,
            {"i-2": "unhealthy (Target.Timeout)", "i-1": "healthy"},
            "200",
            "1 of 2 targets are not healthy: i-2 is unhealthy (Target.Timeout)",
        ),
        (None, {"i-1": "healthy"}, "502", "the URL answers 502"),
        (None, None, "no answer: timed out", "the URL gives no answer: timed out"),
    ],
)
def test_what_is_in_the_way_is_said(refresh, targets, answer, reason):
    assert judge(refresh, targets, answer) == Health(False, reason)


@pytest.mark.parametrize(
    ("targets", "answer"),
    [
        ({"i-1": "healthy"}, "200"),
        ({"i-1": "healthy", "i-0": "draining (Target.DeregistrationInProgress)"}, "200"),
        (None, "200"),
        ({"i-1": "healthy"}, None),
        (None, None),
    ],
)
def test_what_serves_is_healthy(targets, answer):
    assert judge(None, targets, answer) == Health(True)


# The wait


@dataclass
class World:
    """A load balancer whose targets get well after some looks, and a clock that only sleeping moves."""

    well_after: int
    refreshing: int = 0
    failed: str = ""
    looked: int = 0
    now_s: float = 0.0
    told: list = field(default_factory=list)

    def make(self, service):
        return {
            "elbv2": SimpleNamespace(describe_target_health=self.target_health),
            "autoscaling": SimpleNamespace(describe_instance_refreshes=self.refreshes),
        }[service]

    def target_health(self, TargetGroupArn):
        self.looked += 1
        health = (
            {"State": "healthy"} if self.looked > self.well_after else {"State": "initial", "Reason": "Elb.Initial"}
        )
        return {"TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": health}]}

    def refreshes(self, AutoScalingGroupName, MaxRecords):
        self.refreshing -= 1
        status = self.failed or ("InProgress" if self.refreshing >= 0 else "Successful")
        return {"InstanceRefreshes": [{"Status": status, "PercentageComplete": 50, "StatusReason": "unhealthy."}]}

    def sleep(self, seconds):
        self.now_s += seconds

    def wait(self, timeout_s=60.0, **outputs):
        context = SimpleNamespace(
            session=Session("us-east-1", self.make),
            watch=SimpleNamespace(clock=lambda: self.now_s),
            emit=self.told.append,
            sleep=self.sleep,
        )
        return health.wait_until_healthy(context, {"target_group_arn": "arn", **outputs}, timeout_s)


def test_it_looks_until_all_is_well_and_says_what_it_waits_for_once():
    world = World(well_after=4)
    assert world.wait() == Health(True)
    assert world.looked == 5
    assert world.now_s == 4 * health.POLL_S
    assert world.told == [Notice("Waiting: 1 of 1 targets are not healthy: i-1 is initial (Elb.Initial).")]


def test_it_gives_up_in_time_and_says_why():
    world = World(well_after=999)
    assert world.wait(timeout_s=12).reason.startswith("1 of 1 targets are not healthy")
    assert world.now_s <= 12


def test_without_any_time_it_still_looks_once():
    assert World(well_after=0).wait(timeout_s=0) == Health(True)


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"])
def test_a_rollout_that_failed_is_not_ready_however_well_the_old_instances_are(status):
    world = World(well_after=0, failed=status)
    found = world.wait(autoscaling_group_name="shop-pr-42")
    assert (found.ok, world.looked, world.now_s) == (False, 0, 0)
    assert f"the old instances still serve ({status}: unhealthy)" in found.reason


def test_instances_that_are_being_replaced_come_first():
    world = World(well_after=0, refreshing=2)
    assert world.wait(autoscaling_group_name="shop-pr-42") == Health(True)
    assert world.looked == 1
    assert world.told == [Notice("Waiting: instances are being replaced (50 %).")]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [({}, False), ({"url": None}, False), ({"url": "http://x"}, True), ({"target_group_arn": "arn"}, True)],
)
def test_a_root_module_without_a_site_has_nothing_to_wait_for(outputs, expected):
    assert health.has_site(outputs) is expected


# The URL


@pytest.fixture
def site():
    """A site whose path says what it answers: /200, /503, /nothing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/nothing":
                self.connection.close()
                return
            self.send_response(int(self.path[1:]))
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", ["200", "404", "503"])
def test_the_sites_status_is_its_answer(site, status):
    assert looks.answer(f"{site}/{status}") == status


def test_a_site_that_hangs_up_gives_no_answer(site):
    assert looks.answer(f"{site}/nothing").startswith("no answer: ")


def test_a_site_that_is_not_there_gives_no_answer():
    assert looks.answer("http://127.0.0.1:1/") == "no answer: [Errno 111] Connection refused"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", ""])
def test_only_the_web_is_asked(url):
    assert looks.answer(url) == "not an http(s) URL"
