"""The small pure parts: how eksprov was called, durations, values, redaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from eksprov.cli.crash import redacted
from eksprov.cli.invocation import called_as
from eksprov.cli.render.fields import value_text
from eksprov.cli.render.text import table
from eksprov.cli.words import clean, seconds
from eksprov.core.change import UNKNOWN


@pytest.mark.parametrize(
    ("orig", "argv0", "words"),
    [
        (
            [".venv/bin/python", "-m", "eksprov", "plan"],
            "/x/eksprov/__main__.py",
            (".venv/bin/python", "-m", "eksprov"),
        ),
        (["python", "-X", "dev", "-m", "eksprov"], "/x/eksprov/__main__.py", ("python", "-m", "eksprov")),
        (["/x/python", ".venv/bin/eksprov", "plan"], ".venv/bin/eksprov", (".venv/bin/eksprov",)),
        (["/x/python", "-m", "pytest", "-m", "eksprov"], "/x/pytest/__main__.py", ("eksprov",)),
        (["python"], "", ("eksprov",)),
    ],
)
def test_the_next_command_begins_as_this_one_did(orig: list[str], argv0: str, words: tuple[str, ...]) -> None:
    assert called_as(orig, argv0) == words


def test_what_is_on_the_path_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "eksprov"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called_as(["/x/python", str(script)], str(script)) == ("eksprov",)


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (119.4, "119 s"), (185.0, "3 min 05 s")]
)
def test_durations_for_people(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (frozenset({"b", "a"}), "{a, b}"),
        (("a", 1), "[a, 1]"),
        ("", '""'),
        (UNKNOWN, "(known after apply)"),
        (None, "(none)"),
        ("x" * 100, "x" * 71 + "…"),
        ("a\x1b[31mb\nc", "a?[31mb c"),
    ],
)
def test_values_in_a_plan(value: object, text: str) -> None:
    assert value_text(value) == text


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert clean("a\x00\x1b]0;t\x07\x9bb\tc\n") == "a??]0;t??b\tc\n"


def test_tables_line_up() -> None:
    assert table([("a", "bb"), ("ccc", "d")], ("x", "y")).splitlines()[1:] == ["a    bb", "ccc  d"]


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8_QWN0aW9u",
        "eyJhbGciOi.eyJzdWIi.SflKxwRJ",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ],
)
@pytest.mark.parametrize("around", ["{}", "'{}'", "key={} more", '{{"a": "{}"}}', "({})"])
def test_secrets_are_blotted_out_wherever_they_stand(secret: str, around: str) -> None:
    assert secret not in redacted(around.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "https://sts/?X-Amz-Credential=SECRET&X-Amz-Signature=SECRET&X-Amz-Security-Token=SECRET",
        "Authorization: AWS4-HMAC-SHA256 Signature=5ec1e7a85ec1e7a85ec1e7a8",
        "Authorization: Bearer SECRET",
        "aws_secret_access_key = SECRET",
        "{'SecretAccessKey': 'SECRET', 'SessionToken': 'SECRET'}",
        "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_signed_urls_headers_and_key_files_lose_their_secrets(text: str) -> None:
    assert "SECRET" not in redacted(text)
    assert "5ec1e7a8" not in redacted(text)


def test_ordinary_words_stay() -> None:
    text = "  File \"/home/me/eksprov/aws/session.py\", line 12, in identity\nKeyError: 'node-group/workers'"
    assert redacted(text) == text
