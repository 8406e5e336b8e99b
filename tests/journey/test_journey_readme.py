"""README.md is followed to the letter in a fresh clone: each command it shows is run, each line it shows must come.

The page is the script: a command or a file that is added to it is run or written without a word here
(`support.readme`). When screens have changed, its run is recorded anew by

    EKSPROV_RECORD=1 make test TESTS=tests/journey/test_journey_readme.py

which runs that part alone, keeps the steps that the page shows and takes all other lines as they are now. Not made
here is `.venv`, which needs a package index: the clone gets the one that runs the tests, and the lines of the set-up
are compared with what its script says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import readme
from support.journey import PATIENCE_S, ROOT, Done, Project
from support.programs import control_plane_programs, kubectl_program
from support.readme import Command, File

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

README = ROOT / "README.md"
RECORD = bool(os.environ.get("EKSPROV_RECORD"))
STORY = (readme.run if RECORD else readme.story)(README.read_text())
PACKAGES = len(re.findall(r"^[a-zA-Z]", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


class Clone(Project):
    """All that a clone of the repository would hold, and a user's shell in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "clone"
        listed = subprocess.run(
            ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        del self.environ["PYTHONPATH"]  # the clone's own files are run
        environment = self.folder / ".venv"
        environment.mkdir()
        shutil.copy(Path(sys.prefix) / "pyvenv.cfg", environment)
        for part in ("bin", "lib"):
            (environment / part).symlink_to(Path(sys.prefix) / part)
        (environment / ".ready").touch()

    def shell(self, command: str) -> Done:
        """Run it as it stands; what it says on stdout and stderr, as a terminal shows both."""
        done = subprocess.run(
            ("sh", "-c", command),
            cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, "")

    def show(self, file: File) -> None:
        """Write a file, or add to it."""
        path = self.folder / file.name
        with path.open("a") as opened:
            opened.write(file.text if not path.stat().st_size or path.read_text().endswith("\n") else f"\n{file.text}")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    control_plane_programs()
    kubectl_program()
    made = Clone(tmp_path_factory.mktemp("readme"))
    yield made
    made("local", "down")
    assert made.processes() == []


@pytest.fixture(scope="module")
def said(clone: Clone) -> dict[str, Done]:
    """What every command said; after one that fails, the rest is not begun."""
    found: dict[str, Done] = {}
    for step in STORY.steps:
        if isinstance(step, File):
            clone.show(step)
            continue
        found[step.text] = clone.shell(step.text)
        if found[step.text].code:
            break
    if RECORD:
        outputs = {text: done.out for text, done in found.items()}
        README.write_text(readme.recorded(README.read_text(), outputs, PACKAGES))
    return found


@pytest.mark.parametrize("command", STORY.commands, ids=lambda command: command.text)
def test_every_command_goes_well_and_says_what_is_shown(said: dict[str, Done], command: Command) -> None:
    assert command.text in said, f"the one before failed: {list(said)[-1]}"
    done = said[command.text]
    assert done.code == 0, done.out
    missing = [line for line in command.missing(done.out) if not line.startswith("set-up: ")]
    assert RECORD or missing == [], done.out


def test_what_is_run_is_all_of_a_stacks_life() -> None:
    called = " ".join(readme.names(readme.story(README.read_text()).commands))
    for command in ("make provision", "deploy-model", "invoke", "kubeconfig", "kubectl", "init", "make teardown"):
        assert command in called
    assert readme.names(STORY.commands)[-1] == readme.LAST


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("created     vpc    0.4 s", "created     vpc                  12 s  vpc-1", True),
        ("created     vpc    0.4 s", "created     vpc-2                12 s", False),
        ("stack a (x): 26 created, in 16 s", "stack a (x): 26 created, in 1 min 2 s", True),
        ("stack a (x): 26 created, in 16 s", "stack a (x): 27 created, in 16 s", False),
        ("ip-10-0-0-5  Ready  <none>  31s  v1.36.3", "ip-10-0-0-5   Ready   <none>   4m2s   v1.36.3", True),
        ("ip-10-0-0-5  Ready  <none>  31s  v1.36.3", "ip-10-0-0-5   NotReady   <none>   4m2s   v1.36.3", False),
        ("nothing is left (0 vpc, ...)", "nothing is left (0 vpc, 0 subnet)", True),
        ("predict (INT64 3x1): 0, 1, 2", "predict (INT64 3x1): 0, 1, 3", False),
    ],
)
def test_only_what_varies_may_differ(shown: str, real: str, same: bool) -> None:
    assert (Command("x", (shown,)).missing(f"before\n{real}\nafter\n") == []) is same


def test_what_is_recorded_keeps_the_shown_steps_and_takes_every_other_line_as_it_is_now() -> None:
    page = f"a\n{readme.BEGIN}\nb\n```console\n{{}}```\n{readme.END}\nc\n"
    shown = "$ make x  # why\nset-up: done\ncreated  vpc  0.4 s\nold\n"
    said = "… 1 of 2 done\ncreated  vpc  0.9 s  vpc-1\ncreated  role  1.0 s\nnote: maybe\nnew (1 a, 2 b)\n"
    kept = "$ make x\nset-up: done\ncreated  vpc  0.9 s\nnew (1 a, 2 b)\n"
    assert readme.recorded(page.format(shown), {"make x": said}, 7) == page.format(kept)


def test_the_lines_of_the_set_up_are_those_of_its_script() -> None:
    script = (ROOT / "scripts/setup.sh").read_text()
    made = script.replace('$("$chosen" --version)', "PYTHON")
    made = re.sub(r"\$\(grep -c [^)]*\)", str(PACKAGES), made)
    told = {f"set-up: {words}" for words in re.findall(r'^ *(?:say|told) "([^"$]*)"', made, re.MULTILINE)}
    shown = [line for command in STORY.commands for line in command.shown if line.startswith("set-up: ")]
    assert len(shown) >= 3
    assert {readme.shape(line) for line in shown} <= told
