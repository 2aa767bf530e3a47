"""RDS: snapshots, restores, clusters and instances, and what the engines can do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
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
from orchestrator.sandbox.corrections.tools import Original, around


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
