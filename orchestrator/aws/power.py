"""What of an environment can be stopped and started: its databases and single instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.aws.found import REPOSITORY_TAG, TAG, pages, tags_in
from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.identity import Environment
from orchestrator.snapshots import Kind

_OTHERS = ("docdb", "neptune")


@dataclass(frozen=True)
class Database:
    """A cluster or an instance of an environment; `resource_id` is AWS's own, which no other database ever has.

    `cluster` is the cluster that an instance belongs to, `replica_of` the instance or cluster whose data it follows.
    """

    kind: Kind
    id: str
    arn: str
    resource_id: str
    status: str
    cluster: str | None = None
    replica_of: str | None = None
    has_replicas: bool = False
    engine: str = ""

    @property
    def type(self) -> str:
        """Return what an inventory calls its type."""
        return "rds:DBCluster" if self.kind == "cluster" else "rds:DBInstance"

    @property
    def relational(self) -> bool:
        """Return whether it is RDS's own: no other comes from a snapshot of ours, or is in a state as one of RDS."""
        return self.engine not in _OTHERS

    @property
    def holds_data(self) -> bool:
        """Return whether data is lost with it: a cluster's members and read replicas only show that of another."""
        return self.cluster is None and self.replica_of is None


def databases(session: Session, environment: Environment) -> tuple[Database, ...]:
    """Return every cluster and instance that carries the environment's tags, those under way included.

    DocumentDB and Neptune answer in RDS's name too, and let it stop and start their clusters.
    """
    rds = session.client("rds")
    with translated(f"looking at the databases of {environment.name}"):
        clusters = [
            Database(
                "cluster",
                raw["DBClusterIdentifier"],
                raw["DBClusterArn"],
                raw["DbClusterResourceId"],
                raw["Status"],
                engine=raw.get("Engine", ""),
            )
            for raw in pages(rds, "describe_db_clusters", "DBClusters")
            if _of(raw, environment)
        ]
        instances = [
            Database(
                "instance",
                raw["DBInstanceIdentifier"],
                raw["DBInstanceArn"],
                raw["DbiResourceId"],
                raw["DBInstanceStatus"],
                cluster=raw.get("DBClusterIdentifier"),
                replica_of=raw.get("ReadReplicaSourceDBInstanceIdentifier")
                or raw.get("ReadReplicaSourceDBClusterIdentifier"),
                has_replicas=bool(raw.get("ReadReplicaDBInstanceIdentifiers")),
                engine=raw.get("Engine", ""),
            )
            for raw in pages(rds, "describe_db_instances", "DBInstances")
            if _of(raw, environment)
        ]
    return (*clusters, *instances)


def with_data(found: Iterable[Database]) -> tuple[Database, ...]:
    """Return all of `found` that hold data and are not being deleted already, DocumentDB and Neptune included. Pure."""
    return tuple(each for each in found if each.holds_data and each.status != "deleting")


def standing(found: Iterable[Database]) -> tuple[Database, ...]:
    """Return RDS's own of `found` that hold data and are not being deleted already. Pure."""
    return tuple(each for each in with_data(found) if each.relational)


def _of(raw: dict[str, object], environment: Environment) -> bool:
    tags = tags_in(raw.get("TagList"))  # type: ignore[arg-type]  # the list of keys and values that RDS sends
    return tags.get(TAG) == environment.name and tags.get(REPOSITORY_TAG) == environment.repository


def stop_database(session: Session, database: Database) -> None:
    """Ask RDS to stop it; that takes minutes. Raises EnvctlError when it refuses."""
    rds = session.client("rds")
    with translated(f"stopping the database {database.id}"):
        if database.kind == "cluster":
            rds.stop_db_cluster(DBClusterIdentifier=database.id)
        else:
            rds.stop_db_instance(DBInstanceIdentifier=database.id)


def start_database(session: Session, database: Database) -> None:
    """Ask RDS to start it; that takes minutes. Raises EnvctlError when it refuses."""
    rds = session.client("rds")
    with translated(f"starting the database {database.id}"):
        if database.kind == "cluster":
            rds.start_db_cluster(DBClusterIdentifier=database.id)
        else:
            rds.start_db_instance(DBInstanceIdentifier=database.id)


def stop_instance(session: Session, instance: str) -> None:
    """Ask EC2 to stop an instance; one that is stopped, or gone, is left as it is."""
    _switch(session, "stop_instances", instance)


def start_instance(session: Session, instance: str) -> None:
    """Ask EC2 to start an instance; one that runs, or is gone, is left as it is."""
    _switch(session, "start_instances", instance)


def _switch(session: Session, operation: str, instance: str) -> None:
    with translated(f"calling {operation} for {instance}"):
        try:
            getattr(session.client("ec2"), operation)(InstanceIds=[instance])
        except client_error() as error:
            # IncorrectInstanceState: it has ended, and Terraform makes another one.
            if code_of(error) not in ("InvalidInstanceID.NotFound", "IncorrectInstanceState"):
                raise
