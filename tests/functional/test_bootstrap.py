"""`envctl bootstrap` against an emulated account: what is there is seen, nothing is made before it was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from world import Account, Envctl, FakeTerraform, Result

IDS = ("--owner-id", "1001", "--repository-id", "2002")
NEW = "acme-new-state"
OUTPUTS = {
    "role_arns": {"value": {name: f"arn:aws:iam::1:role/envctl/shop-{name}" for name in ("preview", "reaper", "plan")}},
    "permissions_boundary_arn": {"value": "arn:aws:iam::1:policy/envctl/shop-instances"},
    "bucket": {"value": NEW},
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(autouse=True)
def root(envctl: Envctl, terraform: FakeTerraform) -> None:
    directory = envctl.directory / "terraform" / "bootstrap"
    directory.mkdir()
    (directory / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    terraform.set(resources={"aws_iam_role.workflow": {"type": "aws_iam_role"}}, outputs=OUTPUTS)


@pytest.fixture
def bootstrap(envctl: Envctl) -> Any:
    return lambda *arguments: envctl("bootstrap", *IDS, "--bucket", NEW, *arguments)


def values(envctl: Envctl) -> dict[str, Any]:
    """The variables that Terraform was given."""
    text = (envctl.directory / ".envctl" / "bootstrap" / "terraform.tfvars.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def buckets(account: Account) -> list[str]:
    return [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]


def usage(found: Result, said: str) -> None:
    assert found.code == 2
    assert said in found.err


def test_an_empty_account(bootstrap: Any, envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    found = bootstrap("--yes")
    assert found.code == 0, found.err
    s3 = account.client("s3")
    assert s3.get_bucket_versioning(Bucket=NEW)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=NEW)["PublicAccessBlockConfiguration"].values())
    # The plan was shown before it was applied, and the apply locked the state, which no record of ours guards.
    assert "+ aws_iam_role.workflow" in found.err
    assert terraform.commands == ["init", "plan", "apply"]
    assert "-lock=false" not in terraform.the("apply").argv
    assert s3.get_object(Bucket=NEW, Key="bootstrap/terraform.tfstate")
    given = values(envctl)
    assert given["github"] == {
        "repository": "acme/shop",
        "owner_id": "1001",
        "repository_id": "2002",
        "default_branch": "main",
        "provider_arn": None,
    }
    assert given["production"]["source"] == "shop-prod"
    assert given["adopt"]["bucket"] is True
    for name in ("preview", "reaper", "plan"):
        assert f"arn:aws:iam::1:role/envctl/shop-{name}" in found.out
    assert 'permissions_boundary_arn = "arn:aws:iam::1:policy/envctl/shop-instances"' in found.out


def test_again_nothing_changes(bootstrap: Any, terraform: FakeTerraform) -> None:
    bootstrap("--yes")
    terraform.forget()
    again = bootstrap("--yes", "--json")
    assert again.code == 0
    assert again.json["outputs"]["bucket"] == NEW
    assert not any(again.json["changes"].values())
    assert "apply" not in terraform.commands


def test_nothing_is_made_without_a_yes(bootstrap: Any, account: Account, terraform: FakeTerraform) -> None:
    usage(bootstrap(), "There is nobody to ask here.")
    assert NEW not in buckets(account)
    assert terraform.commands == []


def test_a_plan_makes_nothing(bootstrap: Any, account: Account, envctl: Envctl, terraform: FakeTerraform) -> None:
    found = bootstrap("--plan")
    assert found.code == 0
    assert "The bucket is made first." in found.out
    assert NEW not in buckets(account)
    account.client("s3").create_bucket(Bucket=NEW)
    assert "+ aws_iam_role.workflow" in bootstrap("--plan").out
    assert terraform.commands == ["init", "plan"]
    assert not (envctl.directory / ".envctl" / "bootstrap" / "saved.tfplan").exists()


def test_a_bucket_that_is_there_is_taken_over(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    account.client("s3").put_object(Bucket="acme-preview-state", Key="environments/x", Body=b"kept")
    assert envctl("bootstrap", *IDS, "--yes").code == 0
    assert "environments/x" in account.objects()


def test_a_bucket_elsewhere_is_refused(bootstrap: Any, account: Account, terraform: FakeTerraform) -> None:
    account.client("s3").create_bucket(Bucket=NEW, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    usage(bootstrap("--yes"), f"The bucket {NEW} is in eu-north-1, not in us-east-1.")
    assert terraform.commands == []


def test_a_bucket_of_another_project_is_refused(bootstrap: Any, account: Account, terraform: FakeTerraform) -> None:
    account.client("s3").create_bucket(Bucket=NEW)
    tags = {"TagSet": [{"Key": "envctl:bootstrap", "Value": "billing"}]}
    account.client("s3").put_bucket_tagging(Bucket=NEW, Tagging=tags)
    usage(bootstrap("--yes"), f"The bucket {NEW} is that of another project, billing.")
    assert terraform.commands == []


@pytest.mark.parametrize(("owner", "place"), [("shop", "adopt"), ("billing", "github"), (None, "github")])
def test_the_accounts_oidc_provider(
    bootstrap: Any, envctl: Envctl, account: Account, owner: str | None, place: str
) -> None:
    """Another's is used and left alone; one that an earlier run of this project made is taken over."""
    made = account.client("iam").create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com",
        ClientIDList=["sts.amazonaws.com"],
        Tags=[{"Key": "envctl:bootstrap", "Value": owner}] if owner else [],
    )["OpenIDConnectProviderArn"]
    assert bootstrap("--yes").code == 0
    given = values(envctl)
    assert {name: given[name]["provider_arn"] for name in ("adopt", "github")} == {"adopt": None, "github": None} | {
        place: made
    }


