"""What only EKS knows of the config's add-ons, asked before anything is made: do the versions fit, and the values.

Each step checks again before its own call; here the mistake is found in the first second, not after twenty minutes, and
named by its place in the config. Neither question needs a cluster. A name that is misspelt has no versions at all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from eksprov.aws.session import Aws
from eksprov.errors import Problem
from eksprov.steps.addons.configuration import schema_of, violations
from eksprov.steps.addons.versions import Policy, compatible

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def problems(aws: Aws, config: Config, kubernetes: str, names: Collection[str]) -> tuple[Problem, ...]:
    """Everything that EKS would refuse of the add-ons in `names`; at most two calls each."""
    found: list[Problem] = []
    for index, addon in enumerate(config.addons):
        if addon.name not in names:
            continue
        at = f"addons[{index}]"
        fits = compatible(aws, addon.name, kubernetes)
        wrong = fits.wrong(addon.version or "")
        if wrong is not None:
            found.append(Problem(wrong[0], f"{at}.version" if addon.version else f"{at}.name", hint=wrong[1]))
            continue
        policy: Policy = "newest_compatible" if addon.version_policy == "newest_compatible" else "default"
        version = addon.version or fits.chosen(policy)
        if addon.configuration:
            for one in violations(schema_of(aws, addon.name, version), addon.configuration):
                place = f"{at}.configuration.{one.place}".removesuffix(".")
                found.append(Problem(f"{one.message} ({addon.name} {version})", place, hint=one.hint))
    return tuple(found)
