"""A stack that is made with a lock file beside its config."""

from __future__ import annotations

import dataclasses

from pins.test_lock import OLD_RELEASE, lock
from support.stage import Theatre, everything, quick_start

from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import open_stack


def test_a_stack_made_with_a_lock_has_what_it_says() -> None:
    """The config's own words stand; add-ons and nodes come in the locked version, not the default one."""
    with Theatre().stage(quick_start()) as stage:
        offered = stage.account.plain("eks").describe_addon_versions(
            addonName="metrics-server", kubernetesVersion="1.36"
        )
        versions = [one["addonVersion"] for one in offered["addons"][0]["addonVersions"]]
        default = lock(stage).pins
        assert {name.rpartition("/")[2].partition(":")[0] for name in default.images} == {"mlserver", "aws-cli"}
        other = next(version for version in versions if version != default.addons["metrics-server"])
        pins = dataclasses.replace(
            default, addons={**default.addons, "metrics-server": other}, node_releases={"workers": OLD_RELEASE}
        )
        assert provision(open_stack(dataclasses.replace(stage.process(), pins=pins), mint=True)).ok
        eks, name = stage.account.plain("eks"), stage.config.name
        assert eks.describe_addon(clusterName=name, addonName="metrics-server")["addon"]["addonVersion"] == other
        group = eks.describe_nodegroup(clusterName=name, nodegroupName="workers")["nodegroup"]
        assert group["releaseVersion"] == OLD_RELEASE
        assert lock(stage, pins).pins == pins


def test_karpenters_image_is_locked_like_every_other() -> None:
    with Theatre().stage(everything("karpenter")) as stage:
        assert "public.ecr.aws/karpenter/controller:1.14.1" in lock(stage).pins.images
