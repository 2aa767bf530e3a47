"""`up` is done when the site serves, and says why when it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from world import PREFIX, Account, Envctl, FakeTerraform, Result

from orchestrator import manifest as manifests


@dataclass
class Site:
    """A little web site, and the status that it answers."""

    url: str
    status: int = 200


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Site(f"http://127.0.0.1:{server.server_port}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def target_group(account: Account) -> str:
    """A target group that no instance has joined yet."""
    (vpc,) = account.client("ec2").describe_vpcs()["Vpcs"]
    made = account.client("elbv2").create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc["VpcId"])
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def up(envctl: Envctl, *more: str) -> Result:
    return envctl("up", "--pr", "42", "--yes", "--timeout", "1s", *more)


def test_a_site_that_answers_is_ready(envctl: Envctl, terraform: FakeTerraform, site: Site, account: Account) -> None:
    terraform.set(outputs={"url": {"value": site.url}})
    result = up(envctl, "--json")
    assert (result.code, result.json["environment"]["status"]) == (0, "ready")
    assert result.json["environment"]["url"] == site.url
    assert account.manifest().status == "ready"


def test_a_site_that_fails_is_unhealthy(envctl: Envctl, terraform: FakeTerraform, site: Site, account: Account) -> None:
    site.status = 503
    terraform.set(outputs={"url": {"value": site.url}})
    result = up(envctl, "--json")
    assert (result.code, result.json["error"]["code"], result.json["ok"]) == (6, "unhealthy", False)
    assert result.json["environment"]["status"] == "unhealthy"
    assert "the URL answers 503" in result.err
    assert account.manifest().status == "unhealthy"


def test_a_site_that_is_not_there_is_unhealthy(envctl: Envctl, terraform: FakeTerraform, site: Site) -> None:
    terraform.set(outputs={"url": {"value": "http://127.0.0.1:9/"}})
    result = up(envctl)
    assert result.code == 6
    assert "no answer" in result.err


def test_a_load_balancer_without_targets_is_unhealthy_whatever_the_site_says(
    envctl: Envctl, terraform: FakeTerraform, site: Site, target_group: str
) -> None:
    terraform.set(outputs={"url": {"value": site.url}, "target_group_arn": {"value": target_group}})
    result = up(envctl)
    assert result.code == 6
    assert "the load balancer has no targets" in result.err


def test_no_wait_does_not_look(envctl: Envctl, terraform: FakeTerraform, target_group: str) -> None:
    terraform.set(outputs={"target_group_arn": {"value": target_group}})
    result = up(envctl, "--no-wait")
    assert result.code == 0
    assert "healthy was not looked at" in result.out


def test_a_site_that_was_mended_is_ready_at_the_next_up(
    envctl: Envctl, terraform: FakeTerraform, site: Site, account: Account
) -> None:
    site.status = 503
    terraform.set(outputs={"url": {"value": site.url}})
    assert up(envctl).code == 6
    site.status = 200
    terraform.forget()
    assert (up(envctl).code, account.manifest().status) == (0, "ready")
    assert "apply" not in terraform.commands


def test_a_site_that_broke_is_told_by_an_up_without_changes(
    envctl: Envctl, terraform: FakeTerraform, site: Site, account: Account
) -> None:
    terraform.set(outputs={"url": {"value": site.url}})
    assert up(envctl).code == 0
    site.status = 500
    assert (up(envctl).code, account.manifest().status) == (6, "unhealthy")


def test_what_has_no_site_does_not_stay_unhealthy(envctl: Envctl, account: Account) -> None:
    """An interrupt right after the apply leaves the record so."""
    assert up(envctl).code == 0
    record = replace(account.manifest(), status="unhealthy")
    account.put(f"{PREFIX}pr-42/manifest.json", manifests.render(record))
    assert (up(envctl).code, account.manifest().status) == (0, "ready")
