"""Where a stack lives: which world a config's `target` means, and how it is reached.

`local` is the world on this machine, started when a command needs it, with keys of its own; `aws` is whatever the
ordinary credential chain, profile, region and AWS_ENDPOINT_URL lead to. Both give the same `Connection`, and nothing
below this module asks which it was.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from eksprov import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eksprov.cli.console import Console
    from eksprov.cli.display.progress import Display
    from eksprov.config.schema import Config

LOCAL_KEYS = "test"  # key id and secret of the local world's administrator; it only listens on this machine
KEYS_ONLY = "EKSPROV_TOKEN_KEYS_FROM_ENV"  # `eksprov token` then reads neither profiles nor files
LOCAL_PACKAGES = ("moto", "psutil", "aiohttp")  # of the extra `local`, those it cannot begin without
WATCH_S = 1.0
WORLD_RUNS = "the local world runs (`eksprov local down` ends it)"


@dataclass(frozen=True)
class Connection:
    """A boto3 Session, where it leads, and what `eksprov token` needs in its environment to lead there too."""

    session: Any
    endpoint_url: str | None = None
    speed: float = 1.0
    token_env: Mapping[str, str] = field(default_factory=dict)


class StackPlace(Protocol):
    """Where a stack lives. `paid`: changes cost money, so commands ask first."""

    name: str
    paid: bool

    def connect(self, display: Display) -> Connection: ...

    def creating(self, display: Display) -> AbstractContextManager[None]:
        """While inside, whatever a cluster will need is made ready beside the steps, and shown."""
        ...

    def release(self) -> bool:
        """End what serves no stack any more; whether there was something to end."""
        ...


def place_of(config: Config, console: Console) -> StackPlace:
    """The world that the config means."""
    if config.target == "local":
        return LocalPlace(config, console.settings.state_folder, console.environ, begins=console.begins)
    return AwsPlace(config, console.settings.profile, console.environ)


@dataclass
class AwsPlace:
    """The real thing, or anything else that speaks its protocols at AWS_ENDPOINT_URL."""

    config: Config
    profile: str | None
    environ: Mapping[str, str]
    name: str = "AWS"
    paid: bool = True

    def connect(self, display: Display) -> Connection:
        """The ordinary chain. Raises: AccessError when the profile, UsageError when the region does not exist."""
        import boto3

        from eksprov.aws.faults import translated
        from eksprov.aws.regions import refuse_unknown_region

        refuse_unknown_region(self.config.region)
        with translated("open an AWS session"):
            session = boto3.Session(profile_name=self.profile, region_name=self.config.region)
        profile = self.profile or self.environ.get("AWS_PROFILE", "")
        named = {"AWS_PROFILE": profile, "AWS_ENDPOINT_URL": self.environ.get("AWS_ENDPOINT_URL", "")}
        return Connection(session, token_env={key: value for key, value in named.items() if value})

    @contextmanager
    def creating(self, display: Display) -> Iterator[None]:
        yield

    def release(self) -> bool:
        return False


@dataclass
class LocalPlace:
    """The world on this machine, started as soon as somebody connects."""

    config: Config
    state_folder: Path
    environ: Mapping[str, str]
    name: str = "local world"
    paid: bool = False
    begins: Callable[[str], None] = lambda _: None  # told what is so from now on, whatever becomes of the command

    def connect(self, display: Display) -> Connection:
        """Start the AWS side, or find it. Raises: LocalWorldError, UsageError where its packages are missing."""
        from eksprov.aws.regions import refuse_unknown_region

        refuse_unknown_region(self.config.region)
        info = start_local(self.config, self.state_folder, self.environ, display, begins=self.begins)
        return Connection(
            session=keys_only_session(self.config.region),
            endpoint_url=info.url,
            speed=info.speed,  # a running world keeps the speed it was started with
            token_env={
                "AWS_ACCESS_KEY_ID": LOCAL_KEYS,
                "AWS_SECRET_ACCESS_KEY": LOCAL_KEYS,
                "AWS_SESSION_TOKEN": "",
                "AWS_ENDPOINT_URL": info.url,
                KEYS_ONLY: "1",
            },
        )

    @contextmanager
    def creating(self, display: Display) -> Iterator[None]:
        """Have Kubernetes found, or built, from now on, and show how far it is."""
        world = local_world()
        world.prefetch(self.state_folder, self.environ)

        def building() -> str:
            return str(world.status(self.state_folder, self.environ)["kubernetes"])

        with watched(building, "kubernetes", display):
            yield

    def release(self) -> bool:
        """End the local world once no stack's state is left beside it, nor a cluster in it (EKSPROV_LOCAL_HOME may
        give several projects one world)."""
        world = local_world()
        if states(self.state_folder) or world.status(self.state_folder, self.environ)["clusters"]:
            return False
        return bool(world.down(self.state_folder, self.environ))


def local_world() -> ModuleType:
    """The local world's functions. Raises: UsageError where the packages that it is made of are not installed."""
    missing = [name for name in LOCAL_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        from eksprov.local.extra import cure

        raise errors.UsageError(
            f"the local world needs packages that are not installed ({', '.join(missing)})",
            f"{cure()}; or set target: aws in the config",
        )
    from eksprov.local import world

    return world


def start_local(
    config: Config,
    folder: Path,
    environ: Mapping[str, str],
    display: Display,
    *,
    keep: bool = False,
    begins: Callable[[str], None] = lambda _: None,
) -> Any:
    """The local world of a state folder, started or found, with the config's faults on, and said what is on.

    With `keep` it stays until it is ended by hand; else it ends by itself once nobody needs it. `begins` is told that
    it runs.

    Raises: LocalWorldError, UsageError for a fault that is not emulated.
    """
    from eksprov.cost.price_list import products

    world = local_world()
    display.doing("starting the local world")
    info = world.up(folder, config.local.speed, environ, products=products, keep=keep)
    begins(WORLD_RUNS)
    said = config.local
    found = world.set_faults(folder, environ, said.faults, said.fault_seed, config.region, by="config")
    if on := [*found["on_by_config"], *found["on"]]:
        display.note(f"switched on in the local world: {', '.join(on)}")
    return info


def states(folder: Path) -> list[Path]:
    """The stacks' state files in a folder."""
    return [path for path in sorted(folder.glob("*.json")) if not path.name.endswith(".lock.json")]


@contextmanager
def watched(ask: Callable[[], str], name: str, display: Display) -> Iterator[None]:
    """Ask for a line every second and show it beside the steps, until the block ends."""
    over = threading.Event()

    def look() -> None:
        while True:
            with contextlib.suppress(errors.EksprovError):  # the run itself will say what has become of the world
                said = ask()
                if not over.is_set():
                    display.aside(name, said)
            if over.wait(WATCH_S):
                return

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(WATCH_S)  # a world that does not answer is not waited for
        display.aside(name, "")


def keys_only_session(region: str, keys: tuple[str, str] = (LOCAL_KEYS, LOCAL_KEYS)) -> Any:
    """A boto3 Session with these keys that no profile, file or variable of the user can lead astray."""
    import boto3

    return boto3.Session(
        aws_access_key_id=keys[0], aws_secret_access_key=keys[1], region_name=region, botocore_session=bare_session()
    )


def bare_session() -> Any:
    """A botocore session that reads no profile and no file."""
    import os

    import botocore.session

    nothing = (None, None, os.devnull, None)
    profile = (None, None, None, None)
    return botocore.session.Session(
        session_vars={"config_file": nothing, "credentials_file": nothing, "profile": profile}
    )
