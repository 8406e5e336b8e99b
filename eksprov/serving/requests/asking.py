"""The closing request of a deployment: a model that is loaded has not yet answered anybody.

The request is the model's own sample.json; else zeros by what the model says of its inputs; else, because many models
say nothing, one zero, and where scikit-learn answers how many features it expects, as many. It goes the way that
`invoke` goes.

A sample that is refused, or fails, fails the deployment. What eksprov made up may be refused with good reason (zeros
may be no data of this kind): that is told, and proves nothing. But an exception that no data can be the reason of, such
as a model without `predict`, fails the deployment whoever made the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eksprov.core.convergence.pace import Clock
from eksprov.errors import UsageError
from eksprov.kube.api import KubeApi, Reply, SlowAnswerError
from eksprov.kube.faults import status_of
from eksprov.serving.diagnosis.cures import cause_in, cure
from eksprov.serving.diagnosis.tracebacks import Raised
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import Target, sample_from
from eksprov.serving.requests.replies import said_in
from eksprov.serving.requests.rows import Given
from eksprov.serving.requests.shaping import INPUT_NAME, request_of

PAUSES_S: Final = (1.0, 2.0, 4.0)  # a proxy may still send to a pod that has just left
NOBODY: Final = frozenset({429, 502, 503, 504})
# scikit-learn, of data of another width (sklearn/utils/validation.py): "X has 1 features, but SVC is expecting 64 …".
EXPECTING: Final = re.compile(r"\bis expecting (\d+) features?\b")
ABOUT_DATA: Final = frozenset(
    {
        *("ValueError", "TypeError", "KeyError", "IndexError", "LinAlgError", "DTypePromotionError", "InferenceError"),
        *("ZeroDivisionError", "FloatingPointError", "OverflowError", "UnicodeDecodeError", "UnicodeEncodeError"),
        *("ValidationError", "UFuncTypeError", "AxisError", "DataConversionWarning", "InvalidInput"),
    }
)
OF_DATA: Final = re.compile(
    r"'(?:[\w.]*ndarray|[\w.]*float\d*|[\w.]*int\d*|str|bytes|bool_?|DataFrame|Series|NoneType|list)' object has no"
)
OF_A_MODEL: Final = re.compile(r"has no attribute '(?:predict|predict_proba|transform|decision_function)'")
NO_METHOD: Final = re.compile(r"positional argument|is not callable|abstract method")
CORRECT: Final = "correct sample.json; `eksprov invoke` sends it too"
HOW: Final = "put a sample.json into the model's folder: the request that it answers"


@dataclass(frozen=True)
class ClosingAnswer:
    """What became of the closing request.

    `failure` says why the deployment has failed, and `hint` what to do; `note` why nothing is proven. All empty: it
    answered.
    """

    failure: str = ""
    hint: str = ""
    note: str = ""

    @property
    def answered(self) -> bool:
        """Whether the model answered it."""
        return not (self.failure or self.note)


@dataclass(frozen=True)
class Asker:
    """Asks one model. `limit_s` is how long its longest prediction may take, `runtime` the name of its runtime."""

    kube: KubeApi
    target: Target
    clock: Clock
    limit_s: float
    runtime: str

    def ask(self, sample: Given | None) -> ClosingAnswer:
        """Send the sample, or without one a request made up from what the model says."""
        about = self._about()
        if sample is not None:
            try:
                request = request_of(sample, Expected.of(about))
            except UsageError as error:
                return ClosingAnswer(f"it is loaded, and its sample is no request for it: {error.message}", CORRECT)
            return self._judged(request, "its sample.json")
        if Expected.of(about).inputs:
            return self._judged(sample_from(about), "zeros in the shape that it describes", made_up=True)
        reply = self._sent(_zeros(1))
        if isinstance(reply, Reply) and (found := EXPECTING.search(_text(reply))):
            return self._judged(_zeros(int(found[1])), f"{found[1]} zeros", made_up=True)
        what = "one zero (it describes no inputs, and there is no sample.json)"
        return self._verdict(reply, what, made_up=True, blind=True)

    def _about(self) -> dict[str, Any]:
        path = f"v2/models/{self.target.model}"
        reply = self.kube.service_proxy(self.target.namespace, self.target.service, self.target.port, "GET", path)
        about = _json(reply)
        return about if reply.status == 200 and isinstance(about, dict) else {}

    def _judged(self, request: Mapping[str, Any], what: str, *, made_up: bool = False) -> ClosingAnswer:
        return self._verdict(self._sent(request), what, made_up=made_up)

    def _sent(self, request: Mapping[str, Any]) -> Reply | SlowAnswerError:
        """The answer, or why there is none in time; asked again while nobody has taken the request up."""
        path, body = f"v2/models/{self.target.model}/infer", json.dumps(request).encode()
        where = (self.target.namespace, self.target.service, self.target.port)
        for pause_s in (*PAUSES_S, None):
            try:
                reply = self.kube.service_proxy(*where, "POST", path, body, timeout_s=self.limit_s)
            except SlowAnswerError as late:
                return late
            if pause_s is None or not (reply.status in NOBODY or status_of(reply.body) is not None):
                return reply
            self.clock.sleep(pause_s)
        raise AssertionError("the last one returns")

    def _verdict(
        self, reply: Reply | SlowAnswerError, what: str, *, made_up: bool, blind: bool = False
    ) -> ClosingAnswer:
        """`blind`: not even the shape of the request was known."""
        if isinstance(reply, SlowAnswerError):
            said = f"it was asked with {what}, and did not answer within {self.limit_s:g} s"
            hint = "raise predict_timeout_s above the longest prediction, or cpu"
            return (
                ClosingAnswer(note=f"{said}: {hint}, or {HOW}")
                if made_up
                else ClosingAnswer(f"it is loaded; {said}", hint)
            )
        if reply.status == 200 and isinstance(_json(reply), dict):
            return ClosingAnswer()
        text = _text(reply)
        raised, nobody = cause_in(text), status_of(reply.body)
        said = raised.line() if raised else said_in(text) or "without a word"
        answer = f"asked with {what}, it answers HTTP {reply.status}: {said}"
        doubtful = _may_be_the_data(raised) if raised else blind
        if made_up and nobody is None and (reply.status < 500 or doubtful):
            return ClosingAnswer(note=f"it is loaded, but whether it answers is not known: {answer}; {HOW}")
        hint = cure(raised, text, self.runtime) if raised else "`eksprov logs` shows what the server says of it"
        if reply.status < 500:
            hint = CORRECT
        return ClosingAnswer(f"it is loaded, and cannot answer: {answer}", hint)


def _may_be_the_data(raised: Raised) -> bool:
    """Whether other data might not have raised this."""
    if raised.name == "AttributeError":
        return bool(OF_DATA.search(raised.message)) and not OF_A_MODEL.search(raised.message)
    return raised.name in ABOUT_DATA and not NO_METHOD.search(raised.message)


def _zeros(count: int) -> dict[str, Any]:
    """One row of that many zeros."""
    return {"inputs": [{"name": INPUT_NAME, "shape": [1, count], "datatype": "FP64", "data": [0.0] * count}]}


def _text(reply: Reply) -> str:
    return reply.body.decode("utf-8", "replace")


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
