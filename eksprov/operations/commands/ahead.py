"""What a plan means beyond its lines: its costs, what would stop it, and what is to be done about the models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eksprov.config.schema import Config
from eksprov.core.plan import Plan
from eksprov.operations.commands.costs import Forecast, costs, offline_forecast
from eksprov.operations.commands.forecast import forecast
from eksprov.operations.commands.model_plan import models_ahead, offline_models
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.operations.stack import Opened
from eksprov.pins.lockfile import Pins
from eksprov.state.store import StateStore


def look_ahead(opened: Opened, plan: Plan, prices_file: Path) -> Forecast:
    """Costs, findings and models of a plan; prices that were asked for are kept in the file."""
    opened.stack.progress.doing("looking at prices and quotas")
    ahead = forecast(opened, plan, prices_file)
    opened.stack.progress.doing("looking at the models")
    return replace(ahead, models=models_ahead(opened, plan))


def look_ahead_offline(config: Config, project: Path, store: StateStore, pins: Pins, plan: Plan) -> Forecast:
    """The same of an offline plan, by the package's prices and the record; nothing else is looked at."""
    return replace(offline_forecast(config, plan), models=offline_models(config, project, store, pins))


def cost(opened: Opened, prices_file: Path) -> Forecast:
    """What the stack costs now, and what it would cost as the config says."""
    opened.stack.progress.doing("reading what is there, and prices")
    found, note = costs(opened, make_plan(opened), prices_file)
    return Forecast(found, note=note)


def cost_offline(config: Config, store: StateStore, pins: Pins) -> Forecast:
    """The same of the record, by the package's prices."""
    return offline_forecast(config, offline_plan(config, store, pins))
