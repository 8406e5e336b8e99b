"""What the model commands print, take and return."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.clock import VirtualClock
from support.command_line import CommandLine, Opened, Samples, Scripted
from support.memory_kube import MemoryKube

from eksprov import errors
from eksprov.core.outcome import Outcome, Status
from eksprov.kube.api import Reply
from eksprov.operations.commands.invocation import invoke
from eksprov.operations.commands.model_logs import Which, _containers, merged
from eksprov.operations.commands.models import Deployed, Served
from eksprov.operations.serving.states import Listed
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import Answer, read_data
from eksprov.serving.requests.rows import Given, Request
from eksprov.serving.requests.shaping import request_of

URL = "http://digits.models.svc.cluster.local/v2/models/digits/infer"
MODELS = (
    SimpleNamespace(name="digits", namespace="models", path="digits"),
    SimpleNamespace(name="faces", path="faces"),
)


@dataclass
class WithModels(Scripted):
    """A stack with two models; what is asked of them is noted in `model_calls`."""

    plan_or_report: Any = None
    done: Deployed | None = None
    model_calls: list[tuple[str, Any]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)

    def deploy(self, opened: Opened, names: Sequence[str]) -> Deployed:
        if self.done is not None:
            return self.done
        self.model_calls.append(("deploy", tuple(names)))
        opened.display.note("uploading")
        served = (Served("digits", URL, "/api/v1/x"),)
        return Deployed(self.plan_or_report, served, ("digits: the autoscaler is blind",))

    def plan_models(self, _opened: Opened, names: Sequence[str]) -> Any:
        self.model_calls.append(("plan", tuple(names)))
        return self.plan_or_report

    def undeployment(self, _opened: Opened, names: Sequence[str]) -> dict[str, int]:
        return {"iam-role": len(names), "kube-object": 2}

    def undeploy(self, _opened: Opened, names: Sequence[str]) -> Any:
        self.model_calls.append(("undeploy", tuple(names)))
        return self.plan_or_report

    def listed(self, _opened: Opened) -> tuple[Listed, ...]:
        return self.models_are

    models_are: tuple[Listed, ...] = (
        Listed("digits", "models", 1, 1, "0123456789abcdef", URL, "ready"),
        Listed("faces", "models", 0, 0, "", "", "not deployed"),
    )

    def logs(
        self, _opened: Opened, _namespace: str, name: str, which: Which
    ) -> tuple[tuple[str, ...], Iterator[tuple[str, str]]]:
        self.model_calls.append((name, which))
        return ("a", "b"), iter([("a", "one"), ("b", "two")])

    def invoke(self, _opened: Opened, _namespace: str, name: str, given: Given | None, timeout_s: float) -> Answer:
        request = request_of(given, Expected()) if given is not None else None
        self.model_calls.append((name, request))
        self.timeouts.append(timeout_s)
        output = {"name": "predict", "shape": [2, 1], "datatype": "INT64", "data": [0, 7]}
        return Answer((output,), {"model_name": name, "outputs": [output]}, 0.0123)


@pytest.fixture
def backend(samples: Samples, tmp_path: Path) -> WithModels:
    config = SimpleNamespace(name="stack", models=MODELS)
    return WithModels(config=config, project=tmp_path, plan_or_report=samples.good)


def test_deploy_model_says_where_and_how_to_call_it(cli: CommandLine, backend: WithModels) -> None:
    result = cli("deploy-model", "digits", "digits", backend=backend)
    assert result.code == 0
    assert result.out.splitlines() == [
        "stack stack (us-west-2, local world): 1 unchanged, 1 created, in 34 s",
        f"digits answers inside the cluster at {URL}",
    ]
    assert result.err.splitlines() == [
        "uploading",
        "note: digits: the autoscaler is blind",
        "next: eksprov invoke digits",
    ]
    assert backend.model_calls == [("deploy", ("digits",))]


def test_deploy_model_without_names_takes_all(cli: CommandLine, backend: WithModels) -> None:
    body = json.loads(cli("deploy-model", "--json", backend=backend).out)
    assert backend.model_calls == [("deploy", ("digits", "faces"))]
    assert body["models"] == [{"name": "digits", "url": URL, "proxy_path": "/api/v1/x", "answered": True}]
    assert body["notes"] == ["digits: the autoscaler is blind"]


def test_a_dry_run_only_shows_the_plan(cli: CommandLine, backend: WithModels, samples: Samples, tmp_path: Path) -> None:
    backend.plan_or_report = samples.changes
    result = cli("deploy-model", "--dry-run", "faces", backend=backend)
    assert backend.model_calls == [("plan", ("faces",))]
    assert "+ create   vpc" in result.out
    assert (result.code, result.err) == (0, "next: eksprov deploy-model faces\n")


def test_a_dry_run_of_what_would_be_refused_fails(
    cli: CommandLine, backend: WithModels, samples: Samples, tmp_path: Path
) -> None:
    backend.plan_or_report = samples.plan
    for words in ((), ("--json",)):
        result = cli("deploy-model", "--dry-run", "faces", *words, backend=backend)
        assert (result.code, result.err) == (1, "")


class Unopened(WithModels):
    """One that must not be looked at: nothing of AWS is asked, and no local world begins."""

    def opened(self, display: Any, *, mint: bool) -> Any:
        raise AssertionError("opened for a model that nobody knows")


@pytest.mark.parametrize("command", ["deploy-model", "export", "invoke", "logs"])
def test_an_unknown_model_is_refused_with_the_nearest_name_before_anything_is_asked(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    backend = Unopened(config=SimpleNamespace(name="stack", models=MODELS), project=tmp_path)
    arguments = ("out", "digist") if command == "export" else ("digist",)
    result = cli(command, *arguments, backend=backend)
    assert (result.code, result.err) == (2, "error: the config has no model 'digist'; did you mean 'digits'?\n")
    assert backend.model_calls == []


def test_a_failed_deployment_says_why_and_how_to_go_on(
    cli: CommandLine, backend: WithModels, samples: Samples, tmp_path: Path
) -> None:
    backend.plan_or_report = samples.bad
    result = cli("deploy-model", "digits", backend=backend)
    assert result.code == 1
    assert result.err.splitlines()[-3:] == [
        "error: cluster: no room",
        "  hint: make room",
        "once mended, go on with: eksprov deploy-model digits",
    ]


@pytest.mark.parametrize("paid", [True, False])
def test_undeploy_says_what_goes_and_asks_wherever_the_stack_lives(
    cli: CommandLine, backend: WithModels, paid: bool
) -> None:
    backend.paid = paid
    refused = cli("undeploy-model", "digits", backend=backend)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert backend.model_calls == []  # where nobody can be asked, nothing is even looked at
    assert cli("undeploy-model", "digits", backend=backend, typed=["no"]).code == 2
    assert backend.model_calls == []
    told = cli("undeploy-model", "digits", "--yes", backend=backend)
    assert told.code == 0
    assert "this deletes 1 IAM role, 2 Kubernetes objects\n" in told.err
    assert cli("undeploy-model", "digits", backend=backend, typed=["yes"]).code == 0
    assert backend.model_calls == [("undeploy", ("digits",))] * 2
    assert backend.asked == ["forget"]  # time passed while the question stood


def test_models_are_a_table_or_json(cli: CommandLine, backend: WithModels) -> None:
    result = cli("models", backend=backend)
    assert [line.split() for line in result.out.splitlines()] == [
        ["model", "namespace", "ready", "digest", "url", "state"],
        ["digits", "models", "1/1", "0123456789ab", URL, "ready"],
        ["faces", "models", "0/0", "-", "-", "not", "deployed"],
    ]
    assert result.err == "next: eksprov invoke digits\n"
    body = json.loads(cli("models", "--json", backend=backend).out)
    assert body["models"][0]["digest"] == "0123456789abcdef"


def test_models_say_in_a_line_each_why_one_is_not_ready_what_it_serves_and_that_it_left_the_config(
    cli: CommandLine, backend: WithModels
) -> None:
    why = "the server ends by itself: exit code 1; last words: x.Odd: no\n. Next: mend it"
    failed = Listed("digits", "models", 1, 1, "0123456789abcdef", URL, "update failed", "r1", "f" * 16, why)
    gone = Listed("faces", "models", 1, 1, "a" * 16, URL, "ready", "r2", "a" * 16, in_config=False)
    backend.models_are = (failed, gone)
    lines = cli("models", backend=backend).out.splitlines()
    assert lines[1].split()[:4] == ["digits", "models", "1/1", "0123456789ab"]
    assert lines[3:] == [
        "digits, update failed: the server ends by itself: exit code 1; last words: x.Odd: no . Next: mend it",
        "digits is to serve ffffffffffff, and serves 0123456789ab",
        "faces is not in the config: `eksprov undeploy-model faces` takes it off the cluster",
    ]
    first = json.loads(cli("models", "--json", backend=backend).out)["models"][0]
    assert (first["reason"], first["in_config"], first["wanted_digest"]) == (why, True, "f" * 16)


def test_a_model_that_has_not_answered_is_not_said_to_answer(cli: CommandLine, backend: WithModels) -> None:
    done = Deployed(backend.plan_or_report, (Served("digits", URL, "/x", answered=False),), ("digits: not known",))
    backend.done = done
    assert cli("deploy-model", "digits", backend=backend).out.splitlines()[1] == (
        f"digits is loaded inside the cluster at {URL}"
    )


def test_logs_of_several_pods_name_the_pod(cli: CommandLine, backend: WithModels) -> None:
    assert cli("logs", "digits", "--tail", "5", "-f", backend=backend).out == "a  one\nb  two\n"
    assert backend.model_calls == [("digits", Which(tail=5, follow=True, previous=False))]
    lines = cli("logs", "digits", "--json", backend=backend).out.splitlines()
    assert [json.loads(line) for line in lines] == [{"pod": "a", "line": "one"}, {"pod": "b", "line": "two"}]


def test_invoke_takes_a_file_text_or_the_sample(cli: CommandLine, backend: WithModels, tmp_path: Path) -> None:
    request = {"inputs": [{"name": "x", "shape": [1], "datatype": "INT64", "data": [1]}]}
    Path("r.json").write_text(json.dumps(request))
    result = cli("invoke", "digits", "--data", "r.json", backend=backend)
    assert result.out == "predict (INT64 2x1): 0, 7\nanswered in 0.012 s\n"
    cli("invoke", "digits", "--data", json.dumps(request), backend=backend)
    cli("invoke", "digits", backend=backend)
    (tmp_path / "sample.json").write_text(json.dumps({**request, "id": "beside"}))
    cli("invoke", "digits", backend=backend)
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "sample.json").write_text(json.dumps({**request, "id": "inside"}))
    body = json.loads(cli("invoke", "digits", "--json", backend=backend).out)
    assert body["outputs"][0]["data"] == [0, 7]
    sent = [request for _, request in backend.model_calls]
    assert sent == [request, request, None, {**request, "id": "beside"}, {**request, "id": "inside"}]


@pytest.mark.parametrize("data", ["missing.json", "{not json", "{}", '"text"', "."])
def test_invoke_refuses_data_that_is_no_request(cli: CommandLine, backend: WithModels, data: str) -> None:
    result = cli("invoke", "digits", "--data", data, backend=backend)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert backend.model_calls == []


FRAME = {
    "parameters": {"content_type": "pd"},
    "inputs": [
        {"name": "age", "shape": [1, 1], "datatype": "INT64", "data": [3]},
        {"name": "city", "shape": [1, 1], "datatype": "BYTES", "data": ["Zürich"]},
    ],
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", "age,city\n3,Zürich\n".encode()),
        ("R.CSV", "age,city\r\n3,Zürich\r\n".encode("utf-8-sig")),
        ("r.tsv", "age\tcity\n3\tZürich".encode("utf-16")),
        ("rows", "age;city\n3;Zürich".encode()),
        ("rows.txt", '{"age": 3, "city": "Zürich"}'.encode()),
        ("r.json", '[{"age": 3, "city": "Zürich"}]'.encode("utf-8-sig")),
        ("r.jsonl", '{"age": 3, "city": "Zürich"}\n'.encode()),
    ],
)
def test_a_table_is_known_by_its_files_ending_else_by_its_beginning(
    cli: CommandLine, backend: WithModels, name: str, content: bytes
) -> None:
    Path(name).write_bytes(content)
    assert cli("invoke", "digits", "--data", name, backend=backend).code == 0
    assert backend.model_calls == [("digits", FRAME)]


def test_a_table_may_stand_on_the_command_line(cli: CommandLine, backend: WithModels) -> None:
    for data in ("age,city\n3,Zürich", '{"age": 3, "city": "Zürich"}', ' [{"age": 3, "city": "Zürich"}]'):
        assert cli("invoke", "digits", "--data", data, backend=backend).code == 0
    assert backend.model_calls == [("digits", FRAME)] * 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("r.json", b"age,city\n3,x\n", "r.json is no JSON"),
        ("r.csv", b"", "r.csv is empty"),
        ("r.csv", b"\xff\xfe\x00", "r.csv is no text"),
        ("r.csv", b"caf\xe9,b\n1,2", "r.csv is no text"),
    ],
)
def test_a_file_of_no_use_is_one_clear_error(
    cli: CommandLine, backend: WithModels, name: str, content: bytes, words: str
) -> None:
    Path(name).write_bytes(content)
    result = cli("invoke", "digits", "--data", name, backend=backend)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert backend.model_calls == []


def test_a_file_that_is_too_large_is_not_read(cli: CommandLine, backend: WithModels) -> None:
    with Path("r.json").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    result = cli("invoke", "digits", "--data", "r.json", backend=backend)
    assert (result.code, "larger than 64 MiB" in result.err) == (2, True)


def test_the_model_has_a_minute_or_what_timeout_says(cli: CommandLine, backend: WithModels) -> None:
    for more in ((), ("--timeout", "600"), ("--timeout", "0.5")):
        assert cli("invoke", "digits", *more, backend=backend).code == 0
    assert backend.timeouts == [60, 600, 0.5]
    for wrong in ("0", "-1", "nan", "inf", "a", "86401"):
        assert cli("invoke", "digits", "--timeout", wrong, backend=backend).code == 2
    assert len(backend.timeouts) == 3


def test_a_table_is_shaped_by_the_models_description_and_what_it_does_not_take_is_said() -> None:
    described = [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in ("b", "a")]
    seen: list[tuple[str, Any]] = []

    def answer(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        seen.append((f"{method} {namespace}/{service} {path}", json.loads(body or b"null")))
        given = {"id": seen[-1][1]["id"], "outputs": []} if body else {"name": "digits", "inputs": described}
        return Reply(200, {}, json.dumps(given).encode())

    api = MemoryKube(answer=answer)
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}})
    api.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "digits", "namespace": "models"}})
    cluster = SimpleNamespace(slug="c", outputs=lambda found: {"endpoint": found})
    notes: list[str] = []
    opened = SimpleNamespace(
        cluster=cluster,
        refuse_a_strangers_cluster=lambda: None,
        read=lambda step, fresh: "https://c",
        stack=SimpleNamespace(
            kube=lambda slug, known: api,
            clock=VirtualClock(),
            config=SimpleNamespace(models=MODELS, name="s"),
            store=SimpleNamespace(load=lambda: None),
            progress=SimpleNamespace(doing=lambda text: None, note=notes.append),
        ),
    )
    invoke(opened, "models", "digits", read_data("id,a,b\n7,1,2\n"), 60)  # type: ignore[arg-type]  # as much of a stack as it asks
    calls, bodies = zip(*seen, strict=True)
    path = "models/digits v2/models/digits"
    assert calls == (f"GET {path}", f"POST {path}/infer")
    assert [(one["name"], one["data"]) for one in bodies[1]["inputs"]] == [("b", [2]), ("a", [1])]
    assert notes == ["note: left out, for the model does not take it: 'id'"]
    invoke(opened, "models", "digits", Request({"inputs": [], "id": "mine"}), 60)  # type: ignore[arg-type]  # as much of a stack as it asks
    assert seen[2:] == [(f"POST {path}/infer", {"inputs": [], "id": "mine"})]  # asked nothing before


def test_followed_logs_are_merged_and_an_error_in_one_is_raised() -> None:
    def failing() -> Iterator[tuple[str, str]]:
        yield "b", "two"
        raise errors.AccessError("no")

    assert sorted(merged([iter([("a", "one")]), iter([("b", "two")])])) == [("a", "one"), ("b", "two")]
    lines = merged([failing()])
    assert next(lines) == ("b", "two")
    with pytest.raises(errors.AccessError):
        next(lines)


def test_logs_are_of_the_models_own_pods_and_of_what_fetches_it_only_while_it_does() -> None:
    kube = MemoryKube()
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}})
    labels = {"app.kubernetes.io/name": "digits", "eksprov.dev/stack": "s"}
    for name, phase, marks in (("a", "Running", labels), ("b", "Pending", labels), ("c", "Running", {})):
        spec = {"initContainers": [{"name": "fetch"}], "containers": [{"name": "server"}]}
        meta = {"name": name, "namespace": "models", "labels": marks}
        kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": phase}})
    found = [(c.pod, c.name) for c in _containers(kube, "models", "digits", "s")]
    assert found == [("a", "server"), ("b", "fetch"), ("b", "server")]


def test_an_outcome_of_a_model_is_told_like_any_other(
    cli: CommandLine, backend: WithModels, samples: Samples, tmp_path: Path
) -> None:
    backend.plan_or_report = samples.report(Outcome("model/digits/role", Status.INTERRUPTED))
    backend.stopped = True
    result = cli("undeploy-model", "digits", "--yes", backend=backend)
    assert result.code == 130
    assert result.err.splitlines()[1:] == ["resume with: eksprov undeploy-model digits --yes"]
