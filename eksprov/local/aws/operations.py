"""Which operations of AWS the local world answers, as a table: `python -m eksprov.local.aws.operations`.

For EKS all that botocore knows; for the other services those that eksprov itself calls, found by reading its source.
The table is made from the code that answers, so it cannot promise more than there is; docs/local-aws-operations.md is
its output, and a test compares the two.
"""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name
from moto.core.responses import BaseResponse

import eksprov
from eksprov.local.aws import hooks
from eksprov.local.aws.eks.response import OPERATIONS
from eksprov.local.aws.services import pricing

OURS, MOTO, ABSENT = "emulated", "moto", "not there"
MODULES = {"service-quotas": "servicequotas"}  # moto's names where they are not botocore's
# Where moto answers S3 by the request's method and not by its operation.
S3_METHODS = {
    "CreateBucket": "_bucket_response_put",
    "DeleteObjects": "_bucket_response_post",
    "GetBucketLifecycleConfiguration": "get_bucket_lifecycle",
    "GetBucketTagging": "_bucket_response_get",
    "ListBuckets": "all_buckets",
    "PutBucketLifecycleConfiguration": "_bucket_response_put",
    "PutBucketPolicy": "_bucket_response_put",
    "PutBucketTagging": "_bucket_response_put",
    "PutPublicAccessBlock": "_bucket_response_put",
}
FETCHED = ("get_paginator", "get_waiter", "can_paginate")

_HEAD = """\
# What the local AWS answers

Made by `python -m eksprov.local.aws.operations > docs/local-aws-operations.md`; a test fails when it is stale.

* **emulated**: answered by eksprov's own code, with the refusals, states and pages that AWS documents.
* **moto**: answered by moto; where eksprov mends its answer, it says emulated.
* **not there**: refused with an error that says so (`NotEmulatedException` for EKS).
"""


def table() -> str:
    return "\n".join((_HEAD, *_eks(), *_others()))


@functools.cache
def operations_of(service: str) -> Mapping[str, str]:
    """botocore's operations of a service: the method's name to the API's."""
    model = botocore.session.Session().get_service_model(service)
    return {xform_name(name): str(name) for name in model.operation_names}


def called() -> dict[str, set[str]]:
    """Service to the API operations that eksprov's source calls on a client of it."""
    root, found = Path(eksprov.__file__).parent, dict[str, set[str]]()
    known = set(botocore.session.Session().get_available_services())
    for file in sorted(root.rglob("*.py")):
        if file.is_relative_to(root / "local"):
            continue
        for service, method in _calls(ast.parse(file.read_text("utf-8"))):
            if service in known and method in operations_of(service):
                found.setdefault(service, set()).add(operations_of(service)[method])
    return found


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Everything that looks like `….<service>.<method>` or `<service>.get_paginator("<method>")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FETCHED:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield _service(node.func.value), first.value
        elif isinstance(node, ast.Attribute):
            yield _service(node.value), node.attr


def _service(node: ast.expr) -> str:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.replace("_", "-")


def _eks() -> Iterator[str]:
    names = sorted(operations_of("eks").values())
    here = [name for name in names if name in OPERATIONS]
    yield f"\n## EKS: {len(here)} of {len(names)}\n"
    yield "| operation | |\n|---|---|"
    yield from (f"| {name} | {OURS if name in OPERATIONS else ABSENT} |" for name in names)


def _others() -> Iterator[str]:
    for service, names in sorted(called().items()):
        if service == "eks":
            continue
        yield f"\n## {service}: what eksprov calls\n"
        yield "| operation | |\n|---|---|"
        yield from (f"| {name} | {answered_by(service, name)} |" for name in sorted(names))


def answered_by(service: str, operation: str) -> str:
    """Whose code answers an operation of a service other than EKS."""
    method = (S3_METHODS.get(operation, "") if service == "s3" else "") or xform_name(operation)
    if any(method in vars(each) for each in _own_classes(service)):
        return OURS
    theirs = _moto_class(service)
    return MOTO if theirs is not None and hasattr(theirs, method) else ABSENT


def own(service: str) -> set[str]:
    """The operations of a service other than EKS that our own code answers."""
    classes = _own_classes(service)
    return {name for method, name in operations_of(service).items() if any(method in vars(each) for each in classes)}


def _own_classes(service: str) -> list[type]:
    """The one that answers, and those of ours that it is made of."""
    return [each for each in getattr(_own_class(service), "__mro__", ()) if each.__module__.startswith("eksprov.")]


def _own_class(service: str) -> Any:
    if service == pricing.NAME:
        return pricing.LocalPricingResponse
    module = f"moto.{MODULES.get(service, service)}.urls"
    return next((each for urls, each in hooks.CLASSES.items() if urls.__name__ == module), None)


def _moto_class(service: str) -> Any:
    """moto's response class of a service, or None where moto has none."""
    try:
        module = importlib.import_module(f"moto.{MODULES.get(service, service)}.responses")
    except ModuleNotFoundError:
        return None
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BaseResponse)]
    return next((each for each in classes if each.__module__ == module.__name__), None)


if __name__ == "__main__":
    sys.stdout.write(table().rstrip("\n") + "\n")
