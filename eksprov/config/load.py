"""A file to a `Config`, or every problem in it at once, each with its file, line and path.

Three sieves, and what falls out of one does not hide what the next would find: YAML (`document`), the schema
(pydantic, its errors put into `words`), the rules between keys (`check`). For the third, whatever the schema refused
is cut out of the tree first, and findings that lean on something cut out are dropped, for they might be wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from pydantic import ValidationError

from eksprov.config import check, document, words
from eksprov.config.document import Document, show
from eksprov.config.pruned import Pruned
from eksprov.config.schema import Config
from eksprov.errors import ConfigError, Problem

_ROUNDS = 5  # of cutting: the wrong value, then the item that lacks a required key, then a list too short
_FOLLOWS = "default_factory_not_called"  # pydantic's word for a default that could not be derived from a wrong value


@dataclass(frozen=True)
class Examined:
    """What a file holds: the config where it is usable, and all problems, warnings among them, by line."""

    config: Config | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make the file unusable."""
        return tuple(problem for problem in self.problems if problem.level == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that leave the file usable."""
        return tuple(problem for problem in self.problems if problem.level == "warning")


def load(path: FilePath) -> Config:
    """The config in a file.

    Raises: ConfigError with every error in it (warnings are left to `examine`).
    """
    return _usable(examine(path))


def parse(text: str | bytes, file: str = "") -> Config:
    """The config in a text; `file` is only named in problems. Paths of models are not looked at.

    Raises: ConfigError with every error in it.
    """
    return _usable(examine_text(text, file))


def examine_text(text: str | bytes, file: str = "") -> Examined:
    """The config in a text and everything wrong or odd with it. Paths of models are not looked at."""
    return _examined(text, file, None)


def examine(path: FilePath) -> Examined:
    """The config in a file and everything wrong or odd with it; raises nothing a file could cause."""
    try:
        with path.open("rb") as file:
            data = file.read(document.MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "write one with `eksprov init`, or name another with --config FILE"
        return Examined(None, (Problem("there is no such file", file=str(path), hint=hint),))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Examined(None, (Problem(f"cannot be read: {reason.lower()}", file=str(path)),))
    return _examined(data, str(path), path.parent)


def _usable(found: Examined) -> Config:
    if found.errors or found.config is None:
        raise ConfigError(found.errors)
    return found.config


def _examined(data: str | bytes, file: str, folder: FilePath | None) -> Examined:
    try:
        read = document.read(data, file)
    except ConfigError as error:
        return Examined(None, error.problems)
    if not isinstance(read.value, dict):
        said = (
            "the file is empty" if read.value is None else "the file must hold keys and values, like `name: my-stack`"
        )
        first = Problem(said, file=file, line=read.line(()) or 1, hint="`eksprov init` writes a file to begin with")
        return Examined(None, (*read.problems, first))
    config, tree, problems = _validated(read, file)
    if config is not None:
        problems += _between_keys(config, tree, read, file, folder)
    usable = config if not any(problem.level == "error" for problem in problems) else None
    return Examined(usable, tuple(sorted(problems, key=lambda problem: problem.line)))


def _validated(read: Document, file: str) -> tuple[Config | None, Pruned, list[Problem]]:
    """The config without what is wrong (None where too little is left), what was cut out, and the problems."""
    tree, problems = Pruned(read.value), list(read.problems)
    named = {problem.path for problem in problems}
    for attempt in range(_ROUNDS):
        try:
            return Config.model_validate_json(json.dumps(tree.value)), tree, problems
        except ValidationError as error:
            found = [one for one in error.errors(include_url=False) if one["type"] != _FOLLOWS]
        if attempt == 0:  # what comes later is only the cutting's own doing
            new = (words.problem(one, read, file) for one in found)
            problems += [problem for problem in new if problem.path not in named]
        tree.cut_out((words.place(one, read), one["type"] == "missing") for one in found)
    return None, tree, problems


def _between_keys(config: Config, tree: Pruned, read: Document, file: str, folder: FilePath | None) -> list[Problem]:
    found = []
    for finding in check.findings(config, folder):
        looked_at = [tree.original(path) for path in finding.paths]
        if not any(tree.lost(path) for path in looked_at):
            place = looked_at[0]
            hint = f"first in line {read.line(looked_at[1])}" if finding.twin else finding.problem.hint
            found.append(replace(finding.problem, path=show(place), file=file, line=read.line(place), hint=hint))
    return found