def test_what_a_killed_run_made_is_taken_over(bootstrap: Any, envctl: Envctl, account: Account) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="shop-plan", Path="/envctl/", AssumeRolePolicyDocument=TRUST)
    iam.create_role(RoleName="shop-preview", AssumeRolePolicyDocument=TRUST)  # not ours: another path
    iam.create_role(RoleName="shop-2-reaper", Path="/envctl/", AssumeRolePolicyDocument=TRUST)  # another project's
    allow = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for name in ("shop-look", "shop-instances"):
        iam.create_policy(PolicyName=name, Path="/envctl/", PolicyDocument=document)
    key = account.client("kms").create_key(Tags=[{"TagKey": "envctl:bootstrap", "TagValue": "shop"}])["KeyMetadata"]
    assert bootstrap("--yes").code == 0
    adopted = values(envctl)["adopt"]
    assert adopted["roles"] == ["plan"]
    assert adopted["policies"] == ["instances", "look"]
    assert adopted["key_id"] == key["KeyId"]


def test_a_failed_apply(bootstrap: Any, terraform: FakeTerraform) -> None:
    terraform.fail("apply", "aws_iam_role.workflow", "creating IAM Role", "EntityAlreadyExists")
    found = bootstrap("--yes", "--json")
    assert found.code == 4
    assert found.json["error"]["address"] == "aws_iam_role.workflow"
    assert bootstrap("--yes").code == 4
    terraform.set(fail={})
    assert bootstrap("--yes").code == 0


def test_githubs_numbers_must_be_known(envctl: Envctl, account: Account) -> None:
    found = envctl("bootstrap", "--bucket", NEW, "--yes")
    usage(found, "GitHub's numbers of acme/shop")
    assert "gh api repos/acme/shop" in found.err
    assert NEW not in buckets(account)


@pytest.mark.parametrize(("repository", "code"), [("acme/shop", 0), ("acme/other", 2)])
def test_a_job_knows_the_numbers_of_its_own_repository(
    envctl: Envctl, monkeypatch: pytest.MonkeyPatch, repository: str, code: int
) -> None:
    for name, value in {"": repository, "_ID": "2002", "_OWNER_ID": "1001"}.items():
        monkeypatch.setenv(f"GITHUB_REPOSITORY{name}", value)
    assert envctl("bootstrap", "--bucket", NEW, "--yes").code == code


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--owner-id", "*"),
        ("--owner-id", "acme"),
        ("--repository-id", "0"),
        ("--repository-id", "2002:*"),
        ("--default-branch", "*"),
        ("--default-branch", 'main"'),
        ("--kms-key", "alias/production"),
        ("--repository", "acme/*"),
        ("--bucket", "Not A Bucket"),
        ("--source", "*"),
    ],
)
def test_what_could_mean_more_is_refused(bootstrap: Any, account: Account, option: str, value: str) -> None:
    found = bootstrap("--yes", option, value)
    assert found.code == 2
    assert "Traceback" not in found.err
    assert NEW not in buckets(account)


def test_an_artifacts_bucket_and_keys_reach_the_policies(
    bootstrap: Any, envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_WEB__ARTIFACT", "s3://acme-sites/shop/site.tar.gz")
    key = "arn:aws:kms:us-east-1:123456789012:key/1a2b"
    assert bootstrap("--yes", "--kms-key", key).code == 0
    production = values(envctl)["production"]
    assert production["artifact_buckets"] == ["acme-sites"]
    assert production["kms_key_arns"] == [key]


def test_without_its_root_module(bootstrap: Any, envctl: Envctl, account: Account) -> None:
    usage(bootstrap("--yes", "--root", str(envctl.directory / "nowhere")), "There is no Terraform root module")
    assert NEW not in buckets(account)
