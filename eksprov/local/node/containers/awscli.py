"""The one thing the AWS CLI image is used for here: fetching a prefix of a bucket into a folder.

`aws s3 sync s3://bucket/prefix FOLDER` and `aws s3 cp --recursive` are understood, with the options of
`OPTIONS`; what is printed and the exit codes follow the CLI
(https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html,
https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html). No shell, no other command.
"""

from __future__ import annotations

import fnmatch
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eksprov.local.contract import PodCredentials

EXIT_FAILED = 1
EXIT_USAGE = 252
EXIT_TERMINATED = 143
CHUNK_BYTES = 1024**2
PARALLEL = 8

SWITCHES = {"--recursive", "--no-progress", "--only-show-errors", "--quiet", "--delete", "--exact-timestamps"}
SWITCHES |= {"--size-only", "--no-cli-pager", "--no-follow-symlinks", "--follow-symlinks"}
OPTIONS = {"--region", "--exclude", "--include", "--endpoint-url", "--output", "--cli-read-timeout"}
OPTIONS |= {"--cli-connect-timeout", "--page-size"}
CONTEXT = "the local world carries out only `aws s3 sync|cp --recursive s3://BUCKET/PREFIX FOLDER` of this image"


class CommandError(Exception):
    """The container's command is not the one that is understood."""


@dataclass(frozen=True)
class Fetch:
    """Copy `bucket/prefix` into `folder`; `filters` are (include?, pattern) as given."""

    bucket: str
    prefix: str
    folder: str
    sync: bool = True
    quiet: bool = False
    region: str = ""
    filters: tuple[tuple[bool, str], ...] = ()
    shown: str = ""  # the folder as the container calls it

    def wanted(self, name: str) -> bool:
        """Whether the filters let `name` (relative to the prefix) through; the last match decides."""
        verdict = True
        for include, pattern in self.filters:
            if fnmatch.fnmatchcase(name, pattern):
                verdict = include
        return verdict


@dataclass
class _Words:
    positional: list[str] = field(default_factory=list)
    switches: set[str] = field(default_factory=set)
    values: list[tuple[str, str]] = field(default_factory=list)


def parse(command: list[str], args: list[str]) -> Fetch:
    """Understand a container's command and args; the image's entrypoint is `aws`. Raises CommandError."""
    words = [*(command or ["aws"]), *args]
    if os.path.basename(words[0]) != "aws":
        raise CommandError(f'exec: "{words[0]}": {CONTEXT}')
    split = _split(words[1:])
    if split.positional[:1] != ["s3"] or split.positional[1:2] not in (["sync"], ["cp"]):
        raise CommandError(f"aws {' '.join(split.positional[:2])}: {CONTEXT}")
    verb, places = split.positional[1], split.positional[2:]
    if len(places) != 2 or not places[0].startswith("s3://") or places[1].startswith("s3://"):
        raise CommandError(f"aws s3 {verb} {' '.join(places)}: {CONTEXT}")
    if verb == "cp" and "--recursive" not in split.switches:
        raise CommandError(f"aws s3 cp without --recursive: {CONTEXT}")
    bucket, _, prefix = places[0].removeprefix("s3://").partition("/")
    return Fetch(
        bucket=bucket,
        prefix=prefix if not prefix or prefix.endswith("/") else prefix + "/",
        folder=places[1],
        sync=verb == "sync",
        quiet=bool(split.switches & {"--quiet", "--only-show-errors"}),
        region=dict(split.values).get("--region", ""),
        filters=tuple((n == "--include", v) for n, v in split.values if n in ("--include", "--exclude")),
    )


def _split(words: list[str]) -> _Words:
    split = _Words()
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            split.positional.append(word)
        elif word in SWITCHES:
            split.switches.add(word)
        elif name in OPTIONS:
            given = value if equals else next(rest, None)
            if given is None:
                raise CommandError(f"aws: argument {name}: expected one argument")
            split.values.append((name, given))
        else:
            raise CommandError(f"Unknown options: {word} ({CONTEXT})")
    return split


@dataclass(frozen=True)
class Caller:
    """Who fetches, and from where."""

    credentials: PodCredentials | None
    endpoint_url: str
    region: str


def credentials_of(env: Mapping[str, str], pod: PodCredentials | None) -> PodCredentials | None:
    """The SDK's order: keys in the environment win over the pod identity's."""
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        token = env.get("AWS_SESSION_TOKEN", "")
        return PodCredentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], token)
    return pod


def run(fetch: Fetch, caller: Caller, say: Callable[[str], None], cancelled: threading.Event) -> int:
    """Carry it out (blocking); lines go to `say`, the exit code comes back."""
    if caller.credentials is None:
        say("fatal error: Unable to locate credentials")
        return EXIT_FAILED
    from botocore.exceptions import BotoCoreError, ClientError

    client = _client(caller, fetch)
    try:
        objects = [one for one in _listing(client, fetch) if not _present(fetch, one)]
    except (ClientError, BotoCoreError) as error:
        say(f"fatal error: {error}")
        return EXIT_FAILED
    codes: list[int] = []
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="s3-fetch") as pool:
        codes.extend(pool.map(lambda one: _download(client, fetch, one, say, cancelled), objects))
    return max(codes, default=0)


def _client(caller: Caller, fetch: Fetch) -> Any:
    import boto3
    from botocore.config import Config

    assert caller.credentials is not None
    return boto3.Session().client(
        "s3",
        endpoint_url=caller.endpoint_url,
        region_name=fetch.region or caller.region,
        aws_access_key_id=caller.credentials.access_key_id,
        aws_secret_access_key=caller.credentials.secret_access_key,
        aws_session_token=caller.credentials.token or None,
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=PARALLEL, proxies={}),
    )


def _listing(client: Any, fetch: Fetch) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=fetch.bucket, Prefix=fetch.prefix)
    for page in pages:
        for one in page.get("Contents", []):
            name = one["Key"][len(fetch.prefix) :]
            if name and not name.endswith("/") and fetch.wanted(name):
                yield {**one, "Name": name}


def _present(fetch: Fetch, one: dict[str, Any]) -> bool:
    """`sync` leaves alone what has the same size and is not older."""
    try:
        have = (Path(fetch.folder) / one["Name"]).stat()
    except OSError:
        return False
    return fetch.sync and have.st_size == one["Size"] and have.st_mtime >= one["LastModified"].timestamp()


def _download(
    client: Any, fetch: Fetch, one: dict[str, Any], say: Callable[[str], None], cancelled: threading.Event
) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    source = f"s3://{fetch.bucket}/{one['Key']}"
    root = Path(fetch.folder).resolve()
    target = (root / one["Name"]).resolve()
    shown = os.path.join(fetch.shown or fetch.folder, one["Name"])
    if not target.is_relative_to(root):
        say(f"warning: Skipping file {source}. File references a parent directory.")
        return 2
    draft = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        body = client.get_object(Bucket=fetch.bucket, Key=one["Key"])["Body"]
        with draft.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                if cancelled.is_set():
                    return EXIT_TERMINATED
                file.write(chunk)
        modified = one["LastModified"].timestamp()
        os.utime(draft, (modified, modified))
        draft.replace(target)
    except (ClientError, BotoCoreError, OSError) as error:
        # An OSError names host paths; its reason is enough.
        reason = error.strerror if isinstance(error, OSError) else error
        say(f"download failed: {source} to {shown} {reason}")
        return EXIT_FAILED
    if not fetch.quiet:
        say(f"download: {source} to {shown}")
    return 0
