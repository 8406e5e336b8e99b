"""Names that have parts, as values: a step's name, and the slugs of what is kept inside something else.

State files and tags carry them as text; each is taken apart and put together here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Self

CLUSTER = "cluster"  # the name of the one step that makes it
MODEL = "model"


class Parts:
    """A dataclass of texts, which are its parts from the left; the last one may hold slashes, and may be missing."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a text apart. Parts that it lacks are empty."""
        count = len(fields(cls))  # type: ignore[arg-type]  # all of them are dataclasses
        parts = text.split("/", count - 1)
        return cls(*parts, *[""] * (count - len(parts)))

    def __str__(self) -> str:
        parts = list(astuple(self))  # type: ignore[call-overload]  # all of them are dataclasses
        while parts and not parts[-1]:
            parts.pop()
        return "/".join(parts)


@dataclass(frozen=True)
class StepName(Parts):
    """A step's name in its parts, like "subnet/private-1" or "model/digits/files"."""

    what: str  # what it is, like "subnet" or "model"
    of: str = ""  # of which one, like "private-1" or "digits"; empty: there is only one
    part: str = ""  # which part of a model, like "files"; empty: no part


@dataclass(frozen=True)
class InCluster(Parts):
    """The slug of what EKS keeps by its cluster, like "ml/cpu": an add-on, a node group, an access entry."""

    cluster: str  # the cluster's name
    name: str  # its name in the cluster; an access entry's is its principal's ARN


@dataclass(frozen=True)
class ServiceAccount(Parts):
    """The slug of what belongs to a service account of a cluster, like "ml/kube-system/karpenter"."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Namespaced(Parts):
    """The slug of what a cluster keeps in a namespace, like "models/digits"."""

    namespace: str
    name: str


@dataclass(frozen=True)
class InBucket(Parts):
    """The slug of the objects of a bucket whose keys begin alike, like "ml-models-123456789012/models/digits/"."""

    bucket: str
    prefix: str  # of the keys, with a slash at its end


def model_step(model: str, part: str) -> str:
    """The name of one of a model's steps: "model/digits/files"."""
    return str(StepName(MODEL, model, part))


def is_models(step: str) -> bool:
    """Whether a step of this name is one of a model's, or one that models share."""
    return StepName.parse(step).what == MODEL


def last_part(text: str) -> str:
    """What stands behind the last slash: the name in an ARN or a URL, the file in a path."""
    return text.rpartition("/")[2]
