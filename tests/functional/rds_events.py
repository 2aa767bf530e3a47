"""Events of RDS as EventBridge delivers them (RDS and Aurora user guides, "Monitoring events")."""

from __future__ import annotations

from typing import Any

# {what happened: (EventID, EventCategories, Message)}, for a cluster's snapshots and for an instance's.
CLUSTER = {
    "creating": ("RDS-EVENT-0074", ["backup"], "Creating manual cluster snapshot"),
    "created": ("RDS-EVENT-0075", ["backup"], "Manual cluster snapshot created"),
    "automated": ("RDS-EVENT-0169", ["backup"], "Automated cluster snapshot created"),
    "copied": ("RDS-EVENT-0075", ["backup"], "Manual cluster snapshot created"),
    # RDS has no event for a cluster's snapshot that is deleted: the schedule finds out.
}
INSTANCE = {
    "creating": ("RDS-EVENT-0040", ["creation"], "Creating manual snapshot"),
    "created": ("RDS-EVENT-0042", ["creation"], "Manual snapshot created"),
    "automated": ("RDS-EVENT-0091", ["creation"], "Automated snapshot created"),
    "copied": ("RDS-EVENT-0197", ["notification"], "Finished copy of snapshot"),
    "deleted": ("RDS-EVENT-0041", ["deletion"], "Deleted user snapshot"),
}
SCHEDULE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T09:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/envctl-shop-prod-publisher-schedule"],
    "detail": {},
}
MALFORMED: list[Any] = [
    None,
    "",
    [],
    7,
    {},
    {"source": "aws.rds"},
    {"source": "aws.rds", "detail": None},
    {"source": "aws.rds", "detail": {"EventID": ["x"], "SourceIdentifier": {"a": 1}}},
    {"source": "aws.rds", "detail": {"EventID": "RDS-EVENT-0075\n{}" * 500, "SourceIdentifier": "\x1b[31m"}},
    {"detail": {"SourceArn": "arn:aws:rds:us-east-1:666666666666:cluster-snapshot:theirs"}},
]


def event(kind: str, what: str, arn: str) -> dict[str, Any]:
    """Return the event after which the function looks when `what` happened to a cluster's or an instance's snapshot."""
    told = CLUSTER if kind == "cluster" else INSTANCE
    if what not in told:
        return SCHEDULE
    id, categories, message = told[what]
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "RDS DB Cluster Snapshot Event" if kind == "cluster" else "RDS DB Snapshot Event",
        "source": "aws.rds",
        "account": "123456789012",
        "time": "2026-11-22T03:09:13Z",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {
            "EventCategories": categories,
            "SourceType": "CLUSTER_SNAPSHOT" if kind == "cluster" else "SNAPSHOT",
            "SourceArn": arn,
            "Date": "2026-11-22T03:09:13.882Z",
            "Message": message,
            "SourceIdentifier": arn.split(":", 6)[6],
            "EventID": id,
        },
    }
