"""An add-on's configuration against its own JSON schema, before EKS is asked to take it.

EKS validates too, and names the place as `$.controller.x`
(https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonConfiguration.html); here it is named as it stands
in the config, and a word that is nearly right is guessed. jsonschema is imported only where something is to be checked.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE


@dataclass(frozen=True)
class Violation:
    """One value that the schema does not take: where it stands in the configuration, why, and what may be meant."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        """`controller.tolerations[0]`, or "" for the whole."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".")


def schema_of(aws: Aws, addon: str, version: str) -> Mapping[str, Any]:
    """The schema of this version; one that takes everything where EKS has none. One call."""
    eks = aws.clients.eks
    answer = none_if(lambda: eks.describe_addon_configuration(addonName=addon, addonVersion=version), GONE)
    text = answer.get("configurationSchema") if answer is not None else ""
    schema = json.loads(text) if text else {}
    return schema if isinstance(schema, dict) else {}


def violations(schema: Mapping[str, Any], configuration: Mapping[str, Any]) -> tuple[Violation, ...]:
    """Everything that the schema does not take. Pure."""
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # has no types of its own

    validator = validator_for(schema)(schema)
    found = (one for error in validator.iter_errors(configuration) for one in _violations(error))
    return tuple(sorted(found, key=lambda one: one.place))


def require(aws: Aws, step: str, addon: str, version: str, configuration: Mapping[str, Any]) -> None:
    """Raises: ProvisioningError naming every place that the version's schema does not take."""
    if not configuration:
        return
    found = violations(schema_of(aws, addon, version), configuration)
    if found:
        places = "; ".join(f"configuration.{one.place}: {one.message}" for one in found)
        hint = next((one.hint for one in found if one.hint), "")
        show = f"`aws eks describe-addon-configuration --addon-name {addon} --addon-version {version}` shows the schema"
        raise errors.ProvisioningError(f"{step}: {addon} {version} does not take {places}", hint or show)


def _violations(error: Any) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        patterns = list(error.schema.get("patternProperties", {}))
        for key in error.instance:
            if key not in known and not any(re.search(pattern, key) for pattern in patterns):
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(known)) or 'no key'}"
                yield Violation((*path, key), "the add-on has no such key", hint)
        return
    yield Violation(path, str(error.message))
