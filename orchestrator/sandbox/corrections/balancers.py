"""Load balancers: what their protection does. Serving their traffic is in `load_balancer.py`."""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend

from orchestrator.sandbox.corrections.tools import Original, around


def protected_ones_stay() -> None:
    """A load balancer with deletion protection cannot be deleted (Elastic Load Balancing API reference,
    DeleteLoadBalancer); moto deletes it.
    """

    @around(ELBv2Backend, "delete_load_balancer")
    def delete_load_balancer(original: Original, self: ELBv2Backend, arn: str) -> Any:
        balancer = self.load_balancers.get(arn)
        if balancer and balancer.attrs.get("deletion_protection.enabled") == "true":
            raise ELBClientError("OperationNotPermitted", f"Load balancer '{arn}' has deletion protection enabled")
        return original(self, arn)
