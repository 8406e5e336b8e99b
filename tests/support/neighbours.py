"""Stacks beside one another in one account: in two regions under one name, and under names that begin alike."""

from __future__ import annotations

import json
from dataclasses import replace

from eksprov.config.schema import Config
from support.account import Account
from support.memory_journal import MemoryJournal
from support.stage import MemoryStore, Stage, quick_start, reserve

ELSEWHERE = "us-east-1"
ZONES = {"usw2-": "use1-"}
_ACCOUNTS: dict[str, Account] = {}


def with_model(config: Config, name: str, region: str = "us-west-2") -> Config:
    """The config under another name, in another region, with the quick start's model."""
    text = json.dumps({**config.model_dump(mode="json", exclude_unset=True), "name": name})
    if region != "us-west-2":
        for here, there in {"us-west-2": region, **ZONES}.items():
            text = text.replace(here, there)
    moved = Config.model_validate_json(text)
    return moved.model_copy(update={"models": quick_start().models})


def beside(stage: Stage, config: Config) -> Stage:
    """Another stack in the same account, run from another machine: it shares nothing with the first but AWS."""
    account = stage.account
    if config.region != account.region:
        account = _ACCOUNTS.setdefault(config.region, Account(config.region))
        reserve(stage.emulator, config, "use1-az1")
    return replace(
        stage, account=account, config=config, store=MemoryStore(config.name), journal=MemoryJournal(), minted=["taken"]
    )
