"""Situations of docs/operations.md: what AWS refuses, what has no room, and what envctl refuses on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from operations_stage import Stage
from test_source_parameter import NAME, publish, upgrade
from world import CLUSTER, LB, VPC, Result, database_gone, unwanted_replica

NOW = datetime.now(UTC).replace(microsecond=0)


def expired(stage: Stage) -> Result:
    return stage.up_with(fault="refuse", agent="Boto3*", nth=2, times=0, error="expired")


def too_short(stage: Stage) -> Result:
    stage.credentials_for(17)
    return stage.up()


def just_long_enough(stage: Stage) -> Result:
    stage.credentials_for(30)
    return stage.up()


def have_expired(stage: Stage) -> Result:
    stage.credentials_for(-1)
    return stage.up()


def refused_by_aws(stage: Stage) -> Result:
    return stage.up_with(
        fault="refuse", service="s3", agent="Boto3*", times=0, status=400, error="KMS.DisabledException"
    )


def out_of_reach(stage: Stage) -> Result:
    return stage.up_with(fault="reset", service="s3", agent="Boto3*", times=0)


def garbled(stage: Stage) -> Result:
    return stage.up_with(fault="rewrite", service="rds", agent="Boto3*", times=0, rewrite=(("</", "<"),))


def no_credentials(stage: Stage) -> Result:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        stage.patch.delenv(name)
    return stage.up()


def no_bucket(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_STATE__BUCKET", "nobody-has-this-one")
    return stage.up()


def apply_failed(stage: Stage) -> Result:
    stage.terraform.fail("apply", LB)
    return stage.up()


def destroy_failed(stage: Stage) -> Result:
    stage.up()
    stage.terraform.fail("destroy", LB)
    return stage.destroy()


def plan_failed(stage: Stage) -> Result:
    stage.up()
    stage.terraform.fail("plan", summary="Unsupported argument")
    return stage.up()


def init_failed(stage: Stage) -> Result:
    stage.terraform.fail("init", summary="Failed to query available provider packages")
    return stage.up()


def not_allowed(stage: Stage) -> Result:
    stage.terraform.fail("apply", LB, "creating Load Balancer", "AccessDenied: preview is not authorized to perform it")
    return stage.up()


def checks_failed(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_STATE__BUCKET", "nobody-has-this-one")
    return stage.envctl("doctor")


def full_account(stage: Stage) -> Result:
    stage.fill()
    return stage.up()


def quotas_untold(stage: Stage) -> Result:
    stage.fill()
    return stage.up_with(fault="refuse", service="servicequotas", times=0, error="denied")


def one_too_many(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    stage.envctl("up", "--pr", "41", "--yes")
    return stage.up()


def replaced(stage: Stage) -> Result:
    stage.up()
    stage.terraform.change(CLUSTER, replaces=True)
    return stage.up()


def moved(stage: Stage) -> Result:
    stage.up()
    stage.terraform.change(VPC, replaces=True)
    return stage.up()


def too_old(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__MAX_SNAPSHOT_AGE", "1s")
    return stage.up()


def no_snapshot(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__SOURCE", "shop-production")
    return stage.up()


def unfinished(stage: Stage) -> Result:
    stage.account.snapshot(timedelta(minutes=5), "half-made", status="creating")
    return stage.up("--snapshot", "half-made")


def nonesuch(stage: Stage) -> Result:
    return stage.up("--snapshot", "nonesuch")


def old_engine(stage: Stage) -> Result:
    upgrade(stage.account, "8.0.mysql_aurora.3.01.0")
    return stage.up()


def extended_support(stage: Stage) -> Result:
    upgrade(stage.account, "5.7.mysql_aurora.2.11.6")
    return stage.up()


def no_such_class(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__INSTANCE_CLASS", "db.t4g.micro")
    return stage.up()


def no_parameter(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__SOURCE_PARAMETER", "/envctl/latest")
    return stage.up()


def announced_is_gone(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__SOURCE_PARAMETER", NAME)
    id = publish(stage.account).split(":", 6)[6]
    stage.account.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=id)
    return stage.up()


def announced(stage: Stage, text: str) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__SOURCE_PARAMETER", NAME)
    stage.account.client("ssm").put_parameter(Name=NAME, Value=text, Type="String")
    return stage.up()


def other_data(stage: Stage) -> Result:
    stage.up()
    return stage.up("--snapshot", "before-migration")


def not_yet_complete(stage: Stage) -> Result:
    stage.account.record()
    return stage.envctl("refresh-data", "--pr", "42", "--yes")


def of_another_sort(stage: Stage) -> Result:
    stage.up()
    pinned = stage.account.manifest().snapshot
    stage.account.record(applied_at=NOW, snapshot=replace(pinned, engine="aurora-postgresql"))
    return stage.envctl("refresh-data", "--pr", "42", "--yes")


def more_than_data(stage: Stage) -> Result:
    with stage.account.restored("shop-pr-42") as cluster:
        stage.terraform.database(cluster)
        stage.up()
    stage.account.snapshot(timedelta(minutes=5), "newer")
    stage.terraform.change(LB)
    return stage.envctl("refresh-data", "--pr", "42", "--yes")


def which_database(stage: Stage) -> Result:
    stage.up()
    for name in ("users", "orders"):
        stage.account.instance(name)
    stage.account.snapshot(timedelta(minutes=5), "newer")
    return stage.envctl("refresh-data", "--pr", "42", "--yes")


def asleep(stage: Stage) -> Result:
    stage.up()
    stage.envctl("pause", "--pr", "42")
    return stage.envctl("refresh-data", "--pr", "42", "--yes")


def never_complete(stage: Stage) -> Result:
    stage.account.record()
    return stage.envctl("pause", "--pr", "42")


def half_destroyed(stage: Stage) -> Result:
    stage.account.record(applied_at=NOW, status="destroying")
    return stage.envctl("pause", "--pr", "42")


def half_refreshed(stage: Stage) -> Result:
    stage.account.record(applied_at=NOW, replacing="cluster-OLD")
    return stage.envctl("pause", "--pr", "42")


def database_deleted_by_hand(stage: Stage) -> Result:
    database_gone(stage.envctl, stage.terraform)
    return stage.envctl("pause", "--pr", "42")


def with_a_replica(stage: Stage) -> Result:
    stage.up()
    stage.account.instance("shop-pr-42")
    stage.account.instance("shop-pr-42-replica-1", source="shop-pr-42")
    return stage.envctl("pause", "--pr", "42")


def promoted(stage: Stage) -> Result:
    stage.account.promote(unwanted_replica(stage.envctl, stage.account, stage.terraform))
    return stage.up()


def not_healthy(stage: Stage) -> Result:
    stage.terraform.set(outputs={"url": {"value": "http://127.0.0.1:9/"}})
    return stage.up("--timeout", "1s")


def not_gone(stage: Stage) -> Result:
    stage.account.vpc("shop-pr-42")
    return stage.destroy("--no-sweep")


SITUATIONS: dict[str, Callable[[Stage], Result]] = {
    "AWS refused the credentials": expired,
    "The AWS credentials expire in …, and": too_short,
    "The AWS credentials expire in …; this": just_long_enough,
    "The AWS credentials have expired": have_expired,
    "AWS refused (…)": refused_by_aws,
    "AWS cannot be reached": out_of_reach,
    "An answer of AWS cannot be used": garbled,
    "There are no usable AWS credentials": no_credentials,
    "The bucket does not exist": no_bucket,
    "terraform apply: …": apply_failed,
    "terraform destroy: …": destroy_failed,
    "terraform plan: …": plan_failed,
    "terraform init: …": init_failed,
    "terraform apply: … is not authorized": not_allowed,
    "… of … checks failed": checks_failed,
    "The account has no room": full_account,
    "Not all quotas": quotas_untold,
    "limits.max_environments is …": one_too_many,
    "The plan would replace the database": replaced,
    "The plan would replace …, where": moved,
    "There is no usable snapshot of": too_old,
    "There is no usable snapshot named": unfinished,
    "There is no snapshot named": nonesuch,
    "There is no snapshot of": no_snapshot,
    "RDS does not restore": old_engine,
    "… is under RDS Extended Support": extended_support,
    "… cannot be ordered": no_such_class,
    "The parameter … does not exist": no_parameter,
    "The parameter … names": announced_is_gone,
    "The parameter … does not name": partial(announced, text="latest"),
    "The parameter … has version": partial(announced, text='{"version": 2}'),
    "The parameter … says that": partial(announced, text='{"version": 1, "arn": null}'),
    "shop-pr-42 was created from": other_data,
    "shop-pr-42 was never complete: it": not_yet_complete,
    "… is of another sort": of_another_sort,
    "The plan would not change the database alone": more_than_data,
    "shop-pr-42 has 2 databases": which_database,
    "shop-pr-42 is paused": asleep,
    "shop-pr-42 was never complete.": never_complete,
    "shop-pr-42 is being destroyed": half_destroyed,
    "The data of shop-pr-42 is being replaced": half_refreshed,
    "The database of shop-pr-42 is gone": database_deleted_by_hand,
    "RDS does not stop": with_a_replica,
    "… is no read replica any more": promoted,
    "shop-pr-42 is applied but not healthy": not_healthy,
    "shop-pr-42 is not gone": not_gone,
}
