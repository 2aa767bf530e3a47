"""EC2: launch templates, gateways, interfaces, and instances that end."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.utils import parse_user_data
from moto.elbv2.models import elbv2_backends

from orchestrator.sandbox.corrections.tools import Original, around, tags_of


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


def groups_that_others_name_stay() -> None:
    """A security group that a rule of another group names cannot be deleted (EC2 API reference,
    DeleteSecurityGroup); moto deletes it, and nobody sees whether `destroy` takes the rules away first.
    """

    @around(EC2Backend, "delete_security_group")
    def delete_security_group(
        original: Original, self: EC2Backend, name: str | None = None, group_id: str | None = None
    ) -> Any:
        others = [group for groups in self.groups.values() for group in groups.values() if group.id != group_id]
        rules = [rule for group in others for rule in (*group.ingress_rules, *group.egress_rules)]
        if group_id and any(rule.source_group.get("GroupId") == group_id for rule in rules):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        return original(self, name, group_id)


def what_is_attached_stays() -> None:
    """An interface that is attached cannot be deleted, nor a VPC that a gateway is attached to (EC2 API reference,
    DeleteNetworkInterface and DeleteVpc); moto deletes both, and nobody sees whether `destroy` detaches them first.
    """

    @around(ElasticNetworkInterfaces, "delete_network_interface")  # asked for: an instance's own go with it
    def delete_network_interface(original: Original, self: ElasticNetworkInterfaces) -> Any:
        interface = self.ec2_backend.enis.get(self._get_param("NetworkInterfaceId"))
        if interface and interface.attachment_id:
            raise EC2ClientError("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")
        return original(self)

    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original: Original, self: EC2Backend, vpc_id: str) -> Any:
        if any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in self.internet_gateways.values()):
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return original(self, vpc_id)


def nat_gateways_filtered_by_tag() -> None:
    """DescribeNatGateways filters by `tag:KEY` and `tag-key`; moto ignores both."""

    @around(EC2Backend, "describe_nat_gateways")
    def describe(original: Original, self: EC2Backend, filters: Any, nat_gateway_ids: Any) -> Any:
        found = original(self, filters, nat_gateway_ids)
        for name, wanted in (filters or {}).items():
            if name.startswith("tag:"):
                key = name.removeprefix("tag:")
                found = [nat for nat in found if tags_of(nat.get_tags()).get(key) in wanted]
            elif name == "tag-key":
                found = [nat for nat in found if not tags_of(nat.get_tags()).keys().isdisjoint(wanted)]
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
