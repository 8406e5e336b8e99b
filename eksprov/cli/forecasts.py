"""What the commands that look ahead ask for: costs and preflight, over `operations.forecast`."""

from __future__ import annotations

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
        """What a plan costs and what would stop it."""
        from eksprov.operations.forecast import forecast

        opened = self._backend.opened(display, mint=False)
        display.doing("looking at prices and quotas")
        return forecast(opened, plan, self._prices_file())

    def offline(self, plan: Plan) -> Forecast:
        """What a plan costs by the package's prices; nothing else is looked at."""
        from eksprov.operations.costs import Forecast, offline_costs

        return Forecast(offline_costs(self._backend.config, plan))

    def costs(self, display: Display) -> Forecast:
        """What the stack costs now, and what it would cost as the config says."""
        from eksprov.operations.costs import Forecast, costs
        from eksprov.operations.plan import make_plan

        opened = self._backend.opened(display, mint=False)
        display.doing("reading what is there, and prices")
        cost, note = costs(opened, make_plan(opened), self._prices_file())
        return Forecast(cost, note=note)

    def doctor(self, display: Display) -> Findings:
        """Everything that preflight finds."""
        from eksprov.operations.forecast import doctor
        from eksprov.operations.plan import make_plan

        opened = self._backend.opened(display, mint=False)
        display.doing("reading quotas, offerings, versions and names")
        return doctor(opened, make_plan(opened), self._prices_file())

    def _prices_file(self) -> Path:
        from eksprov.cost.cache import default_path

        return default_path(self._backend.desk.environ)
