"""A log of the calls that were made: the last ones in order, and how often each operation was asked for.

Tests count mutating calls with it, and people see over HTTP what a command really asked of AWS. Neither bodies
nor credentials are kept.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

KEPT = 5000
READS = ("Describe", "List", "Get", "Head", "BatchGet", "BatchCheck", "Lookup", "Select", "Simulate", "AssumeRole")


@dataclass(frozen=True)
class Call:
    """One request: `service` is its signing name, `operation` the API's name, `at` seconds of the world's clock."""

    service: str
    operation: str
    mutating: bool
    at: float
    status: int


class CallLog:
    """The calls since the world began, or since `clear`."""

    def __init__(self) -> None:
        self._recent: deque[Call] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str, bool]] = Counter()

    def add(self, service: str, operation: str, at: float, status: int) -> None:
        call = Call(service, operation, is_mutating(operation), at, status)
        self._recent.append(call)
        self._counts[service, operation, call.mutating] += 1

    def clear(self) -> None:
        self._recent.clear()
        self._counts.clear()

    def recent(self) -> list[Call]:
        """The last calls, oldest first; no more than `KEPT`."""
        return list(self._recent)

    def mutating(self) -> list[str]:
        """The last mutating calls as "service:Operation", oldest first."""
        return [f"{call.service}:{call.operation}" for call in self._recent if call.mutating]

    def count(self, service: str = "", operation: str = "", *, mutating: bool | None = None) -> int:
        """How many calls there were, of this service, operation and kind where given."""
        return sum(
            number
            for (of_service, of_operation, changes), number in self._counts.items()
            if service in ("", of_service) and operation in ("", of_operation) and mutating in (None, changes)
        )

    def report(self) -> dict[str, Any]:
        counts = {f"{service}:{operation}": number for (service, operation, _), number in self._counts.items()}
        return {
            "total": self.count(),
            "mutating": self.count(mutating=True),
            "counts": dict(sorted(counts.items())),
            "recent": [asdict(call) for call in self._recent],
        }


def is_mutating(operation: str) -> bool:
    """Whether an operation changes something, judged by its name; an unknown one counts as changing."""
    return not operation.startswith(READS)


def signing_scope(request: Request) -> tuple[str, str]:
    """Region and service of the signature, in the header or in the query; without one it is S3, as for moto."""
    authorization = request.headers.get("Authorization", "")
    if "Credential=" in authorization:
        credential = authorization.split("Credential=", 1)[1].split(",", 1)[0]
    else:
        credential = request.args.get("X-Amz-Credential", "")
    parts = credential.strip().split("/")
    return (parts[-3], parts[-2]) if len(parts) >= 5 else ("", "s3")


def operation_of(request: Request, service: str) -> str:
    """The API operation a request asks for, or its method and path where none is known."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rsplit(".", 1)[-1]
    if action := request.args.get("Action"):
        return action
    if (request.content_type or "").startswith("application/x-www-form-urlencoded"):
        fields = parse_qs(request.get_data(as_text=True))
        if "Action" in fields:
            return fields["Action"][0]
    try:
        operation, _ = get_service_router(service).match(request)
        return str(operation.name)
    except (NotFound, NotImplementedError, UnknownServiceError, ValueError, LookupError):
        return f"{request.method} {request.path}"
