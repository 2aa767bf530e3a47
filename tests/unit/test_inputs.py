import json

import pytest
from builders import ARN, config, environment, pinned

from orchestrator import inputs


def tfvars(commit="a" * 40, snapshot=None, **sections):
    return inputs.tfvars(environment(42, **sections), config(**sections), snapshot or pinned(), commit)


def test_identity_and_commit_are_handed_over():
    found = tfvars()
    assert (found["name"], found["region"], found["commit"]) == ("shop-pr-42", "us-east-1", "a" * 40)
    assert found["tags"]["envctl:environment"] == "shop-pr-42"


def test_the_database_is_that_of_the_pinned_snapshot():
    database = tfvars(snapshot=pinned(kind="instance", engine="postgres", engine_version="16.4"))["database"]
    assert database["kind"] == "instance"
    assert database["snapshot_arn"] == ARN + "rds:shop-prod-2026-11-22-03-07"
    assert (database["engine"], database["engine_version"]) == ("postgres", "16.4")


def test_the_sections_reach_the_variables_of_their_name():
    found = tfvars(
        network={"nat": "none"},
        web={"cpu_target": 35},
        bastion={"enabled": False},
        database={"replicas": 3},
        terraform={"max_retries": 2},
    )
    assert found["network"]["nat"] == "none"
    assert found["web"]["cpu_target"] == 35
    assert found["bastion"] == {"enabled": False}
    assert found["database"]["replicas"] == 3
    assert found["provider_max_retries"] == 2


def test_the_site_of_a_pull_request_or_of_a_commit_has_its_name():
    found = tfvars(commit="b" * 40, web={"artifact": "s3://sites/{pr}/{commit}.tar.gz"})
    assert found["web"]["artifact"] == f"s3://sites/42/{'b' * 40}.tar.gz"


def test_a_destroy_that_knows_no_commit_names_a_site_all_the_same():
    assert (
        tfvars(commit=None, web={"artifact": "s3://sites/{commit}.tgz"})["web"]["artifact"] == "s3://sites/unknown.tgz"
    )


def test_an_unknown_commit_is_empty():
    assert tfvars(commit=None)["commit"] == ""


@pytest.mark.parametrize(
    ("instance_class", "expected"), [("db.serverless", (0.5, 4.0)), ("db.t4g.medium", (None, None))]
)
def test_capacities_are_for_serverless_only(instance_class, expected):
    database = tfvars(database={"instance_class": instance_class})["database"]
    assert (database["min_capacity"], database["max_capacity"]) == expected


def test_equal_values_give_equal_bytes_that_are_json():
    values = tfvars()
    text = inputs.render_tfvars(values)
    assert text == inputs.render_tfvars(dict(reversed(values.items())))
    assert json.loads(text) == values


def test_the_backend_locks_and_encrypts():
    assert inputs.backend(environment(), path_style=False) == {
        "bucket": "acme-preview-state",
        "key": "environments/acme/shop/pr-42/terraform.tfstate",
        "region": "us-east-1",
        "encrypt": True,
        "use_lockfile": True,
    }


def test_an_endpoint_of_ones_own_has_paths_instead_of_hosts():
    assert inputs.backend(environment(), path_style=True)["use_path_style"] is True


def test_the_backend_is_written_as_hcl():
    assert inputs.render_backend({"bucket": "b", "encrypt": True}) == 'bucket = "b"\nencrypt = true\n'
