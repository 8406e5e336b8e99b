"""A team with a VPC of its own: the one of the example `existing-vpc`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eksprov.config.load import load
from eksprov.config.schema import Config
from support.configs import EXAMPLES
from support.stage import MemoryStore, Stage, Theatre


def prepare() -> Any:
    """The example's script, as a module."""
    spec = importlib.util.spec_from_file_location("prepare", EXAMPLES / "existing-vpc" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Team:
    """An account in which a team has a VPC; `config` names it; `before` is the account as the team knows it."""

    stage: Stage
    config: Config
    ids: dict[str, Any]
    before: dict[str, list[str]]

    @property
    def ec2(self) -> Any:
        return self.stage.account.plain("ec2")

    def again(self) -> None:
        """The team has changed something; that is how it is now."""
        self.before = self.stage.world()


@contextmanager
def team_of(theatre: Theatre, folder: Path) -> Iterator[Team]:
    """The VPC is made by the example's own script, and the example's config names it."""
    with theatre.stage() as stage:
        script, ec2, copy = prepare(), stage.account.plain("ec2"), folder / "eksprov.yaml"
        ids = script.make(ec2, stage.clock.sleep)
        copy.write_text((EXAMPLES / "existing-vpc" / "eksprov.yaml").read_text())
        script.write(ids, copy)
        config = load(copy)
        stage.store = MemoryStore(config.name)
        yield Team(stage, config, ids, stage.world())
