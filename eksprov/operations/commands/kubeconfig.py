"""The stack's entry in a kubeconfig: put in while the cluster is there, taken out with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.kube.kubeconfig import Entry, context_of, remove_entry
from eksprov.operations.api_server import live_cluster
from eksprov.operations.stack import Opened


def entry_of(opened: Opened, token_env: Mapping[str, str]) -> Entry:
    """The entry of the live cluster; `token_env` is what `eksprov token` needs in its environment to reach it.

    Raises: NotThereError, NoAnswerError where there is no cluster yet.
    """
    name, cluster = live_cluster(opened)
    return Entry(
        name=context_of(opened.stack.config.name),
        server=cluster["endpoint"],
        ca_data=cluster["certificate_authority"],
        cluster_name=name,
        region=opened.stack.config.region,
        python=interpreter(),
        env=token_env,
    )


def drop(config: Config, path: Path) -> str:
    """Take the entry of a cluster that is gone out of the file; why not, where the file cannot be written."""
    try:
        remove_entry(path, context_of(config.name))
    except errors.EksprovError as error:
        return f"the context {context_of(config.name)} is still in the kubeconfig: {error.message}"
    return ""


def interpreter() -> str:
    """The absolute path of this Python; links are kept, for a virtual environment is found through its own."""
    return str(Path(sys.executable).absolute())
