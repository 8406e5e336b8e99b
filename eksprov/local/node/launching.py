"""All that one run of a container needs, put together: environment, mounts, credentials, folder.

Container paths are made host paths here, since a process sees this machine's file system (`paths`).
"""

from __future__ import annotations

from pathlib import Path

from eksprov.local.contract import Json
from eksprov.local.home import private_folder
from eksprov.local.node.awscli import Caller, credentials_of
from eksprov.local.node.environment import environment, expand
from eksprov.local.node.executions import Launch
from eksprov.local.node.images import ModelServer, Recipe
from eksprov.local.node.logs import ContainerLog
from eksprov.local.node.paths import place, translate
from eksprov.local.node.standins import StandIn
from eksprov.local.node.tools import Scene, Tools
from eksprov.local.node.volumes import environment_sources, mounts_of


async def launch(tools: Tools, scene: Scene, spec: Json, recipe: Recipe, log: ContainerLog, ends: bool) -> Launch:
    """Prepare a run of the container `spec`, one that has to end if `ends`. Raises ConfigMissingError."""
    folder = private_folder(scene.folder / "run" / spec["name"])
    env: dict[str, str] = {}
    mounts: dict[str, Path] = {}
    if not isinstance(recipe, StandIn):
        sources = await environment_sources(tools.rest, scene.pod, spec)
        env = environment(spec, scene.pod, sources, scene.status)
        mounts = {"/tmp": folder, **mounts_of(spec, scene.volumes)}
    visible = {name: translate(value, mounts) for name, value in env.items()}
    if "MLSERVER_MODELS_DIR" in env:
        visible["MLSERVER_MODELS_DIR"] = str(place(env["MLSERVER_MODELS_DIR"], mounts, folder / "root"))
    if isinstance(recipe, ModelServer):
        visible = await tools.identity.environment(scene.who, folder, scene.node.region) | visible
    return Launch(
        name=f"{scene.who.namespace}/{scene.who.pod}/{spec['name']}",
        command=[expand(word, env) for word in spec.get("command") or []],
        args=[expand(word, env) for word in spec.get("args") or []],
        env=visible,
        mounts=mounts,
        folder=folder,
        log=log,
        caller=lambda: _caller(tools, scene, env),
        processes=tools.processes,
        ends=ends,
    )


def _caller(tools: Tools, scene: Scene, env: dict[str, str]) -> Caller:
    """Who an AWS command of this pod acts as (asks the AWS half, so it blocks)."""
    credentials = credentials_of(env, tools.identity.credentials(scene.who))
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or scene.node.region
    return Caller(credentials, tools.aws.endpoint_url(), region)
