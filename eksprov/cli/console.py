"""What is printed and asked: the answer, the log, the display of a run, questions, and the next command to type.

One console a process. Everything a test wants to choose comes by the constructor: the environment, how eksprov was
called, and what the user types.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.interrupts import Interrupts
from eksprov.cli.invocation import command_line, this_call
from eksprov.cli.settings import Settings
from eksprov.errors import EXIT_FAILED, EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from eksprov.cli.display.progress import Display


PATIENCE_S = 1.0  # after so long a word is due, and Python and click have had their time before


def _terminal() -> bool:
    """Whether somebody sits there who can be asked: input and the log are both a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _type_in(question: str) -> str:
    """Ask on stderr, so that a redirected answer stays clean. What was typed before is no answer to it."""
    if sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    click.echo(question, err=True, nl=False)
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()


class Console:
    """See the module. `settings` are what the shared options say."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        called_as: Sequence[str] | None = None,
        terminal: Callable[[], bool] = _terminal,
        type_in: Callable[[str], str] = _type_in,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        self.called_as = tuple(this_call() if called_as is None else called_as)
        self.settings = Settings()
        self.arguments: Sequence[str] = ()
        self.interrupts = Interrupts(self.log)
        self._terminal, self._type_in = terminal, type_in
        self._display: Display | None = None
        self._said, self._patience_s = 0, patience_s
        self._begun: list[str] = []

    def color(self) -> bool | None:
        """False where NO_COLOR (https://no-color.org) asks for none; else None: colours on a terminal only."""
        return False if self.environ.get("NO_COLOR") else None

    def say(self, text: str) -> None:
        self._said += 1
        click.echo(text, color=self.color())

    def log(self, text: str) -> None:
        """A line for people, on stderr; a running display puts it above itself."""
        self._said += 1
        if self._display is not None:
            self._display.note(text)
        else:
            click.echo(text, err=True, color=self.color())

    def columns(self) -> int:
        """How wide the terminal is that the answer goes to; 0 where it goes elsewhere, or is to be had whole (-v)."""
        if self.settings.verbose or not sys.stdout.isatty():
            return 0
        return shutil.get_terminal_size().columns

    def answer(self, data: Any) -> None:
        """The answer as JSON, on stdout, its keys in the order they were given."""
        self.say(json.dumps(data, indent=2, default=str))

    def command(self, *words: str, bare: bool = False) -> str:
        """A command of ours as the user would type it here; unless `bare`, with the same config and account."""
        return command_line((*self.called_as, *words, *(() if bare else self.settings.words())))

    def again(self) -> str:
        """This very command line, to be pasted back."""
        return command_line((*self.called_as, *self.arguments))

    def unfinished(self, *, stopped: bool) -> int:
        """Name the command that goes on where this run ended, this one again, and return the exit code."""
        what = "resume with" if stopped else "once mended, go on with"
        self.log(f"{click.style(f'{what}:', bold=True)} {self.again()}")
        return EXIT_INTERRUPTED if stopped else EXIT_FAILED

    def next(self, *words: str, what: str = "next") -> None:
        """Name the next command, on stderr."""
        self.log(f"{click.style(f'{what}:', bold=True)} {self.command(*words)}")

    def can_ask(self) -> bool:
        """Whether there is somebody to be asked."""
        return self._terminal()

    def confirm(self, question: str, wanted: str = "yes") -> None:
        """Go on only when the user types `wanted`. Raises: UsageError otherwise; nothing was done."""
        if self._type_in(f"{question} ") != wanted:
            raise UsageError("not confirmed; nothing was changed", f"type {wanted!r} to confirm, or pass --yes")

    def must_confirm(self, *, yes: bool) -> bool:
        """Whether to ask. Raises: UsageError when nobody can be asked and --yes was not given."""
        if yes:
            return False
        if not self.can_ask():
            raise UsageError(
                "this asks before it changes anything, and there is no terminal to ask on; nothing was changed",
                "pass --yes",
            )
        return True

    @contextlib.contextmanager
    def progress(self) -> Iterator[Display]:
        """Show what goes on, on stderr, until the block ends; inside another one, that one."""
        if self._display is not None:
            yield self._display
            return
        from eksprov.cli.display.choice import display_for

        self._display = display_for(sys.stderr, self.environ, self.color(), every=self.settings.verbose)
        self._said += 1
        try:
            with self._display as display:
                yield display
        finally:
            self.end_progress()

    def end_progress(self) -> None:
        """Give the terminal back, where a Ctrl-C came while it was being given back too; else nothing."""
        if self._display is not None:
            self._display.close()
            self._display = None

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """While inside, say a word where none was said for a while: a cold machine takes long to load Python code."""
        over = threading.Event()

        def speak() -> None:
            text, pause, passed, said = (
                "at work (the first start on a machine takes longest) …",
                self._patience_s,
                0.0,
                0,
            )
            while not over.wait(pause) and self._said == said:
                self.log(text)
                passed, pause, said = passed + pause, 2 * pause, self._said
                text = f"… still at work, {passed + pause:.0f} s"

        threading.Thread(target=speak, name="patience", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def begins(self, what: str) -> None:
        """Something is changed from now on that no `orderly` run records; after a stop it is said that it is so."""
        self._begun.append(what)

    def stopped(self) -> str:
        """What a stop by the user has left, as far as this command knows."""
        if self.interrupts.ran:
            return "stopped; what was done is recorded"
        return "; ".join(("stopped", *self._begun)) if self._begun else "stopped before anything was changed"
