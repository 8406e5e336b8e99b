"""What the commands that look ahead ask for: costs and preflight, over `operations.forecast`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from eksprov.cli.backend import Backend
    from eksprov.cli.progress import Display
    from eksprov.core.plan import Plan
    from eksprov.operations.costs import Forecast
    from eksprov.preflight.findings import Findings


class Forecasts:
    """The part of a backend that foresees."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def of(self, plan: Plan, display: Display) -> Forecast:
        """What a plan costs, what would stop it, and what is to be done about the models."""
        from eksprov.operations.forecast import forecast
        from eksprov.operations.model_plan import models_ahead

        opened = self._backend.opened(display, mint=False)
        display.doing("looking at prices and quotas")
        ahead = forecast(opened, plan, self._prices_file())
        display.doing("looking at the models")
        return replace(ahead, models=models_ahead(opened, plan))

    def of_record(self, plan: Plan) -> Forecast:
        """The same of an offline plan, by the package's prices and the record; nothing else is looked at."""
        from eksprov.operations.model_plan import offline_models

        backend = self._backend
        models = offline_models(backend.config, backend.project, backend.store, backend.desk.pins())
        return replace(self.offline(plan), models=models)

    def offline(self, plan: Plan) -> Forecast:
        """What a plan costs by the package's prices; nothing else is looked at."""
        from eksprov.operations.costs import offline_forecast

        return offline_forecast(self._backend.config, plan)

    def costs(self, display: Display) -> Forecast:
        """What the stack costs now, and what it would cost as the config says."""
        from eksprov.operations.costs import Forecast, costs
        from eksprov.operations.plan import make_plan

        opened = self._backend.opened(display, mint=False)
        display.doing("reading what is there, and prices")
        cost, note = costs(opened, make_plan(opened), self._prices_file())
        return Forecast(cost, note=note)

    def doctor(self, display: Display) -> Findings:
        from eksprov.operations.forecast import doctor
        from eksprov.operations.plan import make_plan

        opened = self._backend.opened(display, mint=False)
        display.doing("reading quotas, offerings, versions and names")
        return doctor(opened, make_plan(opened), self._prices_file())

    def _prices_file(self) -> Path:
        from eksprov.cost.cache import default_path

        return default_path(self._backend.desk.environ)
