"""What the orchestrator writes is what terraform/env declares: a key too many fails each run, one too few misleads."""

import re
from datetime import UTC, datetime

import pytest

from orchestrator import identity, inputs
from orchestrator.config import Config
from orchestrator.manifest import PinnedSnapshot
from orchestrator.snapshots import Snapshot, SnapshotChoice

DECLARATION = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
OBJECT = re.compile(r"^  type = object\(\{\n(.*?)^  \}\)", re.MULTILINE | re.DOTALL)
ATTRIBUTE = re.compile(r"^    (\w+) += (\S.*)$", re.MULTILINE)
# Settings of a team's own root; the orchestrator leaves them to their defaults.
NOT_WRITTEN = {"bastion": {"instance_type"}}


@pytest.fixture(scope="module")
def declared(checkout):
    """{variable: its text} of the root module."""
    return dict(DECLARATION.findall((checkout / "terraform" / "env" / "variables.tf").read_text()))


@pytest.fixture(scope="module")
def written():
    config = Config.model_validate(
        {
            "project": {"name": "shop", "repository": "acme/shop"},
            "state": {"bucket": "acme-preview-state"},
            "database": {"source": "shop-prod"},
        }
    )
    snapshot = Snapshot("arn", "id", "cluster", "s", "manual", "available", "e", "v", datetime.now(UTC))
    pinned = PinnedSnapshot.of(SnapshotChoice(snapshot, "test"))
    return inputs.tfvars(identity.identify(42, config, "us-east-1"), config, pinned, None)


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
    declared = set(re.findall(r'^output "(\w+)"', (checkout / "terraform/env/outputs.tf").read_text(), re.MULTILINE))
    read = {"autoscaling_group_name", "target_group_arn", "url"}  # health.py reads these in a loop
    for path in (checkout / "orchestrator").rglob("*.py"):
        read |= set(re.findall(r'outputs(?:\.get\(|\[)"(\w+)"', path.read_text()))
    assert read - declared == set()


def test_both_roots_pin_the_same_provider(checkout):
    locks = [(checkout / "terraform" / root / ".terraform.lock.hcl").read_bytes() for root in ("env", "production")]
    assert locks[0] == locks[1]
