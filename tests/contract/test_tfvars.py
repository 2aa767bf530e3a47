"""What the orchestrator writes is what terraform/env declares: a key too many fails each run, one too few misleads."""

import re
from datetime import UTC, datetime

import pytest

from orchestrator import identity, inputs
from orchestrator.aws.foundation import Foundation
from orchestrator.aws.session import Session
from orchestrator.config import Config
from orchestrator.lifecycle import bootstrap
from orchestrator.manifest import PinnedSnapshot
from orchestrator.snapshots import Snapshot, SnapshotChoice

DECLARATION = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
OBJECT = re.compile(r"^  type = object\(\{\n(.*?)^  \}\)", re.MULTILINE | re.DOTALL)
ATTRIBUTE = re.compile(r"^    (\w+) += (\S.*)$", re.MULTILINE)
CONFIG = Config.model_validate(
    {
        "project": {"name": "shop", "repository": "acme/shop"},
        "state": {"bucket": "acme-preview-state"},
        "database": {"source": "shop-prod"},
    }
)
# Settings of a team's own root; the orchestrator leaves them to their defaults.
NOT_WRITTEN = {"bastion": {"instance_type"}}


@pytest.fixture(scope="module")
def declared(checkout):
    """{variable: its text} of the root module."""
    return dict(DECLARATION.findall((checkout / "terraform" / "env" / "variables.tf").read_text()))


@pytest.fixture(scope="module")
def written():
    snapshot = Snapshot("arn", "id", "cluster", "s", "manual", "available", "e", "v", datetime.now(UTC))
    pinned = PinnedSnapshot.of(SnapshotChoice(snapshot, "test"))
    return inputs.tfvars(identity.identify(42, CONFIG, "us-east-1"), CONFIG, pinned, None)


def test_the_variables_are_those_that_are_declared(declared, written):
    assert written.keys() == declared.keys()


@pytest.mark.parametrize("name", ["network", "web", "database", "bastion"])
def test_the_attributes_are_those_that_are_declared(declared, written, name):
    attributes = dict(ATTRIBUTE.findall(OBJECT.search(declared[name])[1]))
    assert written[name].keys() == attributes.keys() - NOT_WRITTEN.get(name, set())


@pytest.mark.parametrize("name", ["network", "web", "database", "bastion"])
def test_what_is_not_written_is_optional(declared, written, name):
    attributes = dict(ATTRIBUTE.findall(OBJECT.search(declared[name])[1]))
    for attribute in attributes.keys() - written[name].keys():
        assert attributes[attribute].startswith("optional(")
    for attribute, value in written[name].items():
        assert value is not None or attributes[attribute].startswith("optional(")


def test_every_variable_says_what_fills_it(declared):
    for name, text in declared.items():
        assert re.search(r'^  description = "\S.{10,}"$', text, re.MULTILINE), name


def test_every_output_that_the_orchestrator_reads_by_name_is_declared(checkout):
    text = "".join((checkout / "terraform" / root / "outputs.tf").read_text() for root in ("env", "bootstrap"))
    declared = set(re.findall(r'^output "(\w+)"', text, re.MULTILINE))
    read = {"autoscaling_group_name", "target_group_arn", "url"}  # health.py reads these in a loop
    for path in (checkout / "orchestrator").rglob("*.py"):
        read |= set(re.findall(r'outputs(?:\.get\(|\[)"(\w+)"', path.read_text()))
    assert read - declared == set()


def test_all_roots_pin_the_same_provider(checkout):
    locks = [
        (checkout / "terraform" / root / ".terraform.lock.hcl").read_bytes()
        for root in ("env", "production", "bootstrap")
    ]
    assert locks[0] == locks[1] == locks[2]


# The root that is applied once for each account.


@pytest.fixture(scope="module")
def bootstrap_written():
    trusted = bootstrap.Trusted("1001", "2002", kms_key_arns=("arn:aws:kms:us-east-1:123456789012:key/1",))
    session = Session("us-east-1")
    context = bootstrap.Bootstrap(CONFIG, trusted, None, session, None, None, print)
    return bootstrap.tfvars(context, Foundation())


@pytest.fixture(scope="module")
def bootstrap_declared(checkout):
    return dict(DECLARATION.findall((checkout / "terraform" / "bootstrap" / "variables.tf").read_text()))


def test_the_bootstraps_variables_are_those_that_are_declared(bootstrap_declared, bootstrap_written):
    # How long a session may last is left to the root's default.
    assert bootstrap_written.keys() == bootstrap_declared.keys() - {"max_session_hours"}


@pytest.mark.parametrize("name", ["github", "production", "adopt"])
def test_the_bootstraps_attributes_are_those_that_are_declared(bootstrap_declared, bootstrap_written, name):
    assert bootstrap_written[name].keys() == dict(ATTRIBUTE.findall(OBJECT.search(bootstrap_declared[name])[1])).keys()


@pytest.mark.parametrize("root", ["env", "bootstrap", "production"])
def test_every_root_repeats_requests_as_often_as_it_is_told_and_25_times_by_default(checkout, root):
    directory = checkout / "terraform" / root
    variable = dict(DECLARATION.findall((directory / "variables.tf").read_text()))["provider_max_retries"]
    assert re.search(r"^  default +=  *25$", variable, re.MULTILINE)
    assert re.search(
        r"^  max_retries += var\.provider_max_retries$", (directory / "versions.tf").read_text(), re.MULTILINE
    )
