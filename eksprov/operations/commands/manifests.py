"""Models' manifests as files, from the config and the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eksprov.config.schema import Config
from eksprov.operations.commands.models import subnet_ranges
from eksprov.operations.commands.named_models import named
from eksprov.pins.images import with_digests
from eksprov.pins.lockfile import Pins
from eksprov.serving.export import export
from eksprov.serving.graph import all_manifests
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.presets import runtime
from eksprov.serving.sizing import memory
from eksprov.serving.spec import StackFacts, model_spec
from eksprov.state.record import State
from eksprov.steps.catalog import bucket_name, catalog
from eksprov.steps.settled import Settled, Zone, from_record

NO_ACCOUNT = "000000000000"  # stands for the account in manifests of a stack that was never made


def write_manifests(
    config: Config, project: Path, state: State | None, pins: Pins, folder: Path, names: Sequence[str]
) -> tuple[list[Path], tuple[str, ...]]:
    """Write each model's manifests below `folder`; the files, and what is worth knowing of them.

    `names` are models of the config, whose folders lie below `project`.
    """
    facts, notes = _facts(config, state)
    written: list[Path] = []
    for name in names:
        model = named(config, name)
        assert model is not None  # `chosen` has seen to it
        package = read_package(project / model.path, name, runtime(model.runtime))
        spec = model_spec(model, facts, package.digest, package.size_bytes)
        held = [with_digests(manifest, pins.images) for manifest in all_manifests(spec)]
        written += export(held, folder / name)
        tight = memory(spec, package.loaded_bytes)
        notes = (*notes, *package.warnings, *([str(tight)] if tight else ()))
    return written, notes


def _facts(config: Config, state: State | None) -> tuple[StackFacts, tuple[str, ...]]:
    """What manifests need to know of the stack, from the record, or of a stack yet to be made."""
    settled = from_record(config, state.choices) if state is not None else None
    notes: tuple[str, ...] = ()
    if settled is None:
        zones = tuple(Zone("", "") for _ in range(config.network.availability_zones))
        version = config.kubernetes_version or ""
        settled = Settled(NO_ACCOUNT, "aws", config.region, version, version, zones)
        notes = (f"the stack does not exist yet: the bucket's name carries {NO_ACCOUNT} for its account",)
    stack_id, records = (state.stack_id, state.steps) if state is not None else ("", {})
    cidrs, bucket = subnet_ranges(catalog(config, settled), records), bucket_name(config, settled)
    ipv6, auto = config.network.ipv6, config.autoscaler == "auto-mode"
    return StackFacts(config.name, stack_id, settled.region, bucket, cidrs, ipv6, auto), notes
