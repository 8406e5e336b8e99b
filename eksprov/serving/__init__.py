"""From a folder with a model to a service that answers.

`package` reads the folder (and `pickles` looks into its files without running them), `spec` brings it together with the
config and the stack, `sizing` says whether it fits, `manifests` and `workload` render Kubernetes objects: all pure but
the reading. `files`, `objects` and `endpoint` are steps, `graph` puts them in order. `observe` reads a rollout,
`diagnose` and `rollout` judge it. `invoke` calls a model, `export` writes its manifests.
"""

from eksprov.serving.endpoint import ModelEndpoint
from eksprov.serving.files import ModelFiles
from eksprov.serving.objects import KubeObject, KubeWorkload

KINDS = (ModelFiles, KubeObject, KubeWorkload, ModelEndpoint)
