"""All that a teardown would take away, and what it would keep: read, and nothing of it written.

What tags name as the stack's is counted by kind, with the files in its bucket and the images in its repositories; then
what the cluster's controllers have made so far, which the leftovers step takes: load balancers, volumes, log groups.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.core.step import FoundResource
from eksprov.operations.commands.teardown import live_stack
from eksprov.operations.kinds import KINDS
from eksprov.operations.leftovers import leftovers_step
from eksprov.operations.stack import Opened, list_owned
from eksprov.steps.leftovers.pieces import VOLUME, Piece
from eksprov.steps.leftovers.reclaiming import is_nodes_disk
from eksprov.steps.storage.bucket import Bucket, files_in
from eksprov.steps.storage.repository import Repository, images_in

FILES, IMAGES = "file", "image"


@dataclass(frozen=True)
class Removal:
    """What a teardown would remove."""

    counted: dict[str, int] = field(default_factory=dict)
    """How many would go, by kind; what controllers have made by what it is."""
    swept: tuple[Piece, ...] = ()  # what controllers have made, and would go
    kept: tuple[Piece, ...] = ()  # what controllers have made, and would stay


def removal(opened: Opened, *, delete_retained: bool = False) -> Removal:
    """What a teardown would do now."""
    aws, us = opened.aws, opened.us
    there = live_stack(opened)
    resources = (*list_owned(aws, us.stack, KINDS, opened.stack.together), *there.objects)
    reclaiming = there.reclaiming(aws, delete_retained=delete_retained, write=False)
    step = leftovers_step(opened, (), reclaiming)
    with translated("look for what the cluster's controllers have made"):
        found = step.found(aws) if step is not None else ()
    swept = tuple(piece for piece in found if not piece.stays and not _goes_by_itself(piece))
    counted = Counter(resource.kind for resource in resources) + Counter(piece.what for piece in swept)
    with translated("count files and images"):
        counted += _inside(aws, resources)
    return Removal(dict(counted), swept, tuple(piece for piece in found if piece.stays))


def _inside(aws: Aws, resources: tuple[FoundResource, ...]) -> Counter[str]:
    """What is in the stack's bucket and repositories."""
    files = sum(files_in(aws, resource.slug) for resource in resources if resource.kind == Bucket.kind)
    images = sum(images_in(aws, resource.slug) for resource in resources if resource.kind == Repository.kind)
    return Counter({FILES: files, IMAGES: images})


def _goes_by_itself(piece: Piece) -> bool:
    """With its instance: a node's disk, and an interface in use."""
    disk = piece.what == VOLUME and is_nodes_disk(piece.tags)
    return bool(piece.held) and (disk or piece.what == "network interface")
