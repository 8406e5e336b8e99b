"""The `models` section."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from eksprov.config.schema.base import ROLE, Name, Namespace, Section


class Replicas(Section):
    """How few and how many replicas a model's autoscaling may go to."""

    min: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Fewest replicas.")
    max: Annotated[int, Field(ge=1, le=1000)] = Field(
        default_factory=lambda data: max(3, int(data.get("min", 3))),
        description="Most replicas; unset: 3, or min where that is more.",
    )


RuntimeName = Literal["mlserver-sklearn", "mlserver-xgboost", "mlserver-lightgbm"]  # each a module of serving/runtimes
RUNTIME_NAMES: Final[tuple[str, ...]] = get_args(RuntimeName)


class Model(Section):
    """A model to be served: a folder of files and the runtime that reads them."""

    name: Name = Field(description="The model's name, unique in the stack; it is called by this name.")
    path: str = Field(
        min_length=1, max_length=1024, description="The folder with the model's files, relative to the config file."
    )
    runtime: RuntimeName = Field("mlserver-sklearn", description="The server that loads the model.")
    namespace: Namespace = Field("models", description="The Kubernetes namespace it lives in.")
    role_arn: Annotated[str, Field(pattern=ROLE, max_length=2048)] | None = Field(
        None,
        description="A role of yours for its pods, which must be allowed to read models/NAME/ of the stack's bucket; "
        "unset: eksprov makes one that may do nothing else.",
    )
    replicas: Replicas = Field(Replicas(), description="Bounds of its autoscaling.")
    cpu: float = Field(0.5, gt=0, le=192, description="Cores a replica, requested.")
    memory_mib: int = Field(1024, ge=128, le=1_000_000, description="Memory a replica, requested and the limit.")
    target_cpu_percent: int = Field(65, ge=10, le=95, description="The autoscaler keeps CPU use near this.")
    startup_timeout_s: int = Field(180, ge=30, le=7200, description="How long a server may take to load the model.")
    predict_timeout_s: int = Field(
        60,
        ge=5,
        le=3600,
        description="How long the longest prediction may take: a server that is busy for so long is not restarted, and "
        "one that ends is given so long to finish it.",
    )
    drain_s: int = Field(15, ge=0, le=3600, description="Seconds between leaving the endpoints and SIGTERM.")
