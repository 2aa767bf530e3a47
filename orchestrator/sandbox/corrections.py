"""Everything that moto 5.2.5 lacks or gets wrong for this job, in one place.

Each function below makes moto answer as AWS documents and says what AWS does, what moto does and
what breaks without it. None of them touches envctl or its Terraform: these run unchanged against a
real account. Only the last one is not a correction but the seed's way of telling states and ages.

When moto is upgraded, `tests/functional/test_sandbox_emulation.py` shows which are still needed.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.awslambda.models import LambdaFunction
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.utils import parse_user_data
from moto.elbv2.models import elbv2_backends
from moto.rds.exceptions import (
    InvalidDBClusterStateFault,
    InvalidDBInstanceStateError,
    InvalidParameterValue,
    RDSClientError,
)
from moto.rds.models import (
    DBCluster,
    DBInstance,
    DBInstanceClustered,
    DBParameterGroup,
    RDSBackend,
)
from moto.rds.responses import RDSResponse

from orchestrator.sandbox import engines

Original = Callable[..., Any]

# How the seed says what AWS decides by itself (see `seeded_snapshots`).
STATUS_TAG = "sandbox:status"
TYPE_TAG = "sandbox:type"
CREATED_TAG = "sandbox:created-at"
SEED_TAGS = frozenset({STATUS_TAG, TYPE_TAG, CREATED_TAG})


@functools.cache
def apply() -> None:
    """Correct the moto of this process; doing so again changes nothing."""
    for correction in CORRECTIONS:
        correction()


def around(owner: type, *names: str) -> Callable[[Original], Original]:
    """Replace each method of `owner` by `wrapper(original, self, ...)`."""

    def decorate(wrapper: Original) -> Original:
        for name in names:
            original = getattr(owner, name)

            def method(*args: Any, __original: Original = original, **kwargs: Any) -> Any:
                return wrapper(__original, *args, **kwargs)

            setattr(owner, name, functools.wraps(original)(method))
        return wrapper

    return decorate


def _tags(listed: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; moto spells `Key` in lower case inside EC2."""
    return {tag.get("Key") or tag["key"]: tag.get("Value", tag.get("value", "")) for tag in listed or []}


# --- RDS -------------------------------------------------------------------------------------------


def one_resource_id_per_instance() -> None:
    """Every DB instance has a DbiResourceId of its own; moto gives all of them the same constant.

    The provider reads instances by it: "couldn't find resource" as soon as there are two. It is
    derived from the ARN because moto makes a replica as a copy of its primary, and from when it was made
    because an instance that was deleted and made again is another one.
    """

    def resource_id(self: DBInstance) -> str:
        return "db-" + hashlib.sha256(f"{self.arn} {self.created}".encode()).hexdigest()[:26].upper()

    def keep(self: DBInstance, value: str) -> None:
        """Ignore the constant."""

    setattr(DBInstance, "dbi_resource_id", property(resource_id, keep))  # noqa: B010


def snapshots_found_by_arn() -> None:
    """Describe and restore take a snapshot's identifier or its ARN; moto, mostly, only the former."""

    @around(RDSBackend, "describe_db_cluster_snapshots", "describe_db_snapshots")
    def describe(
        original: Original,
        self: RDSBackend,
        db_cluster_identifier: str | None = None,
        db_snapshot_identifier: str | None = None,
        snapshot_type: str | None = None,
        filters: dict[str, Any] | None = None,
        *,
        db_instance_identifier: str | None = None,
    ) -> Any:
        source = db_cluster_identifier or db_instance_identifier
        return original(self, source, _name(db_snapshot_identifier), snapshot_type, filters)


def _name(identifier: str | None) -> str:
    """The identifier in arn:aws:rds:region:account:snapshot:IDENTIFIER (which may hold a colon itself)."""
    if identifier and identifier.startswith("arn:"):
        return identifier.split(":", 6)[6]
    return identifier or ""


