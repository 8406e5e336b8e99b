"""All that one run of a container needs, put together: environment, mounts, credentials, folder.

Container paths are made host paths here, since a process sees this machine's file system (`paths`).
"""

from __future__ import annotations

from pathlib import Path

from eksprov.local.contract import Json
from eksprov.local.home import private_folder
from eksprov.local.node.containers.awscli import Caller, credentials_of
from eksprov.local.node.containers.environment import environment, expand
from eksprov.local.node.containers.executions import Launch
from eksprov.local.node.containers.logs import ContainerLog
from eksprov.local.node.containers.paths import place, translate
from eksprov.local.node.containers.standins import Server, StandIn
from eksprov.local.node.containers.tools import Scene, Tools
from eksprov.local.node.containers.volumes import environment_sources, mounts_of


async def launch(tools: Tools, scene: Scene, spec: Json, stand_in: StandIn, log: ContainerLog, ends: bool) -> Launch:
    """Prepare a run of the container `spec`, one that has to end if `ends`. Raises ConfigMissingError."""
    folder = private_folder(scene.folder / "run" / spec["name"])
    env: dict[str, str] = {}
    mounts: dict[str, Path] = {}
    if stand_in.runs is not None:
        sources = await environment_sources(tools.rest, scene.pod, spec)
        env = environment(spec, scene.pod, sources, scene.status)
        mounts = {"/tmp": folder, **mounts_of(spec, scene.volumes)}
    visible = {name: translate(value, mounts) for name, value in env.items()}
    if isinstance(stand_in.runs, Server):
        variable = stand_in.runs.folder_variable
        if variable in env:
            visible[variable] = str(place(env[variable], mounts, folder / "root"))
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
