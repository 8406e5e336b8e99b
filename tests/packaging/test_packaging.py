"""Laws of the package as a whole: what is shipped, how it starts, and what no file of it may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import eksprov

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHON = sorted(p for folder in ("eksprov", "tests", "scripts", "examples") for p in (ROOT / folder).rglob("*.py"))
MAX_LINES, MAX_FUNCTION = 400, 40


def tracked() -> list[Path]:
    """The files of the repository; outside of one, all that a checkout would hold."""
    git = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode == 0 and git.stdout:
        return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [*PYTHON, ROOT / "README.md", ROOT / "Makefile", *(ROOT / "scripts").iterdir()]


def relative(path: Path) -> str:
    """A path as people name it."""
    return str(path.relative_to(ROOT))


def test_the_version_is_the_packages() -> None:
    assert metadata.version("eksprov") == eksprov.__version__


def test_the_entry_point_is_the_command_line() -> None:
    (entry,) = metadata.entry_points(group="console_scripts", name="eksprov")
    assert entry.value == "eksprov.cli:main"
    assert callable(entry.load())


def test_every_dependency_is_locked_with_hashes_and_without_hosts() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
    for wanted in [*PROJECT["project"]["dependencies"], *extras["local"], *extras["dev"]]:
        parts = re.match(r"([A-Za-z0-9-]+)(?:\[.*?\])?(?:==([^;\s]+))?", wanted)
        assert parts is not None, wanted
        name, version = parts.groups()
        assert name.lower() in pinned, f"{name} is not locked: make lock"
        assert version in (None, pinned[name.lower()])
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def test_the_first_line_of_defence_names_the_dependencies() -> None:
    text = (ROOT / "eksprov" / "__main__.py").read_text()
    imported = {"pyyaml": "yaml"}
    wanted = {re.split(r"[>=<\[]", one)[0] for one in PROJECT["project"]["dependencies"]}
    found = re.search(r'_PACKAGES = "([^"]+)"', text)
    assert found
    assert set(found[1].split()) == {imported.get(name, name) for name in wanted}


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_what_any_python_reads_first_holds_nothing_new(name: str) -> None:
    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef, ast.Nonlocal)
    tree = ast.parse((ROOT / "eksprov" / name).read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, new)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.returns or any(a.annotation for a in node.args.args)]
    assert "from __future__ import annotations" not in (ROOT / "eksprov" / name).read_text()


def test_a_python_without_the_packages_gets_one_line_that_says_what_to_do() -> None:
    for arguments in (["-m", "eksprov", "plan"], ["-m", "eksprov"]):
        bare = subprocess.run(
            # -S leaves site-packages out, -E all settings: what a Python of the system sees.
            (sys.executable, "-S", "-E", *arguments),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (bare.returncode, bare.stdout) == (2, "")
        assert re.fullmatch(r"eksprov needs packages .*\.venv/bin/python -m eksprov\n", bare.stderr), bare.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel that is built by the build backend itself."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        (sys.executable, "-c", code, str(folder)), cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as file:
        return file.namelist()


def test_the_wheel_holds_every_module_and_what_modules_read(wheel: list[str]) -> None:
    for path in (ROOT / "eksprov").rglob("*"):
        if path.suffix in (".py", ".mod", ".sum", ".go", ".typed", ".json", ".yaml"):
            assert relative(path) in wheel
    for name in ("go.mod", "go.sum", "main.go"):
        assert f"eksprov/local/controlplane/{name}" in wheel
    assert "eksprov/py.typed" in wheel
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_the_wheel_holds_nothing_else(wheel: list[str]) -> None:
    assert not [name for name in wheel if not name.startswith(("eksprov/", "eksprov-"))]
    assert not [name for name in wheel if "__pycache__" in name]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_files_and_functions_are_small_and_modules_tell_their_story(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MAX_LINES
    long = [f.name for f in functions(tree) if (f.end_lineno or f.lineno) - f.lineno + 1 > MAX_FUNCTION]
    assert long == []
    assert ast.get_docstring(tree), "a module says what it is for"


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_nothing_is_patched_and_nothing_is_left_undone(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module):
                assert not (module or "").startswith("unittest.mock")
            case ast.Import(names=names):
                assert not [name for name in names if name.name.startswith("unittest.mock")]
            case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr"):
                pytest.fail(f"line {node.lineno}: collaborators come by the constructor")
            case ast.ExceptHandler(type=ast.Name(id="Exception" | "BaseException"), body=[ast.Pass()]):
                pytest.fail(f"line {node.lineno}: a swallowed error")


# Put together here, so that this file does not hold what it forbids.
FORBIDDEN = tuple(
    re.compile(text)
    for text in (
        "/" + "work/",
        "/" + "root/",
        "pypi" + r"\.org",
        "pythonhosted" + r"\.org",
        "proxy" + r"\.golang\.org",
        "deb" + r"\.debian\.org",
        r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b",
        "type: " + r"ignore(?!\[)",
    )
)
# This one file names what lies beside a checkout on the machine that runs CI.
BESIDE = "shared" + "/"


def test_no_file_holds_paths_of_a_machine_hosts_of_packages_or_leftovers() -> None:
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found = [pattern.pattern for pattern in FORBIDDEN if pattern.search(text)]
        assert found == [], relative(path)
        assert BESIDE not in text or relative(path) in (".ci/run", "LICENSE"), relative(path)


def test_no_file_is_an_accident() -> None:
    for path in tracked():
        assert path.stat().st_size < 1_000_000, relative(path)
        assert not path.is_symlink()


def test_the_readme_and_ci_call_what_make_offers() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    offered = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    assert targets == offered == set(phony[1].split())
    for path in ("README.md", ".ci/run"):
        called = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", (ROOT / path).read_text(), re.MULTILINE))
        assert called
        assert called <= targets, path
    assert {"help", "provision", "teardown", "deploy-model", "test", "check", "laws", "bench", "clean"} <= targets


def test_the_readme_names_only_commands_that_exist() -> None:
    from eksprov.cli.app import COMMANDS

    called = set(re.findall(r"-m eksprov ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert called
    assert called <= set(COMMANDS)


def test_every_capability_names_tests_that_exist() -> None:
    table = (ROOT / "docs" / "capabilities.md").read_text().split("|---|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    named = [row.rstrip(" |").rsplit("|", 1)[-1].strip().split(", ") for row in table.splitlines()]
    assert len(named) > 20
    missing = [test for tests in named for test in tests if not test.startswith("tests/") or not (ROOT / test).exists()]
    assert not missing


def test_the_pages_name_only_files_that_exist() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        named = set(re.findall(r"\btests/[\w/]+(?:\.py)?", page.read_text()))
        assert not [name for name in named if not (ROOT / name).exists()], page.name


def test_make_without_a_target_lists_them_and_touches_nothing(tmp_path: Path) -> None:
    listed = subprocess.run(
        ("make", "--no-print-directory", "-C", str(ROOT)), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "make provision" in listed.stdout
    assert "set-up" not in listed.stderr
