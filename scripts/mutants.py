"""Breaks the code on purpose, one place at a time, and asks the tests whether they see it.

A sample of places is drawn by a seed, which is printed. Which tests run a line is measured by coverage with a context
for each test, and kept in `.mutants/` until code or tests change. Each mutant lives in a copy of the checkout. It is
*killed* when a test fails or the tests take far longer than they may, and it *survives* when all pass; one whose line
no test runs survives without a run.

    scripts/mutants.py [--count 300] [--seed 7] [--only eksprov/core/plan.py]
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
PLACES = ("core", "config/rules", "permissions", "preflight", "serving", "state", "kube", "aws")
# The tests that judge: those that need no server of their own, so that one run takes seconds.
JUDGES = (
    "aws", "cli", "config", "controllers", "core", "cost", "kube", "laws", "permissions", "pins", "preflight",
    "serving", "state", "steps",
)  # fmt: skip
COPIED = ("eksprov", "examples", "scripts", "tests", "docs", "pyproject.toml", "eksprov.yaml", "Makefile")
CACHE = ROOT / ".mutants"
LIMIT_S = 120.0  # for the tests of one mutant, which take seconds; one that goes on for ever is killed by it
TESTS_EACH = 150  # of those that run the line, the ones that run the least else
WORKERS = 2
ARCS = """select f.path, c.context, a.fromno, a.tono from arc a join file f on f.id = a.file_id
join context c on c.id = a.context_id where c.context like 'tests/%'"""

_TURNED = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is", ast.And: "or", ast.Or: "and", ast.Add: "-", ast.Sub: "+",
    ast.Mult: "+", ast.Div: "*",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One broken place: the file, the line, what stood there and what stands there now; where in the text, in bytes."""

    path: str
    line: int
    before: str
    after: str
    begin: int
    end: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' '.join(self.before.split())[:80]} -> {' '.join(self.after.split())[:90]}"


