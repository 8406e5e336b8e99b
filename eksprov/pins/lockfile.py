"""`<config>.lock.yaml`, beside the config: what it says, and how it is written. No secret is in it: it is to be shared.

Entries are sorted, so that two people who lock the same get the same file. What nobody could resolve is listed by name
and has no value: nothing in this file is a guess.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eksprov.errors import UsageError, cure, unwritable

SCHEMA = 1
LARGEST = 1024 * 1024  # bytes
READABLE = 0o644
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
NAME = re.compile(r"\S{1,512}")
HEAD = """\
# What this stack is held to: versions of add-ons and node images, digests of container images.
# `eksprov lock` adds what is missing, `eksprov lock --upgrade` moves everything to what is newest now.
"""


@dataclass(frozen=True)
class Pins:
    """Add-ons by name, node groups by name, images as eksprov names them; `where` is the file they were read from."""

    kubernetes_version: str = ""
    addons: Mapping[str, str] = field(default_factory=dict)
    node_releases: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    unresolved: tuple[str, ...] = ()
    where: str = field(default="", compare=False)


NONE = Pins()


def beside(config: Path) -> Path:
    """The lock file of a config file."""
    return config.with_name(f"{config.stem}.lock.yaml")


def read(path: Path) -> Pins | None:
    """What the file says; None where there is none. Raises: UsageError naming what is wrong with it."""
    import yaml

    from eksprov.config.document import plain

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _wrong(path, "it is larger than any lock file")
        found = plain(data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", cure(error)) from error
    except yaml.YAMLError as error:
        raise _wrong(path, "it is no YAML") from error
    return _parsed(path, found)


def encode(pins: Pins) -> str:
    import yaml

    body = {
        "schema": SCHEMA,
        "kubernetes_version": pins.kubernetes_version,
        "addons": dict(sorted(pins.addons.items())),
        "node_releases": dict(sorted(pins.node_releases.items())),
        "images": dict(sorted(pins.images.items())),
        "unresolved": sorted(pins.unresolved),
    }
    return HEAD + str(yaml.safe_dump(body, sort_keys=False, width=1000))


def write(path: Path, pins: Pins) -> None:
    """Put the file in place as a whole, readable by all. Raises: UsageError where the folder refuses."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, READABLE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), READABLE)
            file.write(encode(pins))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def _parsed(path: Path, found: Any) -> Pins:
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise _wrong(path, f"it is not of schema {SCHEMA}")
    known = {"schema", "kubernetes_version", "addons", "node_releases", "images", "unresolved"}
    if strange := sorted(str(key) for key in found.keys() - known):
        raise _wrong(path, f"it has an unknown key, {strange[0]}")
    version, unresolved = found.get("kubernetes_version", ""), found.get("unresolved") or []
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise _wrong(path, "kubernetes_version is no version")
    if not isinstance(unresolved, list) or not all(isinstance(one, str) for one in unresolved):
        raise _wrong(path, "unresolved is no list of names")
    return Pins(
        kubernetes_version=version,
        addons=_texts(path, found, "addons", VERSION),
        node_releases=_texts(path, found, "node_releases", VERSION),
        images=_texts(path, found, "images", DIGEST),
        unresolved=tuple(unresolved),
        where=str(path),
    )


def _texts(path: Path, found: Mapping[str, Any], key: str, form: re.Pattern[str]) -> dict[str, str]:
    texts = found.get(key) or {}
    if not isinstance(texts, dict):
        raise _wrong(path, f"{key} is no mapping")
    for name, value in texts.items():
        if not (isinstance(name, str) and NAME.fullmatch(name) and isinstance(value, str) and form.fullmatch(value)):
            raise _wrong(path, f"{key}: {name}: {value!r} is no {'digest' if form is DIGEST else 'version'}")
    return texts


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is no lock file: {why}", "delete it, then write it anew with `eksprov lock`")
