"""A model's spec and package for tests of serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eksprov.config.schema import Model
from eksprov.serving.inspection.package import ModelFile, Package
from eksprov.serving.spec import ModelSpec, StackFacts, model_spec

STACK = StackFacts("demo", "id-1", "us-west-2", "demo-models-123456789012", ("10.0.0.0/19", "10.0.32.0/19"))


def spec(
    digest: str = "0123456789abcdef", size_bytes: int = 1000, stack: StackFacts = STACK, **model: Any
) -> ModelSpec:
    """A spec, with anything of the config's part set."""
    return model_spec(Model(**{"name": "digits", "path": "m", **model}), stack, digest, size_bytes)


def package(folder: Path, digest: str = "0123456789abcdef") -> Package:
    """A package of one file that was never read from disk."""
    return Package(folder, (ModelFile("model.joblib", 5, "0" * 64, content=b"12345"),), digest)
