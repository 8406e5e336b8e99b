"""The composition root: what `target: aws` connects to, and what kubectl's token command is told."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from eksprov import errors
from eksprov.cli.display.progress import Display
from eksprov.cli.places import KEYS_ONLY, AwsPlace, keys_only_session, states, watched
from eksprov.config.load import parse

CONFIG = parse("name: digits\nregion: eu-west-1\ntarget: aws\n")


def silent() -> Display:
    return Display(lambda _: None)


def test_aws_is_the_ordinary_chain_in_the_configs_region() -> None:
    found = AwsPlace(CONFIG, None, {}).connect(silent())
    assert found.session.region_name == "eu-west-1"
    assert (found.endpoint_url, found.speed, dict(found.token_env)) == (None, 1.0, {})


def test_the_token_command_is_told_profile_and_endpoint_but_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text("[profile ml]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    environ = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_PROFILE": "other", "AWS_SECRET_ACCESS_KEY": "x"}
    found = AwsPlace(CONFIG, "ml", environ).connect(silent())
    assert dict(found.token_env) == {"AWS_PROFILE": "ml", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(errors.AccessError, match="nowhere"):
        AwsPlace(CONFIG, "nowhere", {}).connect(silent())


def test_the_local_session_is_led_astray_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "x")
    credentials = keys_only_session("us-west-2").get_credentials()
    assert (credentials.access_key, credentials.token) == ("test", None)


def token(environ: dict[str, str]) -> str:
    """The URL inside the token that `eksprov token` prints in this environment."""
    words = ["-c", "from eksprov.cli import main; raise SystemExit(main())", "token", "--cluster-name", "c"]
    done = subprocess.run(
        [sys.executable, *words, "--region", "us-west-2"],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    text: str = json.loads(done.stdout)["status"]["token"]
    body = text.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()


def test_the_local_worlds_token_leads_there_whatever_else_is_set() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": ""}
    environ = {**keys, "AWS_ENDPOINT_URL": "http://127.0.0.1:4242", KEYS_ONLY: "1", "AWS_PROFILE": "nowhere"}
    url = urlsplit(token(environ))
    assert url.netloc == "127.0.0.1:4242"
    assert "X-Amz-Credential=test" in url.query
    assert "Security-Token" not in url.query


def test_state_files_are_told_from_locks_and_backups(tmp_path: Path) -> None:
    for name in ("a.json", "a.json.bak", "a.lock.json", "a.lock", ".a.json.1.tmp", ".gitkeep"):
        (tmp_path / name).touch()
    assert [path.name for path in states(tmp_path)] == ["a.json"]


@pytest.mark.real_time
def test_what_is_watched_is_shown_and_taken_away_again() -> None:
    import threading

    asked, lines, times = threading.Event(), list[str](), iter(range(0, 10**6, 100))
    display = Display(lines.append, lambda: float(next(times)))

    def ask() -> str:
        asked.set()
        return "building"

    with watched(ask, "kubernetes", display):
        assert asked.wait(10)
    display.tick()
    assert lines == []
