"""A bug's traceback goes to a file that only its user can read, with secrets blotted out."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from eksprov import __version__
from eksprov.errors import UsageError
from eksprov.home import home

# Key ids: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_SECRETS = (
    re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b"),
    re.compile(r"k8s-aws-v1\.[A-Za-z0-9_=-]+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    re.compile(r"(?<=X-Amz-Signature=)[^&\s'\"]+", re.IGNORECASE),
    re.compile(r"(?<=X-Amz-Security-Token=)[^&\s'\"]+", re.IGNORECASE),
    re.compile(r"(?<=X-Amz-Credential=)[^&\s'\"]+", re.IGNORECASE),
    re.compile(r"(?<=Signature=)[0-9a-f]{16,}"),
    re.compile(r"(?<=Bearer )[^\s'\"]+"),
    re.compile(
        r"(?<![A-Za-z])(?:aws_?)?(?:secret_?access_?key|session_?token|security_?token|secret_?key|password|token)"
        r"['\"]?\s*[=:]\s*['\"]?[^\s'\",)}]+",
        re.IGNORECASE,
    ),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    re.compile(
        r"(?<![A-Za-z0-9/+.-])(?=[A-Za-z0-9/+]*[A-Z])(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=.-])"
    ),
)


def redacted(text: str) -> str:
    """The text without anything that looks like a key, a token or a signature."""
    for pattern in _SECRETS:
        text = pattern.sub("[redacted]", text)
    return text


def log_folder(environ: Mapping[str, str]) -> Path:
    """Where logs lie: `eksprov/logs` below XDG_STATE_HOME (https://specifications.freedesktop.org/basedir-spec/)."""
    chosen = environ.get("XDG_STATE_HOME", "")
    return (Path(chosen) if os.path.isabs(chosen) else home(environ) / ".local/state") / "eksprov" / "logs"


def write_crash(error: BaseException, arguments: list[str], environ: Mapping[str, str]) -> Path | None:
    """Write the traceback, 0600, and return the file; None when the disk refuses."""
    now = datetime.now(UTC)
    text = "".join(traceback.format_exception(error))
    head = f"eksprov {__version__} at {now:%Y-%m-%dT%H:%M:%SZ}\narguments: {arguments}\n\n"
    try:
        path = log_folder(environ) / f"crash-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(redacted(head + text))
    except (OSError, UsageError):
        return None
    return path
