"""What differs between MLServer's flavours, and the runtime that is made of it.

MLServer 1.7.1 (https://github.com/SeldonIO/MLServer/blob/1.7.1/Dockerfile, mlserver/settings.py): user 1000, command
`mlserver start $MLSERVER_MODELS_DIR`, ports 8080, 8081 and 8082; its libraries are those of its poetry.lock. It makes
`.envs` and `.metrics` in its working directory as soon as parallel workers are on, which a read-only root file system
forbids: both are moved to /tmp whatever the setting. There are no images for arm64
(https://github.com/SeldonIO/MLServer/issues/2057).

It predicts in the loop that also answers its health checks, one prediction at a time; workers of its own would keep the
loop free, but it ends them first at SIGTERM, and what they were at is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from eksprov.serving.inspection.contents import Contents
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.runtimes.base import Prepared, Runtime

VERSION: Final = "1.7.1"
MODELS_DIR: Final = "/mnt/models"
HTTP_PORT, GRPC_PORT, METRICS_PORT = 8080, 8081, 8082
ENV: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MLSERVER_MODELS_DIR": MODELS_DIR,
        "MLSERVER_HOST": "0.0.0.0",
        "MLSERVER_HTTP_PORT": str(HTTP_PORT),
        "MLSERVER_GRPC_PORT": str(GRPC_PORT),
        "MLSERVER_METRICS_PORT": str(METRICS_PORT),
        # One process a pod: the autoscaler adds pods, and a second copy of the model would double the memory.
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_METRICS_DIR": "/tmp/metrics",
        "MLSERVER_ENVIRONMENTS_DIR": "/tmp/envs",
    }
)
PYTHON: Final = {"python": "3.10.12"}
LIBRARIES: Final = {"numpy": "1.26.4", "pandas": "2.2.3"}  # of every flavour
# What mlserver asks for, and what that asks for, as far as a model or its modules may name it.
MODULES: Final = (
    "numpy",
    "pandas",
    "dateutil",
    "pytz",
    "tzdata",
    "six",
    "mlserver",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "typing_extensions",
    "annotated_types",
    "dotenv",
    "orjson",
    "packaging",
    "click",
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "h11",
    "anyio",
    "idna",
    "grpc",
    "google",
    "prometheus_client",
    "py_grpc_prometheus",
    "starlette_exporter",
    "aiofiles",
    "aiokafka",
    "aiohttp",
    "multidict",
    "yarl",
    "attr",
    "gevent",
    "geventhttpclient",
    "greenlet",
    "certifi",
    "brotli",
    "rapidjson",
    "tritonclient",
    "opentelemetry",
    "wrapt",
    "urllib3",
    "importlib_resources",
)


class Look(Protocol):
    """Looks into a model's file; `method` is what a request calls. Raises: UsageError."""

    def __call__(self, path: str, folder: Folder, method: str) -> Contents: ...


@dataclass(frozen=True)
class Flavour:
    """What one of MLServer's runtimes serves, and how its models are told."""

    implementations: tuple[str, ...]  # all names of the class that serves; the first is the one that is written
    well_known: tuple[str, ...]  # the files that it looks for in a folder
    suffixes: tuple[str, ...]
    look: Look
    save: str  # how people save such a model, for hints
    packings: tuple[str, ...] = ("",)  # what may follow a suffix
    recognises: Callable[[Path], bool] = lambda _: False  # a model's file whose name says nothing
    tells: Callable[[Path], bool] | None = None  # of files with a suffix that others bear too; None: the suffix does


def mlserver(
    flavour: Flavour,
    layout: Callable[[Flavour, Folder], Prepared],
    *,
    of: str,
    libraries: Mapping[str, str],
    modules: tuple[str, ...],
    floor_mib: int,
    usual_mib: int,
) -> Runtime:
    """The runtime of a flavour; `of` is its word in names and in the image's tag ("sklearn")."""
    return Runtime(
        name=f"mlserver-{of}",
        # With this runtime alone; the one without a suffix has all of them, some 4 GB
        # (https://github.com/SeldonIO/MLServer/blob/1.7.1/hack/build-images.sh).
        image=f"docker.io/seldonio/mlserver:{VERSION}-{of}",
        version=VERSION,
        suffixes=flavour.suffixes,
        http_port=HTTP_PORT,
        grpc_port=GRPC_PORT,
        metrics_port=METRICS_PORT,
        live_path="/v2/health/live",
        ready_path="/v2/models/{model}/ready",
        models_dir=MODELS_DIR,
        layout=lambda folder: layout(flavour, folder),
        host_variable="MLSERVER_HOST",
        one_at_a_time=True,
        env=ENV,
        libraries=MappingProxyType({**PYTHON, **libraries, **LIBRARIES}),
        modules=frozenset((*MODULES, *modules)),
        floor_mib=floor_mib,
        usual_mib=usual_mib,
    )
