"""What a command does, without the terminal: plan, provision, teardown, deploy and undeploy models.

`stack` opens a stack (state, identity, what is settled, steps); `apply` walks steps and records each outcome;
`commands` has what the command line asks for, which the names below lead to. The other modules are what holds for every
run. The command line and the tests call the same functions.

A function is loaded when it is first asked for by its name: `operations.make_plan`. Most take a second of imports.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eksprov.operations.commands.ahead import cost as cost
    from eksprov.operations.commands.ahead import cost_offline as cost_offline
    from eksprov.operations.commands.ahead import look_ahead as look_ahead
    from eksprov.operations.commands.ahead import look_ahead_offline as look_ahead_offline
    from eksprov.operations.commands.forecast import find as find
    from eksprov.operations.commands.invocation import invoke as invoke
    from eksprov.operations.commands.model_logs import logs as logs
    from eksprov.operations.commands.models import deploy as deploy
    from eksprov.operations.commands.models import listed as listed
    from eksprov.operations.commands.models import plan_models as plan_models
    from eksprov.operations.commands.models import undeploy as undeploy
    from eksprov.operations.commands.models import undeployment as undeployment
    from eksprov.operations.commands.plan import make_plan as make_plan
    from eksprov.operations.commands.plan import offline_plan as offline_plan
    from eksprov.operations.commands.provision import provision as provision
    from eksprov.operations.commands.removal import removal as removal
    from eksprov.operations.commands.status import statuses as statuses
    from eksprov.operations.commands.teardown import teardown as teardown

_PLACES = {
    "cost": "ahead",
    "cost_offline": "ahead",
    "find": "forecast",
    "invoke": "invocation",
    "logs": "model_logs",
    "look_ahead": "ahead",
    "look_ahead_offline": "ahead",
    **dict.fromkeys(("deploy", "listed", "plan_models", "undeploy", "undeployment"), "models"),
    **dict.fromkeys(("make_plan", "offline_plan"), "plan"),
    "provision": "provision",
    "removal": "removal",
    "statuses": "status",
    "teardown": "teardown",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.commands.{_PLACES[name]}"), name)
