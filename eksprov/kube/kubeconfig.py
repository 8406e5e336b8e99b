"""One cluster's entry in a kubeconfig file: put in, taken out, everything else left as it was.

The entry carries no secret: it names a command that makes a token when kubectl asks for one
(https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins). The command is
an absolute interpreter, so that it works from any folder and with no PATH.

`merged` and `without` are pure. `write_entry` and `remove_entry` change one file under a lock: the new one is made 0600
beside the old one, through no link, and renamed over it, so a crash leaves the old one whole.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eksprov import errors
from eksprov.home import home
from eksprov.kube.token import EXEC_API_VERSION

LOCK_TIMEOUT_S = 10.0
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """What a kubeconfig says of one cluster."""

    name: str  # shared by its cluster, user and context
    server: str  # address of the API server, https://…
    ca_data: str  # the server's certificate authority, base64 of PEM
    cluster_name: str  # as EKS knows it, for the token
    region: str
    python: str  # absolute path of the interpreter that makes tokens
    env: Mapping[str, str] = field(default_factory=dict)
    """What the token command needs: AWS profile, or the local world's endpoint and keys, no secrets."""
    namespace: str = ""  # the context's; empty: "default"

    def cluster(self) -> dict[str, Any]:
        """Where the API server is and how to know it."""
        return {"server": self.server, "certificate-authority-data": self.ca_data}

    def user(self) -> dict[str, Any]:
        """The entry's user: the command that makes a token, and its environment."""
        arguments = ["-m", "eksprov", "token", "--cluster-name", self.cluster_name, "--region", self.region]
        command: dict[str, Any] = {
            "apiVersion": EXEC_API_VERSION,
            "command": self.python,
            "args": arguments,
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
        if self.env:
            command["env"] = [{"name": key, "value": value} for key, value in sorted(self.env.items())]
        return {"exec": command}

    def context(self) -> dict[str, Any]:
        pair = {"cluster": self.name, "user": self.name}
        return {**pair, "namespace": self.namespace} if self.namespace else pair


def context_of(stack: str) -> str:
    """The name of a stack's cluster, user and context in a kubeconfig."""
    return f"eksprov-{stack}"


def default_path(environ: Mapping[str, str]) -> Path:
    """The first path that KUBECONFIG names, else ~/.kube/config. Raises: UsageError where no home folder is known."""
    named = next((part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part), "")
    if named.startswith("~/"):
        return home(environ) / named[2:]
    return Path(named) if named else home(environ) / ".kube" / "config"


def merged(document: Document, entry: Entry, *, select: bool = True) -> dict[str, Any]:
    """The document with the entry put in, or put in place of the one of its name; `select` makes it the current one."""
    result = {"apiVersion": "v1", "kind": "Config", **document}
    for section, key, value in (
        ("clusters", "cluster", entry.cluster()),
        ("contexts", "context", entry.context()),
        ("users", "user", entry.user()),
    ):
        result[section] = _put(result.get(section) or [], {"name": entry.name, key: value})
    if select or not result.get("current-context"):
        result["current-context"] = entry.name
    return result


def without(document: Document, name: str) -> dict[str, Any]:
    """The document without the entry of that name; current-context is emptied if it named it."""
    result = dict(document)
    for section in ("clusters", "contexts", "users"):
        if section in result:
            result[section] = [item for item in result[section] or [] if item.get("name") != name]
    if result.get("current-context") == name:
        result["current-context"] = ""
    return result


def write_entry(path: Path, entry: Entry, *, select: bool = True) -> None:
    """Put the entry into the file, which is made when missing.

    Raises: UsageError when the file is no kubeconfig or cannot be written; nothing has changed then.
    """
    _rewrite(path, lambda document: merged(document, entry, select=select))


def has_entry(path: Path, name: str, server: str) -> bool:
    """Whether the file has the entry of that name, and it leads to that API server; a file that is none has nothing."""
    try:
        document = _read(_resolved(path))
    except (OSError, errors.UsageError):
        return False
    clusters = [item.get("cluster") for item in document.get("clusters") or () if item.get("name") == name]
    return any(isinstance(cluster, dict) and cluster.get("server") == server for cluster in clusters)


def remove_entry(path: Path, name: str) -> bool:
    """Take the entry out of the file; whether there was one. Raises: UsageError, as `write_entry`."""
    if not path.exists():
        return False
    return _rewrite(path, lambda document: without(document, name))


def _put(items: list[Any], item: dict[str, Any]) -> list[Any]:
    names = [one.get("name") for one in items]
    if item["name"] not in names:
        return [*items, item]
    return [item if one.get("name") == item["name"] else one for one in items]


def _rewrite(path: Path, change: Callable[[Document], dict[str, Any]]) -> bool:
    import yaml
    from filelock import FileLock, Timeout

    path = _resolved(path)
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        with FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT_S, mode=0o600):
            before = _read(path)
            after = change(before)
            if after == before:
                return False
            _write(path, yaml.safe_dump(after, sort_keys=False, allow_unicode=True))
            return True
    except Timeout as error:
        raise errors.UsageError(f"{path} is locked by another program", "try again in a moment") from error
    except OSError as error:
        raise errors.unwritable(path, error, "choose another file with --file") from error


def _resolved(path: Path) -> Path:
    """Where a file that is a link of the user's own making really lies, so that the link stays one."""
    return path.resolve() if path.is_symlink() else path.absolute()


def _read(path: Path) -> dict[str, Any]:
    import yaml

    from eksprov.config.document import plain

    try:
        text = path.read_text(encoding="utf-8")
        document = plain(text)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f" (line {place.line + 1})" if place is not None else ""
        raise _malformed(path, f"is no YAML{line}") from error
    document = {} if document is None else document
    if not isinstance(document, dict):
        raise _malformed(path, "is no kubeconfig: it holds no mapping")
    for section in ("clusters", "contexts", "users"):
        items = document.get(section) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise _malformed(path, f"is no kubeconfig: {section} is not a list of mappings")
    return document


def _malformed(path: Path, what: str) -> errors.UsageError:
    return errors.UsageError(f"{path} {what}; nothing was changed", "mend the file, or choose another with --file")


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(
        draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR
    )
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