def snapshots_come_in_pages() -> None:
    """Snapshot listings come in pages of MaxRecords (20-100, by default 100); moto sends all at once."""

    @around(RDSResponse, "describe_db_cluster_snapshots")
    def cluster_snapshots(original: Original, self: RDSResponse) -> ActionResult:
        found = original(self)._result["DBClusterSnapshots"]
        return _page(self.params, "DBClusterSnapshots", found, "db_cluster_snapshot_identifier")

    @around(RDSResponse, "describe_db_snapshots")
    def instance_snapshots(original: Original, self: RDSResponse) -> ActionResult:
        found = original(self)._result["DBSnapshots"]
        return _page(self.params, "DBSnapshots", found, "db_snapshot_identifier")


def _page(params: Mapping[str, Any], key: str, found: list[Any], identifier: str) -> ActionResult:
    size = int(params.get("MaxRecords") or 100)
    if not 20 <= size <= 100:
        raise InvalidParameterValue(f"Invalid value {size} for MaxRecords. Must be between 20 and 100")
    names = [getattr(each, identifier) for each in found]
    marker = params.get("Marker")
    if marker and marker not in names:
        raise InvalidParameterValue(f"Invalid marker: {marker}")
    start = names.index(marker) if marker else 0
    following = names[start + size : start + size + 1]
    return ActionResult({key: found[start : start + size], "Marker": following[0] if following else None})


def copies_name_their_source() -> None:
    """A copied cluster snapshot carries SourceDBClusterSnapshotArn; moto leaves it out.

    It is the only trace of a copy's real age: unlike a DB snapshot, a cluster snapshot has no
    OriginalSnapshotCreateTime in the API.
    """

    @around(RDSBackend, "copy_db_cluster_snapshot")
    def copy(original: Original, self: RDSBackend, **kwargs: Any) -> Any:
        made = original(self, **kwargs)
        source = self.get_db_cluster_snapshot(kwargs["source_db_cluster_snapshot_identifier"])
        made.source_db_cluster_snapshot_arn = source.arn
        return made


def only_available_snapshots_restore() -> None:
    """A snapshot that is not `available` cannot be restored; moto restores it."""

    @around(RDSBackend, "restore_db_cluster_from_snapshot")
    def cluster(original: Original, self: RDSBackend, from_snapshot_id: str, overrides: Any) -> Any:
        snapshot = self.cluster_snapshots.get(_name(from_snapshot_id))
        if snapshot and snapshot.status != "available":
            raise RDSClientError(
                "InvalidDBClusterSnapshotStateFault",
                f"The DB cluster snapshot {from_snapshot_id} is in state {snapshot.status}.",
            )
        return original(self, from_snapshot_id, overrides)

    @around(RDSBackend, "restore_db_instance_from_db_snapshot")
    def instance(original: Original, self: RDSBackend, from_snapshot_id: str, overrides: Any) -> Any:
        snapshot = self.database_snapshots.get(_name(from_snapshot_id))
        if snapshot and snapshot.status != "available":
            raise RDSClientError(
                "InvalidDBSnapshotState", f"The snapshot {from_snapshot_id} is in state {snapshot.status}."
            )
        return original(self, from_snapshot_id, overrides)


def restores_take_no_for_an_answer() -> None:
    """What a restore says to be `false` is false, and so is deletion protection where it says nothing; moto
    inherits both from production: a permanent difference, and an environment that cannot be destroyed.
    """

    @around(RDSBackend, "restore_db_cluster_from_snapshot", "restore_db_instance_from_db_snapshot")
    def restore(original: Original, self: RDSBackend, from_snapshot_id: str, overrides: Any) -> Any:
        database = original(self, from_snapshot_id, overrides)
        for name, value in {"deletion_protection": False, **overrides}.items():
            if value is False and hasattr(database, name):
                setattr(database, name, False)
        return database


