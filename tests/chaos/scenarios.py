"""What may happen: kinds of faults, and scenarios drawn from a seed. Pure.

Scenario `number` of `seed` is always the same, so that one can be played again alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chaos.killer import Event, Kill, Victim
from chaos.rules import Fault, Rule

Operation = Literal["create", "update", "destroy", "refresh", "pause"]
Stage = Literal["small", "fake", "full"]
"""A small root with the real Terraform, a fake Terraform, or the environment as it is shipped."""


@dataclass(frozen=True)
class Scenario:
    """One operation under one kind of fault. `then` is what is asked for afterwards, without faults, until it is
    so ("again": the operation itself, and then `up`); `elsewhere`: from another checkout, as on another runner."""

    seed: int
    number: int
    kind: str
    operation: Operation
    stage: Stage
    rules: tuple[Rule, ...]
    kill: Kill | None
    database: bool = False
    elsewhere: bool = False
    then: Literal["up", "destroy", "again"] = "up"

    def __str__(self) -> str:
        faults = [f"{rule.label}, {rule.times or 'all'} from the {rule.nth}. on" for rule in self.rules]
        what = "; ".join([*faults, *([str(self.kill)] if self.kill else [])])
        parts = [f"{self.operation} ({self.stage}{', with a database' if self.database else ''})", what]
        return " | ".join([*parts, f"then {self.then}{' elsewhere' if self.elsewhere else ''}"])


# Calls by which each operation changes something, in their order: (service, action), how often.
_CREATES = (
    ("ec2", "CreateVpc", 1),
    ("ec2", "CreateSubnet", 2),
    ("ec2", "CreateInternetGateway", 1),
    ("ec2", "AttachInternetGateway", 1),
    ("ec2", "CreateRouteTable", 1),
    ("ec2", "CreateRoute", 1),
    ("ec2", "AssociateRouteTable", 2),
    ("ec2", "CreateSecurityGroup", 2),
    ("ec2", "AuthorizeSecurityGroupIngress", 2),
    ("iam", "CreateRole", 1),
    ("iam", "PutRolePolicy", 1),
    ("logs", "CreateLogGroup", 2),
)
_DATABASE = (("rds", "CreateDBSubnetGroup", 1), ("rds", "RestoreDBClusterFromSnapshot", 1))
_UPDATES = (("logs", "DeleteLogGroup", 1), ("logs", "CreateLogGroup", 1), ("iam", "PutRolePolicy", 1))
_DELETES = (
    ("iam", "DeleteRolePolicy", 1),
    ("logs", "DeleteLogGroup", 2),
    ("ec2", "DeleteRoute", 1),
    ("ec2", "DisassociateRouteTable", 2),
    ("ec2", "RevokeSecurityGroupIngress", 2),
    ("ec2", "DeleteSecurityGroup", 2),
    ("ec2", "DeleteSubnet", 2),
    ("ec2", "DetachInternetGateway", 1),
    ("ec2", "DeleteInternetGateway", 1),
    ("ec2", "DeleteVpc", 1),
    ("iam", "DeleteRole", 1),
)
_REFRESHES = (("rds", "DeleteDBCluster", 1), ("rds", "RestoreDBClusterFromSnapshot", 1), ("rds", "ModifyDBCluster", 1))
_PAUSES = (("rds", "StopDBCluster", 1),)
_CHANGES = {
    "create": _CREATES,
    "update": _UPDATES,
    "destroy": _DELETES,
    "refresh": _REFRESHES,
    "pause": _PAUSES,
}
_STATE, _LOCK, _MANIFEST = "*/terraform.tfstate", "*/terraform.tfstate.tflock", "*/manifest.json"
_S3 = (("PutObject", _LOCK), ("PutObject", _STATE), ("PutObject", _MANIFEST))
_BOTO = "Boto3*"
_EVERYTHING = "ec2|iam|logs|rds|s3"
# How EC2 and RDS say that something is not ready yet.
_NOT_YET = (
    ("<state>available</state>", "<state>pending</state>"),
    ("<Status>available</Status>", "<Status>creating</Status>"),
)

Drawn = tuple[tuple[Rule, ...], Kill | None]


class Dice:
    """The random choices of one scenario."""

    def __init__(self, rng: random.Random, operation: Operation, stage: Stage, database: bool) -> None:
        self.rng = rng
        self.operation = operation
        self.stage = stage
        self.database = database

    def change(self) -> tuple[str, str, int]:
        """A call that changes something: service, action, which of them."""
        calls = _CHANGES[self.operation]
        if self.operation == "create" and self.database:
            calls = (*_DATABASE, *_DATABASE, *calls)
        service, action, often = self.rng.choice(calls)
        return service, action, self.rng.randint(1, often)

    def event(self, victim: Victim) -> Event:
        """When to strike: where the victim is there."""
        if self.stage == "full":
            return Event(seconds=round(self.rng.uniform(4, 100 if self.operation in ("create", "refresh") else 55), 1))
        way = self.rng.random()
        if way < 0.25:
            return Event(seconds=round(self.rng.uniform(0.4, 2.0 if self.stage == "fake" else 7.5), 1))
        moment: Literal["before", "after"] = self.rng.choice(("before", "after"))
        alone = victim in ("terraform", "provider")
        # envctl itself writes lock and record, and stops databases.
        if way < 0.5 or self.stage == "fake" or (alone and self.operation == "pause"):
            calls = (("GetObject", _STATE), ("PutObject", _STATE)) if alone else (*_S3, ("DeleteObject", _LOCK))
            action, path = self.rng.choice(calls)
            return Event("s3", action, path, moment, self.rng.randint(1, 2 if path == _MANIFEST else 1))
        service, action, nth = self.change()
        return Event(service, action, moment=moment, nth=nth)


def _many(fault: Fault, error: str = "", **more: object) -> Callable[[Dice], Drawn]:
    """Some calls of all kinds, here and there."""

    def draw(dice: Dice) -> Drawn:
        agent = _BOTO if dice.stage == "fake" else "*"
        few = dice.stage == "fake"  # envctl alone makes a dozen calls
        chance, most = round(dice.rng.uniform(*((0.3, 0.6) if few else (0.05, 0.25))), 2), dice.rng.randint(5, 40)
        service = "*" if fault == "delay" else _EVERYTHING
        rule = Rule(fault, error or fault, service, agent=agent, probability=chance, times=most, error=error, **more)  # type: ignore[arg-type]
        return (rule,), None

    return draw


def _one_change(fault: Fault, error: str = "internal") -> Callable[[Dice], Drawn]:
    """One call that changes something in AWS."""

    def draw(dice: Dice) -> Drawn:
        service, action, nth = dice.change()
        times = dice.rng.choice((1, 1, 2))
        return (Rule(fault, f"{fault} {service}:{action}", service, action, nth=nth, times=times, error=error),), None

    return draw


def _bucket(fault: Fault, error: str, times: int = 1, actions: tuple[tuple[str, str], ...] = _S3) -> Callable:  # type: ignore[type-arg]
    """One kind of call to the state bucket; times 0: from then on all."""

    def draw(dice: Dice) -> Drawn:
        action, path = dice.rng.choice(actions)
        if dice.stage == "fake":  # it does not imitate how Terraform's backend tries again
            action, path = "PutObject", _MANIFEST
        often = times and dice.rng.randint(1, times)
        return (Rule(fault, f"{fault} {error} {path[2:]}", "s3", action, path=path, times=often, error=error),), None

    return draw


def _all(error: str) -> Callable[[Dice], Drawn]:
    """Everything is refused from some call on."""

    def draw(dice: Dice) -> Drawn:
        nth = dice.rng.randint(2, 10) if dice.stage == "fake" else dice.rng.randint(10, 110)
        agent = _BOTO if dice.stage == "fake" else "*"
        return (Rule("refuse", error, agent=agent, nth=nth, times=0, error=error),), None

    return draw


def _named(fault: Fault, service: str, action: str, error: str = "", most: int = 1) -> Callable[[Dice], Drawn]:
    def draw(dice: Dice) -> Drawn:
        often = dice.rng.randint(1, most)
        rewrite = _NOT_YET if fault == "rewrite" else ()
        return (Rule(fault, error or action, service, action, times=often, error=error, rewrite=rewrite),), None

    return draw


def _killed(how: str, victim: Victim) -> Callable[[Dice], Drawn]:
    return lambda dice: ((), Kill(victim, how, dice.event(victim)))


@dataclass(frozen=True)
class Kind:
    """A row of the table; `only` are the operations that it can happen to, `stages` where it can be played."""

    name: str
    draw: Callable[[Dice], Drawn]
    only: tuple[Operation, ...] = (*(("create",) * 4), *(("update", "destroy") * 3), "refresh", "pause")
    stages: tuple[Stage, ...] = ("small",)
    database: bool = False


_BOTH: tuple[Stage, ...] = ("small", "fake")
_DATA: tuple[Operation, ...] = ("create", "refresh")
_ANY: tuple[Stage, ...] = ("small", "fake", "full")
KINDS = (
    Kind("answers late", _many("delay", seconds=0.5), stages=_BOTH),
    Kind("throttled", _many("refuse", "throttled"), stages=_BOTH),
    Kind("429", _many("refuse", "busy"), stages=_BOTH),
    Kind("503", _many("refuse", "unavailable"), stages=_BOTH),
    Kind("connection reset", _one_change("reset")),
    Kind("reset, but done", _one_change("reset-after")),
    Kind("500, but done", _one_change("refuse-after")),
    Kind("S3 409", _bucket("refuse", "conflict", 3), stages=_BOTH),
    Kind("S3 412", _bucket("refuse", "precondition"), stages=_BOTH),
    Kind("S3 500, but stored", _bucket("refuse-after", "internal"), stages=_BOTH),
    Kind("S3 reset, but stored", _bucket("reset-after", "-"), stages=_BOTH),
    Kind("state refused", _bucket("refuse", "denied", 0, (("PutObject", _STATE),))),
    Kind("unlock refused", _bucket("refuse", "unavailable", 0, (("DeleteObject", _LOCK),))),
    Kind("stays creating", _named("rewrite", "ec2", "DescribeVpcs|DescribeSubnets", most=8), ("create",)),
    Kind("database stays creating", _named("rewrite", "rds", "DescribeDBClusters", most=4), _DATA, database=True),
    Kind("VpcLimitExceeded", _named("refuse", "ec2", "CreateVpc", "vpc-limit", 2), ("create",)),
    Kind("no database capacity", _named("refuse", "rds", "Restore*", "capacity"), _DATA, database=True),
    Kind(
        "DependencyViolation",
        _named("refuse", "ec2", "DeleteSubnet|DeleteVpc|DeleteSecurityGroup|Det*", "dependency", 6),
        ("destroy",),
    ),
    Kind("token expires", _all("expired"), stages=_BOTH),
    Kind("INT to envctl", _killed("INT", "envctl"), stages=_ANY),
    Kind("INT twice", _killed("INT INT", "envctl"), stages=_BOTH),
    Kind("TERM to envctl", _killed("TERM", "envctl"), stages=_BOTH),
    Kind("KILL envctl", _killed("KILL", "envctl"), stages=_ANY),
    Kind("INT to Terraform", _killed("INT", "terraform")),
    Kind("TERM to Terraform", _killed("TERM", "terraform")),
    Kind("KILL Terraform", _killed("KILL", "terraform"), stages=_ANY),
    Kind("KILL the provider", _killed("KILL", "provider")),
    Kind("KILL everything", _killed("KILL", "all"), stages=_ANY),
    Kind("killed with a database", _killed("KILL", "all"), (*_DATA, "pause"), database=True),
    Kind("cancelled by GitHub", _killed("cancelled", "envctl"), stages=_BOTH),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def draw(seed: int, number: int, full: bool = False) -> Scenario:
    """Return scenario `number` (from 0): kinds take turns, in each round in another order."""
    round_, place = divmod(number, len(KINDS))
    order = list(KINDS)
    random.Random(f"{seed}/{round_}").shuffle(order)
    rng = random.Random(f"{seed}/{round_}/{place}")
    kind = order[place]
    stage = rng.choice(kind.stages[:2])
    if full and "full" in kind.stages:
        stage = "full"
    operation = rng.choice(kind.only)
    if operation == "refresh" and stage == "fake":
        stage = "small"  # it is about a database
    database = kind.database or operation == "refresh" or (operation == "pause" and stage == "small")
    rules, kill = kind.draw(Dice(rng, operation, stage, database))
    return Scenario(
        seed,
        number,
        kind.name,
        operation,
        stage,
        rules,
        kill,
        database=database,
        elsewhere=bool(kill and rng.random() < 0.3) or kind.name == "cancelled by GitHub",
        then=_then(rng, operation),
    )


def _then(rng: random.Random, operation: Operation) -> Literal["up", "destroy", "again"]:
    if rng.random() < 0.3 or (operation == "destroy" and rng.random() < 0.5):
        return "destroy"
    return "again" if operation in ("refresh", "pause") and rng.random() < 0.5 else "up"


def draw_all(seed: int, runs: int, full: int) -> list[Scenario]:
    """Return `runs` scenarios, `full` of them (as far as kinds allow) on the environment as it is shipped."""
    found = []
    for number in range(runs):
        scenario = draw(seed, number, full=True)
        if scenario.stage == "full" and full > 0:
            full -= 1
        else:
            scenario = draw(seed, number)
        found.append(scenario)
    return found
