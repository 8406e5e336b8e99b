"""All kinds there are, in the order of creation: those of AWS, of controllers, of a model's deployment."""

from __future__ import annotations

from eksprov import errors
from eksprov.controllers import KINDS as CONTROLLER_KINDS
from eksprov.core.step import AnyStep, FoundResource
from eksprov.serving import KINDS as SERVING_KINDS
from eksprov.state.record import Record
from eksprov.steps import KINDS as AWS_KINDS

KINDS: tuple[type[AnyStep], ...] = (*AWS_KINDS, *CONTROLLER_KINDS, *SERVING_KINDS)
MODEL_OBJECTS: tuple[type[AnyStep], ...] = tuple(kind for kind in SERVING_KINDS if kind.world == "kube")
_BY_NAME = {kind.kind: kind for kind in KINDS}


def step_of(name: str, record: Record) -> AnyStep:
    """The step of a record, enough to discover and delete its resource. Raises: StateError for an unknown kind."""
    kind = _BY_NAME.get(record.kind)
    if kind is None:
        raise errors.StateError(f"the record of {name} is of a kind unknown here: {record.kind!r}", "upgrade eksprov")
    return kind.from_record(name, record.slug, needs=record.needs, outlives=record.outlives)


def step_found(resource: FoundResource) -> AnyStep:
    """The step of something found by its tags alone."""
    return _BY_NAME[resource.kind].from_record(resource.owner.step, resource.slug)
