"""What users want to know of a stack, from its record alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.names import CLUSTER
from eksprov.kube.kubeconfig import context_of, has_entry
from eksprov.state.store import StateStore


def outputs(config: Config, store: StateStore, kubeconfig: Path) -> dict[str, Any]:
    """The cluster's name and endpoint, ARNs, the kubeconfig that has its entry, and every step's outputs.

    Raises: NotThereError when no cluster is recorded.
    """
    state = store.load()
    record = state.steps.get(CLUSTER) if state is not None else None
    if state is None or record is None or not record.outputs:
        raise errors.NotThereError(
            f"nothing is recorded of a cluster of stack {config.name!r} in {store.where()}",
            "make it with `eksprov provision`",
        )
    cluster, context = record.outputs, context_of(config.name)
    written = has_entry(kubeconfig, context, cluster.get("endpoint", ""))
    return {
        "schema": 1,
        "stack": state.stack,
        "account": state.account,
        "region": state.region,
        "cluster_name": cluster.get("name", ""),
        "endpoint": cluster.get("endpoint", ""),
        "kubernetes_version": cluster.get("version", ""),
        "kubeconfig": str(kubeconfig) if written else None,
        "kubeconfig_context": context,
        "kubeconfig_default": str(kubeconfig),
        "arns": {name: one.outputs["arn"] for name, one in state.steps.items() if "arn" in one.outputs},
        "steps": {name: dict(one.outputs) for name, one in state.steps.items()},
    }
