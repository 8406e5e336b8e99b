"""README.md as a story to be followed: its commands in their order, the files it shows, the lines that must come.

Of a shown line, times, ages, ids, the Python's version and how much is deleted may differ, and what follows it in the
real one was cut; all else is compared. `...` in a shown line stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

BEGIN, END = "<!-- run -->", "<!-- /run -->"
LAST = "make teardown"  # of all commands, wherever README shows it
WIDTH = 118
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+\.(?:py|yaml|json))`:$")
_STEP = re.compile(r"^(?P<shown>[a-z]+ +(?P<name>\S+/?\S*) +[\d.]+ s)\b")
_VARIES = (
    (re.compile(r"\b\d+(\.\d+)? (s|min)\b"), "TIME"),
    (re.compile(r"\b(\d+[smhd])+\b"), "AGE"),
    (re.compile(r"-[0-9a-f]{6}\b"), "-ID"),
    (re.compile(r"\b\d+ (deleted|absent)\b"), "SOME"),  # what is served later on the page goes too
    (re.compile(r"\bPython 3\.\d+\.\d+"), "PYTHON"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True)
class Command:
    """A command as README shows it, without its comment, and the lines below it."""

    text: str
    shown: tuple[str, ...] = ()

    def missing(self, said: str) -> list[str]:
        """The shown lines that the command did not say."""
        real = [shape(line) for line in said.splitlines()]
        found = [
            (line, re.compile(f"{re.escape(shape(line)).replace(re.escape('...'), '.*')}( |$)")) for line in self.shown
        ]
        return [line for line, pattern in found if not any(pattern.match(each) for each in real)]


@dataclass(frozen=True)
class File:
    """A file as README shows it: to be written, or to be added to where it is there."""

    name: str
    text: str


@dataclass(frozen=True)
class Story:
    """What a reader does, in order."""

    steps: tuple[Command | File, ...] = field(default=())

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands alone."""
        return tuple(step for step in self.steps if isinstance(step, Command))


def shape(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line.strip()


def story(text: str) -> Story:
    """Read README. A command that is shown twice is run once, where most lines are shown of it."""
    told: list[Command | File] = []
    for match in _FENCE.finditer(text):
        language, body = match.groups()
        if language == "console":
            told += _commands(body)
        elif named := _NAMED.search(text[: match.start()].rstrip()):
            told.append(File(named[1], body))
    best = {c.text: max((d for d in told if isinstance(d, Command) and d.text == c.text), key=lambda d: len(d.shown))
            for c in told if isinstance(c, Command)}  # fmt: skip
    steps = [step for step in told if isinstance(step, File) or best[step.text] is step]
    last = [step for step in steps if isinstance(step, Command) and step.text == LAST]
    return Story((*(step for step in steps if step not in last), *last))


def run(text: str) -> Story:
    """The part between the marks alone: what is recorded, so that nothing of the rest is in it."""
    return story(text.split(BEGIN, 1)[1].split(END, 1)[0])


def _commands(body: str) -> Iterator[Command]:
    shown: list[str] = []
    text = ""
    for line in (*body.splitlines(), "$ "):
        if line.startswith("$ "):
            if text:
                yield Command(text, tuple(shown))
            text, shown = re.sub(r"\s{2,}#.*", "", line[2:]).strip(), []
        elif line.strip():
            shown.append(line)


def recorded(text: str, said: Mapping[str, str], packages: int) -> str:
    """README with its run as the commands have just said it: of steps' lines those that it shows now, all others."""
    before, rest = text.split(BEGIN, 1)
    run, after = rest.split(END, 1)
    intro, body = run.split("```console\n", 1)
    parts = [f"$ {one.text}\n" + "".join(f"{line}\n" for line in _kept(one, said[one.text])) for one in _commands(body)]
    lines = re.sub(r"installing \d+ packages", f"installing {packages} packages", "\n".join(parts))
    return f"{before}{BEGIN}{intro}```console\n{lines}```\n{END}{after}"


def _kept(command: Command, said: str) -> Iterator[str]:
    yield from (line for line in command.shown if line.startswith("set-up: "))  # made beforehand where this is recorded
    names = {match["name"] for line in command.shown if (match := _STEP.match(line))}
    for line in said.splitlines():
        match = _STEP.match(line)
        if match and match["name"] in names:
            yield match["shown"]
        elif line.strip() and not match and not re.search(r"^(set-up|note): |^… |…$", line):
            cut = f"{line[: line.rfind(',', 0, WIDTH - 6)]}, ...{')' * line.endswith(')')}"
            yield line if len(line) <= WIDTH else cut


def names(commands: Sequence[Command]) -> list[str]:
    """The commands' texts."""
    return [command.text for command in commands]