def provisioned_clusters_do_not_scale() -> None:
    """ScalingConfigurationInfo belongs to Aurora Serverless v1; moto sends an empty one for every cluster,
    which is a permanent difference on `aws_rds_cluster`.
    """
    declared: Any = DBCluster.scaling_configuration_info

    def scaling_configuration_info(self: DBCluster) -> Any:
        return declared.fget(self) if self.scaling_configuration else None

    setattr(DBCluster, "scaling_configuration_info", property(scaling_configuration_info))  # noqa: B010


def clusters_take_iam_authentication_later() -> None:
    """ModifyDBCluster switches IAM authentication; moto stores the wish where nothing reads it, and every plan
    wishes it again.
    """

    @around(RDSBackend, "modify_db_cluster")
    def modify(original: Original, self: RDSBackend, kwargs: Any) -> Any:
        cluster, wanted = original(self, kwargs), kwargs.get("enable_iam_database_authentication")
        if wanted is not None:
            cluster.iam_auth = self.clusters[cluster.db_cluster_identifier].iam_auth = wanted
        return cluster


def set_parameters_have_source_user() -> None:
    """A parameter that someone set is listed with Source=user; moto keeps the engine's default source, and
    `aws_db_parameter_group` forgets its parameters (permanent difference).
    """

    @around(DBParameterGroup, "update_parameters")
    def update(original: Original, self: DBParameterGroup, new_parameters: Any) -> None:
        original(self, [{**parameter, "Source": "user"} for parameter in new_parameters])


def no_second_cluster_of_a_name() -> None:
    """Creating or restoring over an existing cluster is refused; moto silently replaces that cluster."""

    @around(RDSBackend, "create_db_cluster")
    def create(original: Original, self: RDSBackend, kwargs: Any) -> Any:
        if kwargs["db_cluster_identifier"] in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        return original(self, kwargs)


