"""A pod's volumes as folders (0700) below the pod's own, filled from the API server.

emptyDir, configMap, secret, downwardAPI and projected volumes exist; sizes and file modes of the manifest are not
enforced, and what a config map holds is read once, at the pod's start. Any other kind is a VolumeError.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from eksprov.local.contract import Json
from eksprov.local.home import private_folder, write_private
from eksprov.local.node.containers.environment import ConfigMissingError, Sources, field_of, resource_of
from eksprov.local.node.rest import ApiError, KubeRest

TOKEN_S = 3607


class VolumeError(Exception):
    """A volume cannot be set up (event FailedMount); it is tried again."""


class Volumes:
    """Makes the folders of one pod's volumes."""

    def __init__(self, rest: KubeRest, folder: Path, pod: Json, status: Mapping[str, str]) -> None:
        self._rest = rest
        self._folder = folder
        self._pod = pod
        self._namespace = pod["metadata"]["namespace"]
        self._status = status

    async def prepare(self) -> dict[str, Path]:
        """Volume name to folder. Raises VolumeError."""
        folders: dict[str, Path] = {}
        for volume in self._pod["spec"].get("volumes", []):
            path = private_folder(self._folder / "volumes" / volume["name"])
            for name, content in (await self._files(volume)).items():
                target = path / name
                private_folder(target.parent)
                write_private(target, content)
            folders[volume["name"]] = path
        return folders

    async def _files(self, volume: Json) -> dict[str, bytes]:
        if "emptyDir" in volume:
            return {}
        if "projected" in volume:
            files: dict[str, bytes] = {}
            for source in volume["projected"].get("sources") or []:
                files |= await self._source(source)
            return files
        renamed = dict(volume)
        if "secret" in volume:
            renamed["secret"] = {"name": volume["secret"]["secretName"], **volume["secret"]}
        return await self._source(renamed)

    async def _source(self, source: Json) -> dict[str, bytes]:
        if "configMap" in source:
            return await self._object("configmaps", source["configMap"])
        if "secret" in source:
            return await self._object("secrets", source["secret"])
        if "serviceAccountToken" in source:
            return await self._token(source["serviceAccountToken"])
        if "downwardAPI" in source:
            return self._downward(source["downwardAPI"])
        kinds = sorted(set(source) - {"name"})
        raise VolumeError(f"the local world has no volumes of kind {', '.join(kinds)}")

    async def _object(self, plural: str, reference: Json) -> dict[str, bytes]:
        found = await read_object(self._rest, self._namespace, plural, reference["name"])
        if found is None:
            if reference.get("optional", False):
                return {}
            raise VolumeError(f'{plural[:-1]} "{reference["name"]}" not found')
        if not reference.get("items"):
            return found
        missing = [item["key"] for item in reference["items"] if item["key"] not in found]
        if missing and not reference.get("optional", False):
            raise VolumeError(f"references non-existent key {missing[0]} of {reference['name']}")
        return {item["path"]: found[item["key"]] for item in reference["items"] if item["key"] in found}

    async def _token(self, source: Json) -> dict[str, bytes]:
        metadata, spec = self._pod["metadata"], self._pod["spec"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        wish = {"expirationSeconds": source.get("expirationSeconds", TOKEN_S), "boundObjectRef": bound}
        if source.get("audience"):
            wish["audiences"] = [source["audience"]]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wish}
        account = spec.get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        try:
            answer = await self._rest.request("POST", path, body)
        except ApiError as error:
            raise VolumeError(f"no token for service account {account}: {error.reason}") from error
        return {source["path"]: answer["status"]["token"].encode()}

    def _downward(self, source: Json) -> dict[str, bytes]:
        containers = {one["name"]: one for one in self._pod["spec"]["containers"]}
        files = {}
        for item in source.get("items") or []:
            try:
                if "fieldRef" in item:
                    value = field_of(self._pod, item["fieldRef"]["fieldPath"], self._status)
                else:
                    reference = item["resourceFieldRef"]
                    value = resource_of(containers[reference["containerName"]], reference)
            except ConfigMissingError as error:
                raise VolumeError(str(error)) from error
            files[item["path"]] = value.encode()
        return files


async def read_object(rest: KubeRest, namespace: str, plural: str, name: str) -> dict[str, bytes] | None:
    """A config map's or secret's decoded data, or None where there is none."""
    try:
        found = await rest.get(f"/api/v1/namespaces/{namespace}/{plural}/{name}")
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    plain = found.get("data") or {}
    if plural == "secrets":
        return {key: base64.b64decode(value) for key, value in plain.items()}
    binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in plain.items()} | binary


async def environment_sources(rest: KubeRest, pod: Json, container: Json) -> Sources:
    """The config maps and secrets that a container's environment names."""
    namespace = pod["metadata"]["namespace"]
    origins = [variable.get("valueFrom") or {} for variable in container.get("env", [])]
    found: dict[str, dict[str, dict[str, str]]] = {}
    for plural, key, whole in (
        ("configmaps", "configMapKeyRef", "configMapRef"),
        ("secrets", "secretKeyRef", "secretRef"),
    ):
        names = {origin[key]["name"] for origin in origins if key in origin}
        names |= {source[whole]["name"] for source in container.get("envFrom", []) if whole in source}
        found[plural] = {}
        for name in sorted(names):
            data = await read_object(rest, namespace, plural, name)
            if data is not None:
                found[plural][name] = {item: value.decode("utf-8", "replace") for item, value in data.items()}
    return Sources(found["configmaps"], found["secrets"])


def mounts_of(container: Json, folders: Mapping[str, Path]) -> dict[str, Path]:
    """Mount path in the container to folder on this machine; `subPath` names a part of the volume."""
    mounts = {}
    for mount in container.get("volumeMounts", []):
        folder = folders[mount["name"]]
        part = mount.get("subPath", "")
        if part:
            folder = folder / part
            if not folder.exists():
                private_folder(folder)
        mounts[mount["mountPath"]] = folder
    return mounts
