"""Row R16: the real command on a real terminal, of 40 to 200 columns, resized and interrupted at random moments.

As in R13 a worker has a local world in its own process, and every run is followed by one that must complete and make
the right world. Ctrl-C is typed, never, once or twice; a run that is interrupted must leave the terminal as promptly as
R13 wants it, with the cursor shown and its settings as they were, and exit 130, or 0 where it was done already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from support.journey import PYTHON
from support.terminal import CTRL_C, Terminal, screen

from simulator.kills import BETWEEN_S, FIRST_S, LONGEST_S, SECOND_S, Killer, busy, kills
from simulator.scenario import Result

PRESSES = (0, 1, 1, 2)
COLUMNS, ROWS = (40, 200), (10, 50)
DRAWN = ("done after", "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏")  # what must not stay when it is over


class Typist(Killer):
    """Sits before the terminal."""

    row = "R16"
    commands = (("provision",), ("deploy-model",), ("teardown",))
    ends = tuple("^C" * count for count in PRESSES)
    _complete = False  # the run on the terminal has done all there was to do

    def _again(self, command: tuple[str, ...]) -> Iterator[str]:
        if not self._complete:
            yield from super()._again(command)

    def _started(self, command: tuple[str, ...]) -> Terminal:
        here = self._here
        self._columns, self._resizes = self._chance.randint(*COLUMNS), self._chance.random() < 0.5
        words = (PYTHON, "-m", "eksprov", *command, "--yes")
        return Terminal(words, here.folder, here.environ, self._columns, self._chance.randint(*ROWS))

    def _meanwhile(self, process: Terminal) -> None:
        if self._resizes and self._chance.random() < 0.01:
            process.resize(self._chance.randint(*COLUMNS), self._chance.randint(*ROWS))

    def _ended(self, process: Terminal, how: str) -> Iterator[str]:  # type: ignore[override]  # what `_started` gives
        """Press the keys, wait for the end, and say what is wrong with it."""
        presses, limit = how.count("^C"), LONGEST_S
        pressed = time.monotonic()
        for number in range(presses):
            if number:
                process.wait(self._chance.uniform(0, BETWEEN_S))
            pressed, limit = time.monotonic(), SECOND_S if number else FIRST_S
            process.type(CTRL_C)
            self._meanwhile(process)
        process.wait(LONGEST_S)
        took, ended = time.monotonic() - pressed, process.ended
        process.close()
        said, self._complete = process.said, ended is not None and ended[0] == 0
        if ended is None:
            yield f"O7: it hangs after {presses} Ctrl-C: {said[-3000:]}"
            return
        if presses and took > limit * busy():
            yield f"O7: ended {took:.1f} s after Ctrl-C {presses}, later than {limit * busy():.1f} s"
        if ended[0] not in ((0, 130) if presses else (0,)):
            yield f"O8: exit {ended[0]} after {presses} Ctrl-C: {said[-800:]!r}"
        if not process.cursor_shown or not ended[1]:
            yield f"O8: the terminal is left changed after {presses} Ctrl-C: {said[-800:]!r}"
        if "bug in eksprov" in said or ("Traceback" in said and "eksprov" in said.split("Traceback", 1)[1]):
            yield f"O8: it says after {presses} Ctrl-C: {said[-1600:]!r}"
        stays = "\n".join(screen(said, self._columns))
        if not presses and not self._resizes and any(mark in stays for mark in DRAWN):
            yield f"O8: what was drawn has stayed on the screen of {self._columns} columns: {stays[-1600:]!r}"


def terminals(number: int, seed: int) -> Iterator[Result]:
    """So many runs, one after the other."""
    return kills(number, seed, Typist, "R16")