def automated_snapshots_go_with_their_cluster() -> None:
    """Deleting a cluster deletes its automated snapshots; moto keeps them, and the same cluster cannot be
    made again within that minute (DBClusterSnapshotAlreadyExistsFault).
    """

    @around(RDSBackend, "delete_db_cluster")
    def delete(original: Original, self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
        cluster = original(self, *args, **kwargs)
        for name, snapshot in list(self.cluster_snapshots.items()):
            if (
                snapshot.snapshot_type == "automated"
                and snapshot.db_cluster_identifier == cluster.db_cluster_identifier
            ):
                del self.cluster_snapshots[name]
        return cluster


def stopped_databases_are_left_alone() -> None:
    """A stopped cluster can be neither changed nor deleted, nor can its members; moto allows it, and a change
    starts it.
    """

    def refuse(self: RDSBackend, identifier: str) -> None:
        cluster = self.clusters.get(identifier)
        if cluster and cluster.status == "stopped":
            raise InvalidDBClusterStateFault(f"DbCluster {identifier} is in stopped state")

    @around(RDSBackend, "modify_db_cluster")
    def modify(original: Original, self: RDSBackend, kwargs: Any) -> Any:
        refuse(self, kwargs["db_cluster_identifier"])
        return original(self, kwargs)

    @around(RDSBackend, "delete_db_cluster")
    def delete(original: Original, self: RDSBackend, cluster_identifier: str, *args: Any, **kwargs: Any) -> Any:
        refuse(self, cluster_identifier)
        return original(self, cluster_identifier, *args, **kwargs)

    @around(RDSBackend, "delete_db_instance")
    def delete_member(original: Original, self: RDSBackend, db_instance_identifier: str, *args: Any, **kw: Any) -> Any:
        member = self.databases.get(db_instance_identifier)
        refuse(self, getattr(member, "db_cluster_identifier", None) or "")
        return original(self, db_instance_identifier, *args, **kw)


def instances_with_replicas_run() -> None:
    """RDS stops no instance that has a read replica; moto looks only whether it is one."""

    @around(RDSBackend, "stop_db_instance")
    def stop(original: Original, self: RDSBackend, db_instance_identifier: str, *args: Any, **kwargs: Any) -> Any:
        if self.describe_db_instances(db_instance_identifier)[0].replicas:
            raise InvalidDBInstanceStateError(db_instance_identifier, "stop")
        return original(self, db_instance_identifier, *args, **kwargs)


def cluster_members_have_no_snapshots() -> None:
    """Aurora is backed up as a cluster; moto also lists a DB snapshot for each of its instances."""

    def save_automated_backup(self: DBInstanceClustered) -> None:
        """Nothing to save."""

    setattr(DBInstanceClustered, "save_automated_backup", save_automated_backup)  # noqa: B010


def database_quotas() -> None:
    """DescribeAccountAttributes tells the quotas of RDS and their use; moto lacks it (HTTP 500). Limits are
    the defaults of "Quotas and constraints" in the Amazon RDS user guide.
    """

    def describe_account_attributes(self: RDSResponse) -> ActionResult:
        backend = self.backend
        quotas = (
            ("DBInstances", len(backend.databases), 40),
            ("DBClusters", len(backend.clusters), 40),
            ("DBSubnetGroups", len(backend.subnet_groups), 50),
        )
        told = [{"AccountQuotaName": name, "Used": used, "Max": most} for name, used, most in quotas]
        return ActionResult({"AccountQuotas": told})

    setattr(RDSResponse, "describe_account_attributes", describe_account_attributes)  # noqa: B010


def engines_are_described() -> None:
    """DescribeDBEngineVersions, DescribeDBMajorEngineVersions and DescribeOrderableDBInstanceOptions say what
    can be made; moto lacks the first two (HTTP 500) and has the third for two engines only.
    """

    def describe_db_engine_versions(self: RDSResponse) -> ActionResult:
        asked = self.params
        found = engines.versions(asked.get("Engine"), asked.get("EngineVersion"), bool(asked.get("IncludeAll")))
        return ActionResult({"DBEngineVersions": found})

    def describe_db_major_engine_versions(self: RDSResponse) -> ActionResult:
        found = engines.majors(self.params.get("Engine"), self.params.get("MajorEngineVersion"))
        return ActionResult({"DBMajorEngineVersions": found})

    def describe_orderable_db_instance_options(self: RDSResponse) -> ActionResult:
        asked = self.params
        found = engines.orderable(asked.get("Engine"), asked.get("EngineVersion"), asked.get("DBInstanceClass"))
        return ActionResult({"OrderableDBInstanceOptions": found})

    for operation in (
        describe_db_engine_versions,
        describe_db_major_engine_versions,
        describe_orderable_db_instance_options,
    ):
        setattr(RDSResponse, operation.__name__, operation)


# --- EC2 -------------------------------------------------------------------------------------------


def launch_template_keeps_its_own_tags() -> None:
    """TagSpecifications for the launch template itself (the provider's default_tags) are no part of its data;
    moto stores them there: a permanent difference, and a new version with every apply.
    """

    @around(LaunchTemplate, "create_version")
    def create_version(original: Original, self: LaunchTemplate, data: Any, description: str) -> Any:
        if "TagSpecifications" in data:
            data["TagSpecifications"] = [
                each for each in data["TagSpecifications"] if each.get("ResourceType") != "launch-template"
            ]
        return original(self, data, description)


def later_template_versions_have_user_data() -> None:
    """moto parses the user data of a template's first version only; an auto scaling group that launches from
    a later one dies with an AssertionError (HTTP 500).
    """

    @around(LaunchTemplate, "create_version")
    def create_version(original: Original, self: LaunchTemplate, data: Any, description: str) -> Any:
        if isinstance(data.get("UserData"), str):
            data["UserData"] = parse_user_data(data["UserData"])
        return original(self, data, description)


def rules_between_groups_have_a_description() -> None:
    """A security group rule that names another group has its description too; moto shows that of address
    ranges only (permanent difference).
    """

    def description(self: SecurityGroupRule) -> str | None:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    setattr(SecurityGroupRule, "description", property(description))  # noqa: B010


def nat_gateways_filtered_by_tag() -> None:
    """DescribeNatGateways filters by `tag:KEY` and `tag-key`; moto ignores both."""

    @around(EC2Backend, "describe_nat_gateways")
    def describe(original: Original, self: EC2Backend, filters: Any, nat_gateway_ids: Any) -> Any:
        found = original(self, filters, nat_gateway_ids)
        for name, wanted in (filters or {}).items():
            if name.startswith("tag:"):
                key = name.removeprefix("tag:")
                found = [nat for nat in found if _tags(nat.get_tags()).get(key) in wanted]
            elif name == "tag-key":
                found = [nat for nat in found if not _tags(nat.get_tags()).keys().isdisjoint(wanted)]
        return found


def nat_gateways_own_their_interfaces() -> None:
    """The interface of a NAT gateway is managed by its requester and says what it is; moto's looks like anybody's,
    and `destroy` takes it for a stranger.
    """

    @around(EC2Backend, "create_nat_gateway")
    def create_nat_gateway(original: Original, self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
        gateway = original(self, *args, **kwargs)
        gateway._eni.interface_type, gateway._eni.requester_managed = "nat_gateway", True
        return gateway


def interfaces_made_with_an_instance_end_with_it() -> None:
    """An interface that is made with an instance is deleted with it unless told otherwise (EC2 API reference,
    InstanceNetworkInterfaceSpecification); moto says so only when told so. `destroy` takes it for a stranger then.
    """

    @around(Instance, "prep_nics")
    def prep_nics(
        original: Original, self: Instance, nic_spec: list[dict[str, Any]], *args: Any, **kwargs: Any
    ) -> None:
        told = {int(spec["DeviceIndex"]): spec for spec in nic_spec}
        original(self, nic_spec, *args, **kwargs)
        for index, interface in self.nics.items():
            spec = told.get(index, {})
            if "NetworkInterfaceId" not in spec and spec.get("DeleteOnTermination") is not False:
                interface.delete_on_termination = True


def interfaces_go_with_their_owner() -> None:
    """The network interfaces of an ended instance or a deleted NAT gateway, and the network ACLs of a deleted
    VPC, are gone; moto keeps them.
    """

    @around(EC2Backend, "terminate_instances")
    def terminate(original: Original, self: EC2Backend, instance_ids: list[str]) -> Any:
        owned = [nic.id for i in self.get_multi_instances_by_id(instance_ids) for nic in i.nics.values()]
        ended = original(self, instance_ids)
        for interface in owned:
            self.enis.pop(interface, None)
        return ended

    @around(EC2Backend, "delete_nat_gateway")
    def delete_nat_gateway(original: Original, self: EC2Backend, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original: Original, self: EC2Backend, vpc_id: str) -> Any:
        vpc = original(self, vpc_id)
        for name, acl in list(self.network_acls.items()):
            if acl.vpc_id == vpc_id:
                del self.network_acls[name]
        return vpc


def ended_instances_leave_their_target_groups() -> None:
    """An instance that has ended is no target any more, whoever ended it; moto sees to that only when
    TerminateInstances was called, not when an auto scaling group shrinks or replaces its instances.
    """

    @around(EC2Backend, "terminate_instances")
    def terminate(original: Original, self: EC2Backend, instance_ids: list[str]) -> Any:
        ended = original(self, instance_ids)
        elbv2_backends[self.account_id][self.region_name].notify_terminate_instances(instance_ids)
        return ended


# --- Auto scaling ----------------------------------------------------------------------------------


def scaling_policies_are_enabled() -> None:
    """A scaling policy says Enabled unless switched off, and has no PredictiveScalingConfiguration unless it
    is one; moto leaves the first out and sends the second empty: both are permanent differences.
    """
    setattr(FakeScalingPolicy, "enabled", True)  # noqa: B010

    @around(FakeScalingPolicy, "__init__")
    def init(original: Original, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.predictive_scaling_configuration = self.predictive_scaling_configuration or None


def groups_remember_their_warmup() -> None:
    """DefaultInstanceWarmup is part of a group; moto drops it (permanent difference)."""

    @around(AutoScalingResponse, "create_auto_scaling_group", "update_auto_scaling_group")
    def write(original: Original, self: AutoScalingResponse) -> Any:
        answer = original(self)
        warmup = self._get_int_param("DefaultInstanceWarmup")
        if warmup is not None:
            _group(self).default_instance_warmup = warmup
        return answer


def _group(response: AutoScalingResponse) -> Any:
    groups: dict[str, FakeAutoScalingGroup] = response.autoscaling_backend.autoscaling_groups
    return groups[response._get_param("AutoScalingGroupName")]


def replacements_join_the_target_groups() -> None:
    """A group registers what it starts in place of a lost instance with its target groups; moto forgets."""

    @around(AutoScalingBackend, "notify_terminate_instances")
    def notify(original: Original, self: AutoScalingBackend, instance_ids: list[str]) -> None:
        original(self, instance_ids)
        for name in self.autoscaling_groups:
            self.update_attached_target_groups(name)


def instance_refresh() -> None:
    """StartInstanceRefresh and its relatives, which moto lacks: here a refresh replaces every instance at
    once and is Successful when the call returns.
    """

    def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
        group, started = _group(self), utcnow()
        for instance_id in [state.instance.id for state in group.instance_states]:
            self.autoscaling_backend.terminate_instance(instance_id, should_decrement=False)
        refresh = {
            "InstanceRefreshId": str(uuid.uuid4()),
            "AutoScalingGroupName": group.name,
            "Status": "Successful",
            "StartTime": started,
            "EndTime": utcnow(),
            "PercentageComplete": 100,
            "InstancesToUpdate": 0,
        }
        group.refreshes = [refresh, *getattr(group, "refreshes", [])]
        return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})

    def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
        wanted = self._get_param("InstanceRefreshIds", [])
        refreshes = getattr(_group(self), "refreshes", [])
        found = [each for each in refreshes if not wanted or each["InstanceRefreshId"] in wanted]
        return ActionResult({"InstanceRefreshes": found})

    def cancel_instance_refresh(self: AutoScalingResponse) -> ActionResult:
        raise AutoscalingClientError(
            "ActiveInstanceRefreshNotFound",
            f"No in progress or pending Instance Refresh found for Auto Scaling group {_group(self).name}",
        )

    for operation in (start_instance_refresh, describe_instance_refreshes, cancel_instance_refresh):
        setattr(AutoScalingResponse, operation.__name__, operation)


def scaling_quotas() -> None:
    """DescribeAccountLimits tells the quotas of auto scaling and their use; moto lacks it (HTTP 500). Limits
    are the defaults of "Quotas for Amazon EC2 Auto Scaling" in its user guide.
    """

    def describe_account_limits(self: AutoScalingResponse) -> ActionResult:
        backend = self.autoscaling_backend
        told = {
            "MaxNumberOfAutoScalingGroups": 500,
            "MaxNumberOfLaunchConfigurations": 200,
            "NumberOfAutoScalingGroups": len(backend.autoscaling_groups),
            "NumberOfLaunchConfigurations": len(backend.launch_configurations),
        }
        return ActionResult(told)

    setattr(AutoScalingResponse, "describe_account_limits", describe_account_limits)  # noqa: B010


# --- Lambda ----------------------------------------------------------------------------------------


def functions_remember_their_dead_letters() -> None:
    """DeadLetterConfig is part of a function; moto drops it (permanent difference on `aws_lambda_function`)."""

    @around(LambdaFunction, "__init__")
    def init(original: Original, self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.dead_letter_config = spec.get("DeadLetterConfig")
        original(self, account_id, spec, *args, **kwargs)

    @around(LambdaFunction, "update_configuration")
    def update(original: Original, self: Any, config_updates: dict[str, Any]) -> Any:
        self.dead_letter_config = config_updates.get("DeadLetterConfig", self.dead_letter_config)
        return original(self, config_updates)

    @around(LambdaFunction, "get_configuration")
    def configuration(original: Original, self: Any, *args: Any, **kwargs: Any) -> Any:
        told = original(self, *args, **kwargs)
        return told | {"DeadLetterConfig": self.dead_letter_config} if self.dead_letter_config else told


# --- Seeding ---------------------------------------------------------------------------------------


def seeded_snapshots() -> None:
    """Lets the seed make the snapshots of a past that never was.

    In AWS time passes, backups run by themselves and sometimes fail; here CreateDBClusterSnapshot and
    CreateDBSnapshot obey three tags, which are not kept: the type (an automated snapshot is named
    `rds:...`), the creation time and the status. As in AWS, a DB snapshot that is still `creating` has no
    creation time yet.
    """

    @around(RDSResponse, "create_db_cluster_snapshot")
    def create_cluster_snapshot(original: Original, self: RDSResponse) -> ActionResult:
        seeded = _seeded(self.params, "DBClusterSnapshot", self.backend.create_db_cluster_snapshot)
        return seeded or original(self)

    @around(RDSResponse, "create_db_snapshot")
    def create_snapshot(original: Original, self: RDSResponse) -> ActionResult:
        return _seeded(self.params, "DBSnapshot", self.backend.create_db_snapshot) or original(self)


def _seeded(params: Any, kind: str, create: Callable[..., Any]) -> ActionResult | None:
    told = _tags(params.get("Tags"))
    if told.keys().isdisjoint(SEED_TAGS):
        return None
    params["Tags"] = [tag for tag in params["Tags"] if tag["Key"] not in SEED_TAGS]
    if told.get(TYPE_TAG) == "automated":
        params["SnapshotType"] = "automated"
        params[f"{kind}Identifier"] = "rds:" + params[f"{kind}Identifier"]
    snapshot: Any = create(**params)
    if CREATED_TAG in told:
        created = datetime.fromisoformat(told[CREATED_TAG]).astimezone(UTC).replace(tzinfo=None)
        snapshot.created = snapshot.original_snapshot_create_time = created
    if STATUS_TAG in told:
        snapshot.status = told[STATUS_TAG]
        snapshot.percent_progress = 40
        if snapshot.status == "creating" and kind == "DBSnapshot":
            snapshot.created = snapshot.original_snapshot_create_time = None
    return ActionResult({kind: snapshot})


CORRECTIONS: tuple[Callable[[], None], ...] = (
    one_resource_id_per_instance,
    snapshots_found_by_arn,
    snapshots_come_in_pages,
    copies_name_their_source,
    only_available_snapshots_restore,
    restores_take_no_for_an_answer,
    provisioned_clusters_do_not_scale,
    clusters_take_iam_authentication_later,
    set_parameters_have_source_user,
    no_second_cluster_of_a_name,
    automated_snapshots_go_with_their_cluster,
    stopped_databases_are_left_alone,
    instances_with_replicas_run,
    cluster_members_have_no_snapshots,
    database_quotas,
    engines_are_described,
    launch_template_keeps_its_own_tags,
    later_template_versions_have_user_data,
    rules_between_groups_have_a_description,
    nat_gateways_filtered_by_tag,
    nat_gateways_own_their_interfaces,
    interfaces_made_with_an_instance_end_with_it,
    interfaces_go_with_their_owner,
    ended_instances_leave_their_target_groups,
    scaling_policies_are_enabled,
    groups_remember_their_warmup,
    replacements_join_the_target_groups,
    instance_refresh,
    scaling_quotas,
    functions_remember_their_dead_letters,
    seeded_snapshots,
)
