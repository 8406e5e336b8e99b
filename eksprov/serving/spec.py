"""Everything a model's deployment is made from, as one frozen value: the config's part, the stack's, the package's.

Pure: no file, no client. `manifests` turns it into Kubernetes objects, `graph` into steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eksprov.config.schema import Model
from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.runtimes.presets import runtime

MIB: Final = 2**20
SCRATCH_MIB: Final = 256  # /tmp of the server: metrics files and the like
FETCH_MEMORY_MIB: Final = 512  # `aws s3 sync` with its default of 10 parallel requests stays well below


@dataclass(frozen=True)
class StackFacts:
    """What a deployment needs to know of its stack. `subnet_cidrs` are those of the cluster's subnets: the API server
    reaches services from its network interfaces there. `ipv6`: pods have IPv6 addresses. `dns_on_nodes`: EKS Auto Mode
    makes nodes, whose DNS is a service of the node and no pod."""

    stack: str
    stack_id: str
    region: str
    bucket: str
    subnet_cidrs: tuple[str, ...]
    ipv6: bool = False
    dns_on_nodes: bool = False


@dataclass(frozen=True)
class ModelSpec:
    """One model, ready to be rendered. `digest` names the contents, `size_bytes` is their sum."""

    model: Model
    stack: StackFacts
    runtime: Runtime
    digest: str
    size_bytes: int

    @property
    def name(self) -> str:
        """The model's name, which its Deployment, Service and service account carry too."""
        return self.model.name

    @property
    def namespace(self) -> str:
        return self.model.namespace

    @property
    def prefix(self) -> str:
        """The folder of these contents in the bucket, with a slash at its end."""
        return f"{model_prefix(self.name)}{self.digest}/"

    @property
    def source(self) -> str:
        """The S3 URI of these contents."""
        return f"s3://{self.stack.bucket}/{self.prefix}"

    @property
    def model_volume_mib(self) -> int:
        """The size limit of the model's volume: a tenth more than the files, for what a file system adds."""
        return max(64, -(-self.size_bytes * 11 // 10 // MIB) + 16)

    @property
    def ephemeral_mib(self) -> int:
        """What a replica may write to the node's disk: the model, scratch, and its logs."""
        return self.model_volume_mib + 2 * SCRATCH_MIB


def model_spec(model: Model, stack: StackFacts, digest: str, size_bytes: int) -> ModelSpec:
    """The spec of a model. Raises: UsageError for an unknown runtime."""
    return ModelSpec(model, stack, runtime(model.runtime), digest, size_bytes)


def model_prefix(name: str) -> str:
    """Everything of one model in the bucket lies below this; its role may read nothing else."""
    return f"models/{name}/"


def service_account(name: str) -> str:
    """The service account of a model, to which its role is bound."""
    return name
