"""What can serve a model: an image, how it is reached, what libraries it carries. Data, one preset a runtime.

Images are named by exact version; the lock file adds the digest that a registry gives (`eksprov.pins`).

MLServer 1.7.1 (https://github.com/SeldonIO/MLServer/blob/1.7.1/Dockerfile, mlserver/settings.py): user 1000, command
`mlserver start $MLSERVER_MODELS_DIR`, ports 8080, 8081 and 8082; its libraries are those of its poetry.lock. It makes
`.envs` and `.metrics` in its working directory as soon as parallel workers are on, which a read-only root file system
forbids: both are moved to /tmp whatever the setting. There are no images for arm64
(https://github.com/SeldonIO/MLServer/issues/2057). Without a model to speak of, its process was measured at 213 MiB
resident, 136 MiB of them its own and 77 MiB of library files, which the kernel may drop (/proc/PID/status, Python 3.11,
November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from eksprov import errors


@dataclass(frozen=True)
class Runtime:
    """A model server. Paths may hold `{model}`; `server_drain_s` is how long it may need to end after SIGTERM.

    `architectures` are those that its image is made for, in Kubernetes' words. `implementations` are all names of the
    class that serves, `well_known` the files it looks for in a folder, `modules` what can be imported in its image
    beside the standard library. `floor_mib` and `usual_mib` are the server's memory without a model: what it cannot do
    without, and what it has in use.
    """

    name: str
    image: str
    version: str
    implementation: str
    suffixes: tuple[str, ...]
    http_port: int
    grpc_port: int
    metrics_port: int
    live_path: str
    ready_path: str
    uid: int = 1000
    server_drain_s: int = 10
    env: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    architectures: tuple[str, ...] = ("amd64",)
    host_variable: str = "MLSERVER_HOST"  # the address that the server listens at
    implementations: tuple[str, ...] = ()
    well_known: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    floor_mib: int = 0
    usual_mib: int = 0

    @property
    def models_dir(self) -> str:
        """Where the model's folder is in the pod."""
        return self.env["MLSERVER_MODELS_DIR"]

    @property
    def carries(self) -> str:
        """Its libraries with their versions, for people."""
        return ", ".join(f"{name} {version}" for name, version in self.libraries.items())


MLSERVER_SKLEARN: Final = Runtime(
    name="mlserver-sklearn",
    # With this runtime alone; the one without a suffix has all of them, some 4 GB
    # (https://github.com/SeldonIO/MLServer/blob/1.7.1/hack/build-images.sh).
    image="docker.io/seldonio/mlserver:1.7.1-sklearn",
    version="1.7.1",
    implementation="mlserver_sklearn.SKLearnModel",
    implementations=("mlserver_sklearn.SKLearnModel", "mlserver_sklearn.sklearn.SKLearnModel"),
    # https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/sklearn/mlserver_sklearn/sklearn.py
    well_known=("model.joblib", "model.pickle", "model.pkl"),
    suffixes=(".joblib", ".pkl", ".pickle"),
    http_port=8080,
    grpc_port=8081,
    metrics_port=8082,
    live_path="/v2/health/live",
    ready_path="/v2/models/{model}/ready",
    env=MappingProxyType(
        {
            "MLSERVER_MODELS_DIR": "/mnt/models",
            "MLSERVER_HOST": "0.0.0.0",
            "MLSERVER_HTTP_PORT": "8080",
            "MLSERVER_GRPC_PORT": "8081",
            "MLSERVER_METRICS_PORT": "8082",
            # One process a pod: the autoscaler adds pods, and a second copy of the model would double the memory.
            "MLSERVER_PARALLEL_WORKERS": "0",
            "MLSERVER_METRICS_DIR": "/tmp/metrics",
            "MLSERVER_ENVIRONMENTS_DIR": "/tmp/envs",
        }
    ),
    libraries=MappingProxyType(
        {"python": "3.10.12", "scikit-learn": "1.5.2", "numpy": "1.26.4", "pandas": "2.2.3", "joblib": "1.4.2"}
    ),
    # What mlserver and mlserver-sklearn ask for, and what that asks for, as far as a model or its modules may name it.
    # `_loss` is scikit-learn's: its compiled losses call themselves so.
    modules=frozenset(
        [
            "sklearn",
            "_loss",
            "numpy",
            "scipy",
            "pandas",
            "joblib",
            "threadpoolctl",
            "dateutil",
            "pytz",
            "tzdata",
            "six",
            "mlserver",
            "mlserver_sklearn",
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
        ]
    ),
    floor_mib=136,
    usual_mib=213,
)

RUNTIMES: Final[Mapping[str, Runtime]] = MappingProxyType({MLSERVER_SKLEARN.name: MLSERVER_SKLEARN})


def runtime(name: str) -> Runtime:
    """The preset of that name. Raises: UsageError naming those there are."""
    if name not in RUNTIMES:
        raise errors.UsageError(f"there is no runtime {name!r}", f"runtimes: {', '.join(RUNTIMES)}")
    return RUNTIMES[name]
