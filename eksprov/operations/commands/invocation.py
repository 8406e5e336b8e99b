"""One question to a model, and its answer."""

from __future__ import annotations

import secrets

from eksprov.operations.commands.models import cluster_api
from eksprov.operations.stack import Opened
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import Answer, Target, describe, sample_from
from eksprov.serving.requests.invoke import invoke as ask
from eksprov.serving.requests.rows import Given, Request
from eksprov.serving.requests.shaping import left_out, request_of


def invoke(opened: Opened, namespace: str, name: str, given: Given | None, timeout_s: float) -> Answer:
    """Send this data, or without any a sample by the model's own description; the model has `timeout_s` for it."""
    target = Target(namespace, name, name, timeout_s=timeout_s)
    kube, display = cluster_api(opened), opened.stack.progress
    display.doing(f"asking {name}")
    if given is None:
        body = sample_from(describe(kube, target))
    else:
        expected = Expected() if isinstance(given, Request) else Expected.of(describe(kube, target))
        body = request_of(given, expected)
        if others := left_out(given, expected):
            display.note(f"note: {others}")
    return ask(kube, target, body, opened.stack.clock, secrets.token_hex(8))
