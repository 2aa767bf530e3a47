"""Auto scaling: policies, warm-up, replacements and instance refresh."""

from __future__ import annotations

import uuid
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from orchestrator.sandbox.corrections.tools import Original, around


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


def groups_take_reservations_by_default() -> None:
    """A group that says nothing of reservations has the preference `default` (CapacityReservationSpecification,
    Amazon EC2 Auto Scaling API reference); moto tells none.

    The provider then keeps an empty text, and where a planned change turns out to be none it trips over it:
    "Provider produced inconsistent final plan".
    """
    told = {"CapacityReservationPreference": "default"}
    setattr(FakeAutoScalingGroup, "capacity_reservation_specification", told)  # noqa: B010


def groups_with_instances_are_deleted_by_force_only() -> None:
    """A group that has instances is in use, unless ForceDelete takes them along (Amazon EC2 Auto Scaling API
    reference, DeleteAutoScalingGroup); moto deletes it, with its instances.
    """

    @around(AutoScalingResponse, "delete_auto_scaling_group")
    def delete_auto_scaling_group(original: Original, self: AutoScalingResponse) -> Any:
        group = self.autoscaling_backend.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
        if group and group.instance_states and not self._get_bool_param("ForceDelete"):
            raise AutoscalingClientError("ResourceInUse", f"There are instances still in the group {group.name}.")
        return original(self)


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
