"""Laws of the AWS CLI stand-in: one command is understood, everything else is refused; and of log files."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eksprov.local.contract import PodCredentials
from eksprov.local.node.containers import awscli, logs
from eksprov.local.node.containers.awscli import Caller, CommandError, Fetch, parse
from eksprov.local.node.containers.logs import ContainerLog, LogQuery

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (["aws", "s3", "sync", "s3://b/p/q", "/m"], []),
        ([], ["s3", "sync", "s3://b/p/q/", "/m"]),
        (["/usr/local/bin/aws"], ["s3", "sync", "--no-progress", "s3://b/p/q", "/m", "--region", "eu-west-1"]),
    ],
)
def test_sync_is_understood_with_and_without_the_entrypoint(command: list[str], args: list[str]) -> None:
    fetch = parse(command, args)
    assert (fetch.bucket, fetch.prefix, fetch.folder, fetch.sync) == ("b", "p/q/", "/m", True)


def test_filters_decide_in_their_order() -> None:
    words = ["s3", "cp", "--recursive", "s3://b", ".", "--exclude=*", "--include", "*.json"]
    fetch = parse([], words)
    assert (fetch.prefix, fetch.sync) == ("", False)
    assert fetch.wanted("a/b.json")
    assert not fetch.wanted("a/b.bin")


@pytest.mark.parametrize(
    "words",
    [
        ["sh", "-c", "aws s3 sync s3://b/p /m"],
        ["aws", "s3", "rm", "s3://b/p"],
        ["aws", "ec2", "describe-instances"],
        ["aws", "s3", "sync", "/m", "s3://b/p"],
        ["aws", "s3", "cp", "s3://b/p", "/m"],
        ["aws", "s3", "sync", "s3://b/p", "/m", "--made-up"],
        ["aws", "s3", "sync", "s3://b/p", "/m", "--region"],
        ["aws"],
    ],
)
def test_any_other_command_is_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        parse(words, [])


def test_without_credentials_it_fails_as_the_cli_does(tmp_path: Path) -> None:
    said: list[str] = []
    caller = Caller(None, "http://127.0.0.1:9", "us-west-2")
    code = awscli.run(Fetch("b", "p/", str(tmp_path)), caller, said.append, threading.Event())
    assert (code, said) == (1, ["fatal error: Unable to locate credentials"])


def test_keys_in_the_environment_win_and_none_is_ever_shown() -> None:
    pod = PodCredentials("AKIAPOD", "podsecret", "t")
    found = awscli.credentials_of({"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "envsecret"}, pod)
    assert found is not None
    assert found.access_key_id == "AKIAENV"
    assert "secret" not in repr(Caller(found, "http://127.0.0.1:9", "r")).replace("secret_access_key", "")
    assert awscli.credentials_of({"AWS_ACCESS_KEY_ID": "AKIAENV"}, pod) is pod


def written(folder: Path) -> Path:
    moments = iter(NOW + timedelta(seconds=number) for number in range(100))
    log = ContainerLog(folder / "0.log", lambda: next(moments))
    for word in ("one", "two", "three"):
        log.write(word)
    log.close()
    return log.path


def test_logs_are_shown_as_they_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert logs.read(path, LogQuery()) == b"one\ntwo\nthree\n"
    assert logs.read(path, LogQuery(tail_lines=1)) == b"three\n"
    assert logs.read(path, LogQuery(tail_lines=0)) == b""
    assert logs.read(path, LogQuery(limit_bytes=5)) == b"one\nt"
    assert logs.read(path, LogQuery(since=NOW + timedelta(seconds=1))) == b"two\nthree\n"
    assert logs.read(path, LogQuery(tail_lines=1, timestamps=True)) == b"2026-01-01T00:00:02.000000Z three\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_query_is_read_from_the_url() -> None:
    query = LogQuery.of({"sinceSeconds": "60", "tailLines": "5", "follow": "true", "previous": "true"}, NOW)
    assert query == LogQuery(tail_lines=5, since=NOW - timedelta(seconds=60), follow=True, previous=True)
    with pytest.raises(ValueError, match="invalid literal"):
        LogQuery.of({"tailLines": "many"}, NOW)


def test_a_full_log_is_put_aside_and_both_parts_are_read(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", lambda: NOW)
    line = b"x" * 60_000
    for number in range(200):
        log.write(str(number).encode() + line)
    log.close()
    assert (tmp_path / "0.log.1").exists()
    assert log.path.stat().st_size < logs.MAX_BYTES
    assert logs.read(log.path, LogQuery(tail_lines=1)).startswith(b"199")


def test_last_words_are_bounded(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", lambda: NOW)
    for _ in range(500):
        log.write("word " * 20)
    log.close()
    assert 0 < len(logs.last_words(log.path)) <= logs.FALLBACK_BYTES
