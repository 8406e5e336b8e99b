"""A stack as another version left it in AWS: the calls by which it made it, and its state.

Played on an empty account, the ids that AWS chooses become those of that account, in the state too. A recording is
made in a checkout of the version that has this file in its tests:
`PYTHONPATH=tests python -m support.recorded everything FILE`.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eksprov.config.schema import Config
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import Stack, open_stack
from eksprov.state.codec import decode, encode
from support.calls import Call
from support.services import SERVICES
from support.stage import Stage, Theatre, everything, project, quick_start

RECORDINGS = Path(__file__).parent / "recorded"
RELEASES = {"system": "1.36.0-20260901"}  # which that version took for one of Bottlerocket's
SETTLED_S = 2400.0  # after a create, until what was made is as it will stay
ID = re.compile(
    r"\b(?:vpc|subnet|igw|eigw|rtb|rtbassoc|nat|eipalloc|eni|sg|lt|vpce|pg)-[0-9a-f]{8,}\b|\ba-[a-z0-9]{17}\b"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\bAROA[0-9A-Z]{17}\b"
)


@dataclass(frozen=True)
class Recording:
    """What a version did: each mutating call with what it answered, and what it had written in the end."""

    calls: tuple[dict[str, Any], ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, name: str) -> Recording:
        """One of the files in `recorded`."""
        data = json.loads(gzip.decompress((RECORDINGS / f"{name}.json.gz").read_bytes()))
        return cls(tuple(data["calls"]), data["state"])

    def play(self, stage: Stage) -> None:
        """Make the same stack on an empty account, and put its state where the stage's processes look for it."""
        known: dict[str, str] = {}
        for call in self.calls:
            stage.clock.sleep(SETTLED_S)
            client = stage.account.plain(call["service"])
            operation = next(own for own, name in client.meta.method_to_api_mapping.items() if name == call["name"])
            answer = getattr(client, operation)(**_renamed(call["parameters"], known))
            known |= dict(zip(_ids(call["answer"]), _ids(answer), strict=True))
        stage.clock.sleep(SETTLED_S)
        text = json.dumps(_renamed(self.state, known)).encode()
        stage.store.save(decode(text, "the recording", stage.config.name, edited=True))


def whole(name: str) -> Config:
    """What is recorded: the stack of a file here, with the quick start's model."""
    config = everything(name)
    groups = tuple(
        group.model_copy(update={"release_version": RELEASES.get(group.name)}) for group in config.node_groups
    )
    return config.model_copy(update={"models": quick_start().models, "node_groups": groups})


def record(name: str) -> Recording:
    """Provision, deploy the model, and write down what was sent and answered."""
    calls: list[dict[str, Any]] = []

    def asked(params: Any, context: Any, **_: Any) -> None:
        context["recorded"] = dict(params)

    def answered(parsed: Any, model: Any, context: Any, **_: Any) -> None:
        call = Call(model.service_model.service_name, model.name, context["recorded"])
        if call.mutating and parsed["ResponseMetadata"]["HTTPStatusCode"] < 300:
            named = {"service": call.service, "name": call.operation, "parameters": call.params, "answer": parsed}
            calls.append(json.loads(json.dumps(named, default=_plain)))

    with Theatre().stage(whole(name)) as stage:
        first = stage.account.aws()
        for service in SERVICES:
            for client in (first.clients.get(service), first.once.get(service)):
                client.meta.events.register("provide-client-params.*.*", asked)
                client.meta.events.register("after-call.*.*", answered)

        def stack() -> Stack:
            return replace(stage.process(), project=project())

        assert provision(open_stack(stack(), mint=True)).ok
        assert deploy(open_stack(stack(), mint=False), ["digits"]).report.ok
        state = stage.store.load()
        assert state is not None
        return Recording(tuple(calls), json.loads(encode(state)))


def _renamed(value: Any, known: dict[str, str]) -> Any:
    """The same with the ids of another account; bytes as they were."""
    if isinstance(value, dict):
        if value.keys() == {"bytes"}:
            return base64.b64decode(value["bytes"])
        return {key: _renamed(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, known) for one in value]
    return ID.sub(lambda found: known.get(found[0], found[0]), value) if isinstance(value, str) else value


def _ids(value: Any) -> Iterator[str]:
    """Every id in an answer, in the order of its members."""
    if isinstance(value, dict):
        for key in sorted(value):
            if key != "ResponseMetadata":
                yield from _ids(value[key])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _ids(one)
    elif isinstance(value, str):
        yield from ID.findall(value)


def _plain(value: Any) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    os.environ.update({"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"})
    found = record(sys.argv[1])
    data = {"calls": found.calls, "state": found.state}
    Path(sys.argv[2]).write_bytes(gzip.compress(json.dumps(data, sort_keys=True).encode(), mtime=0))
