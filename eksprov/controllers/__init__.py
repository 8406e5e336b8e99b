"""What eksprov itself installs in a cluster: device plugins and autoscalers, as pure manifests of ours.

In come the few facts of a stack that the manifests need (`Facts`); out come steps, one object each, that the executor
walks with the stack's AWS steps: they wait for the cluster and the access entries. The AWS side of a controller (its
role, its queue) is made in `steps`; the two halves meet in `operations`, by the names of steps. Versions are pinned
here, each with the page that names it; `eksprov lock` pins their digests.
"""

from __future__ import annotations

from eksprov.controllers.objects import ControllerObject, ControllerWorkload, CustomObject
from eksprov.core.step import AnyStep

KINDS: tuple[type[AnyStep], ...] = (ControllerObject, ControllerWorkload, CustomObject)
"""All kinds, in the order of creation."""
