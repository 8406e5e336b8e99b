"""The models of a config by their names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from eksprov import errors
from eksprov.config.schema import Config, Model
from eksprov.core.names import model_step
from eksprov.kube.api import Ref
from eksprov.state.store import StateStore


def names_of(config: Config) -> tuple[str, ...]:
    """The names of all models, in the config's order."""
    return tuple(model.name for model in config.models)


def chosen(config: Config, names: Sequence[str]) -> tuple[str, ...]:
    """The named models of the config, or all of them. Raises: UsageError with the nearest known name."""
    known = names_of(config)
    if not names and not known:
        raise errors.UsageError("the config names no models", "add one under models: name and path of its folder")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known) or 'none'}"
            raise errors.UsageError(f"the config has no model {name!r}; {cure}")
    return tuple(dict.fromkeys(names)) or known


def named(config: Config, name: str) -> Model | None:
    """The config's model of this name."""
    return next((model for model in config.models if model.name == name), None)


def namespace_of(config: Config, store: StateStore, name: str) -> str:
    """Where a model lives, by the config, else by the record. Raises: UsageError when neither knows it."""
    model = named(config, name)
    if model is not None:
        return model.namespace
    state = store.load()
    record = state.steps.get(model_step(name, "service")) if state is not None else None
    if record is None:
        chosen(config, (name,))
        raise AssertionError("a name that the config lacks is refused")
    return Ref.parse(record.slug).namespace
