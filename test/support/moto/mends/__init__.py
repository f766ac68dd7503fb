"""What is wrong with moto 5.2 for this project, mended in the process that serves it: one module, one fault."""

from collections.abc import Callable, Mapping

from . import (
    bucket_policy_conditions,
    deletion_protection,
    deregistration_delay,
    group_settings,
    hosted_zone_vpc,
    image_parameters,
    instance_monitoring,
    instance_refresh,
    interface_association,
    interface_groups,
    launch_template_version,
    lifecycle_hook,
    redrive_policy,
    rule_description,
    target_tracking,
    template_launch,
    zone_spread,
)

MENDS: Mapping[str, Callable[[], None]] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module.mend
    for module in (
        bucket_policy_conditions,
        deletion_protection,
        deregistration_delay,
        group_settings,
        hosted_zone_vpc,
        image_parameters,
        instance_monitoring,
        instance_refresh,
        interface_association,
        interface_groups,
        launch_template_version,
        lifecycle_hook,
        redrive_policy,
        rule_description,
        target_tracking,
        template_launch,
        zone_spread,
    )
}
