"""A model's folder as its server sees it: the files by path, and the Python modules that can be imported from it.

MLServer puts the folder at the front of `sys.path` before it loads anything
(https://github.com/SeldonIO/MLServer/blob/1.7.1/mlserver/cli/serve.py), so a module beside the model is found, and one
with the name of a library hides the library.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from eksprov import errors

# Modules of the standard library that Python 3.10, which the server has, does not have yet.
YOUNGER: Final = frozenset({"tomllib"})
STANDARD: Final = (sys.stdlib_module_names | {"distutils", "asyncore", "asynchat", "imp", "smtpd"}) - YOUNGER


class Carrying(Protocol):
    """What a folder is looked at for: a server with its libraries."""

    @property
    def name(self) -> str: ...

    @property
    def libraries(self) -> Mapping[str, str]: ...

    @property
    def modules(self) -> frozenset[str]: ...

    @property
    def carries(self) -> str: ...

    @property
    def models_dir(self) -> str: ...


@dataclass(frozen=True)
class Folder:
    """`paths` are those of the files below `root`, with slashes; `name` is the model's."""

    root: Path
    name: str
    paths: frozenset[str]
    runtime: Carrying

    def wrong(self, message: str, hint: str = "") -> errors.UsageError:
        """An error about this model, to be raised."""
        return errors.UsageError(f"model {self.name}: {message}", hint)

    def module(self, module: str, below: str = "") -> str | None:
        """The path of a module's source or library, of a package its folder; None where the folder has none so called.

        `below` is the folder to begin at.
        """
        base = (below + "/" if below else "") + module.replace(".", "/")
        for path in (f"{base}.py", f"{base}/__init__.py"):
            if path in self.paths:
                return path
        compiled = (path for path in self.paths if path.startswith(f"{base}.") and path.endswith((".so", ".pyc")))
        return next(compiled, base if any(path.startswith(f"{base}/") for path in self.paths) else None)

    def has(self, top: str) -> bool:
        """Whether the server can import a module of this first name, from the folder or from its image."""
        return self.module(top) is not None or top in self.runtime.modules or top in STANDARD

    def defines(self, source: str, attribute: str) -> bool:
        """Whether a module of the folder has this name at its top; taken for granted where that cannot be told."""
        tree = self.parsed(source)
        return tree is None or _is_open(tree) or attribute.partition(".")[0] in set(_bound(tree.body))

    def lacking(self, source: str, seen: set[str] | None = None) -> Iterator[tuple[str, str]]:
        """Modules that a source of the folder imports at its top, or one that it imports, and the server lacks."""
        seen = set() if seen is None else seen
        tree = self.parsed(source)
        if source in seen or tree is None:
            return
        seen.add(source)
        for module in _imported(tree.body):
            own = self.module(module)
            if own is not None:
                yield from self.lacking(own, seen)
            elif not self.has(module.partition(".")[0]):
                yield source, module

    def parsed(self, source: str) -> ast.Module | None:
        """A source of the folder; None for what is none. Raises: UsageError where it is no Python."""
        if not source.endswith(".py"):
            return None
        try:
            return ast.parse((self.root / source).read_bytes(), source)
        except SyntaxError as error:
            where = f"{self.root / source} is no Python: line {error.lineno}: {error.msg}"
            raise self.wrong(where, "mend the file, or take it out where nothing needs it") from error
        except (OSError, ValueError, RecursionError):
            return None

    def hiding(self) -> tuple[str, ...]:
        """Warnings about modules that hide one of Python's own. Raises: UsageError for one that hides a library."""
        told: list[str] = []
        for path in sorted(self.paths):
            first, slash, rest = path.partition("/")
            top = first if slash else first.removesuffix(".py")
            if not (rest == "__init__.py" if slash else first.endswith(".py")):
                continue
            what = f"hides the server's own module {top}: the folder comes first on its path"
            if top in self.runtime.modules:
                raise self.wrong(
                    f"{self.root / path} {what}", "rename the file, import it by its new name, and train again"
                )
            if top in STANDARD and top != "test":
                told.append(f"{path} {what}")
        return tuple(told)


def _is_open(tree: ast.Module) -> bool:
    """Whether names may come from where they cannot be seen: a star, or a function that makes them."""
    stars = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    return stars or "__getattr__" in set(_bound(tree.body))


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            yield from _bound(inner + [one for handler in getattr(node, "handlers", []) for one in handler.body])


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    """What is imported without a way out: not inside try, if or functions."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
