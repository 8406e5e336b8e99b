"""What the options that many commands share say, and what they lead to: the config, its lock file, its state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eksprov.errors import UsageError

if TYPE_CHECKING:
    from eksprov.config.schema import Config
    from eksprov.pins.lockfile import Pins

DEFAULT_CONFIG = Path("eksprov.yaml")


@dataclass(frozen=True)
class Settings:
    """What the shared options say; None where the config or the environment decides."""

    config: Path = DEFAULT_CONFIG
    profile: str | None = None
    region: str | None = None
    verbose: bool = False

    def words(self) -> tuple[str, ...]:
        """The options that say the same again; nothing for what is the default anyway."""
        words: list[str] = []
        if self.config != DEFAULT_CONFIG:
            words += ["--config", str(self.config)]
        if self.profile is not None:
            words += ["--profile", self.profile]
        if self.region is not None:
            words += ["--region", self.region]
        return tuple(words)

    def read_config(self) -> Config:
        """The config, with --region in place of its own. Raises: ConfigError with every problem, UsageError."""
        from pydantic import ValidationError

        from eksprov.config.load import load
        from eksprov.config.schema import Config

        config = load(self.config)
        if self.region is None:
            return config
        try:
            return Config.model_validate({**config.model_dump(), "region": self.region})
        except ValidationError as error:
            raise UsageError(f"--region: {self.region!r} is not a region's name", "such as us-west-2") from error

    def pins(self) -> Pins:
        """What the lock file beside the config says; nothing where there is none. Raises: UsageError."""
        from eksprov.pins import lockfile

        return lockfile.read(lockfile.beside(self.config)) or lockfile.NONE

    @property
    def state_folder(self) -> Path:
        """Where the stacks' states lie: beside the config file."""
        return self.config.absolute().parent / "state"
