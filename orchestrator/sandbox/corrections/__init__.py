"""Everything that moto 5.2.5 lacks or gets wrong for this job, in one place, a file for each service.

Each function makes moto answer as AWS documents and says what AWS does, what moto does and what breaks
without it. None of them touches envctl or its Terraform: these run unchanged against a real account. Only
`seeding` is not a correction but the seed's way of telling states and ages.

When moto is upgraded, `tests/functional/test_sandbox_emulation.py` shows which are still needed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from orchestrator.sandbox.corrections import balancers, ec2, functions, rds, scaling, seeding


@functools.cache
def apply() -> None:
    """Correct the moto of this process; doing so again changes nothing."""
    for correction in CORRECTIONS:
        correction()


# In this order: some wrap what others have put there.
CORRECTIONS: tuple[Callable[[], None], ...] = (
    rds.one_resource_id_per_instance,
    rds.snapshots_found_by_arn,
    rds.snapshots_come_in_pages,
    rds.copies_name_their_source,
    rds.only_available_snapshots_restore,
    rds.restores_take_no_for_an_answer,
    rds.provisioned_clusters_do_not_scale,
    rds.clusters_take_iam_authentication_later,
    rds.set_parameters_have_source_user,
    rds.no_second_cluster_of_a_name,
    rds.automated_snapshots_go_with_their_cluster,
    rds.stopped_databases_are_left_alone,
    rds.instances_with_replicas_run,
    rds.cluster_members_have_no_snapshots,
    rds.database_quotas,
    rds.engines_are_described,
    ec2.launch_template_keeps_its_own_tags,
    ec2.later_template_versions_have_user_data,
    ec2.rules_between_groups_have_a_description,
    ec2.groups_that_others_name_stay,
    ec2.what_is_attached_stays,
    ec2.nat_gateways_filtered_by_tag,
    ec2.nat_gateways_own_their_interfaces,
    ec2.interfaces_made_with_an_instance_end_with_it,
    ec2.interfaces_go_with_their_owner,
    ec2.ended_instances_leave_their_target_groups,
    scaling.scaling_policies_are_enabled,
    scaling.groups_remember_their_warmup,
    scaling.groups_take_reservations_by_default,
    scaling.groups_with_instances_are_deleted_by_force_only,
    scaling.replacements_join_the_target_groups,
    scaling.instance_refresh,
    scaling.scaling_quotas,
    balancers.protected_ones_stay,
    functions.functions_remember_their_dead_letters,
    seeding.seeded_snapshots,
)