def instead(node: ast.AST, text: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What to replace by what, so that `node` says something else; `text` is the file's."""

    def said(part: ast.expr) -> str:
        return ast.get_source_segment(text, part) or ""

    match node:
        case ast.Compare(ops=[op]) if type(op) in _TURNED:
            yield node, f"({said(node.left)} {_TURNED[type(op)]} {said(node.comparators[0])})"
        case ast.BoolOp():
            yield node, "(" + f" {_TURNED[type(node.op)]} ".join(f"({said(one)})" for one in node.values) + ")"
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"({said(node.operand)})"
        case ast.BinOp() if type(node.op) in _TURNED and not isinstance(node.right, ast.Constant | ast.JoinedStr):
            yield node, f"({said(node.left)} {_TURNED[type(node.op)]} {said(node.right)})"
        case ast.Constant(value=bool()):
            yield node, str(not node.value)
        case ast.Constant(value=int() | float() as number):
            yield node, f"({number} + 1)"
        case ast.If() | ast.IfExp():
            yield node.test, f"(not ({said(node.test)}))"
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, "None"
        case ast.Expr(value=ast.Call()):
            yield node, "pass"
        case ast.Continue():
            yield node, "break"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file; what runs only while a module loads is let be, and f-strings, whose places are unsaid."""
    text = path.read_text()
    lines = [0]
    for one in text.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(one))
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(text), False)]
    while todo:
        node, inside = todo.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        for old, new in instead(node, text) if inside else ():
            begin = lines[old.lineno - 1] + old.col_offset
            end = lines[(old.end_lineno or old.lineno) - 1] + (old.end_col_offset or 0)
            before = text.encode()[begin:end].decode()
            yield Mutant(path.relative_to(ROOT).as_posix(), old.lineno, before, new, begin, end)
        if isinstance(node, ast.FunctionDef):
            todo += [(part, True) for part in node.body]
        else:
            todo += [(part, inside) for part in ast.iter_child_nodes(node)]


def drawn(seed: int, count: int, only: str) -> list[Mutant]:
    """The sample, in the order of the seed."""
    files = sorted(path for place in PLACES for path in (ROOT / "eksprov" / place).rglob("*.py"))
    every = [one for path in files if path.as_posix().endswith(only) for one in mutants_of(path)]
    print(f"{len(every)} places in {len(files)} files; seed {seed}", flush=True)
    return random.Random(seed).sample(every, min(count, len(every)))


def measured() -> Path:
    """The coverage data with a context for each test, measured where it is not of this code and these tests."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("eksprov/**/*.py"), *ROOT.glob("tests/**/*.py")]):
        digest.update(path.read_bytes())
    data = CACHE / f"{digest.hexdigest()[:16]}.coverage"
    if not data.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir()
        print("measuring which tests run which lines (some 20 minutes) …", flush=True)
        how = f"--cov=eksprov --cov-branch --cov-context=test --cov-report= -n {WORKERS} --dist loadfile".split()
        tests = [f"tests/{one}" for one in JUDGES]
        run(ROOT, *how, *tests, environ={"COVERAGE_FILE": str(data)}, limit_s=5400.0)
    return data


def judges(data: Path) -> dict[tuple[str, int], list[str]]:
    """By file and line, the tests that run it, the one that runs the fewest branches of all first."""
    tests: dict[tuple[str, int], set[str]] = defaultdict(set)
    wide: dict[str, int] = defaultdict(int)
    with sqlite3.connect(data) as found:
        for path, context, begin, end in found.execute(ARCS):
            name, test = Path(path).relative_to(ROOT).as_posix(), context.rpartition("|")[0]
            wide[test] += 1
            for line in {begin, end}:
                if line > 0:
                    tests[name, line].add(test)
    return {place: sorted(names, key=lambda one: (wide[one], one)) for place, names in tests.items()}


def run(folder: Path, *arguments: str, environ: dict[str, str] | None = None, limit_s: float = LIMIT_S) -> bool:
    """Whether the tests pass in a checkout; too slow is a failure."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments)
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0", **(environ or {})}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(folder: Path, mutant: Mutant, tests: list[str]) -> bool:
    """Whether the tests of a mutant's line pass with it."""
    path = folder / mutant.path
    whole = path.read_bytes()
    path.write_bytes(whole[: mutant.begin] + mutant.after.encode() + whole[mutant.end :])
    try:
        return not tests or run(folder, *tests[:TESTS_EACH])
    finally:
        path.write_bytes(whole)


def judge(sample: Sequence[Mutant], known: Mapping[tuple[str, int], list[str]], scratch: Path) -> Iterator[bool]:
    """Whether each survives, in order; each worker has a checkout of its own."""
    free: SimpleQueue[Path] = SimpleQueue()
    for number in range(WORKERS):
        (scratch / str(number)).mkdir()
        subprocess.run(("cp", "-a", "--parents", *COPIED, scratch / str(number)), cwd=ROOT, check=True)
        free.put(scratch / str(number))

    def judged(mutant: Mutant) -> bool:
        folder = free.get()
        try:
            return survives(folder, mutant, known.get((mutant.path, mutant.line), []))
        finally:
            free.put(folder)

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(judged, sample)


def main() -> int:
    """Print every survivor and the share of the killed; 1 where that is below 90 %."""
    reader = argparse.ArgumentParser(description="break the code on purpose and see whether the tests notice")
    for name, kind, usual in (
        ("count", int, 300),
        ("seed", int, random.SystemRandom().randrange(10_000)),
        ("only", str, ".py"),
    ):
        reader.add_argument(f"--{name}", type=kind, default=usual)
    asked = reader.parse_args()
    sample, known, left = drawn(asked.seed, asked.count, asked.only), judges(measured()), 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (mutant, lives) in enumerate(zip(sample, judge(sample, known, Path(scratch)), strict=True), 1):
            left += lives
            if lives:
                why = "" if (mutant.path, mutant.line) in known else " (no test runs it)"
                print(f"[{number}/{len(sample)}] survives{why}: {mutant}", flush=True)
    killed = (len(sample) - left) / max(len(sample), 1)
    print(f"{len(sample) - left} of {len(sample)} killed ({killed:.1%}), seed {asked.seed}")
    return 0 if killed >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
