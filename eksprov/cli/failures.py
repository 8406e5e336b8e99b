"""The only place where errors become text and exit codes.

An `EksprovError` is said in one line with its cure, and so is what the operating system refuses; a wrong command line
in one line with a pointer to the help. Anything else is a bug: its traceback goes to a log file, one line names it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from eksprov import errors
from eksprov.cli.streams import unwritten
from eksprov.cli.words import clean

if TYPE_CHECKING:
    from eksprov.cli.console import Console
    from eksprov.cli.program import Program

HINT = "  hint: "
_OURS = re.compile(r"`eksprov ([^`]+)`")


def guarded(arguments: list[str], program: Program) -> int:
    """Run the command and return its exit code, whatever happens."""
    console = program.console
    console.arguments = arguments
    try:
        with console.interrupts.listening(), console.patience():
            return _carried_out(arguments, program)
    except errors.EksprovError as error:
        return _told(error, console)
    except click.exceptions.NoArgsIsHelpError as error:
        console.log(error.format_message())
        return errors.EXIT_USAGE
    except click.ClickException as error:
        return _misused(error, console, arguments)
    except (KeyboardInterrupt, click.Abort):
        console.end_progress()
        console.log("")
        return _told(errors.InterruptedRunError(pasteable(console.stopped(), console)), console)
    except (OSError, MemoryError) as error:
        known = _of_the_machine(error)
        return _told(known, console) if known is not None else _bug(error, arguments, console)
    except Exception as error:
        return _bug(error, arguments, console)


def _carried_out(arguments: list[str], program: Program) -> int:
    from eksprov.cli.app import eksprov

    code = eksprov.main(
        arguments, prog_name="eksprov", standalone_mode=False, obj=program, color=program.console.color()
    )
    lost = unwritten(sys.stdout)
    if lost is not None:
        raise errors.MachineError(
            f"the answer could not be written to standard output: {lost.strerror}",
            errors.cure(lost) or "send it elsewhere",
        ) from lost
    return code if isinstance(code, int) else errors.EXIT_DONE


def _told(error: errors.EksprovError, console: Console) -> int:
    if isinstance(error, errors.ConfigError):
        for problem in error.problems:
            mark = click.style(f"{problem.level}:", fg="red" if problem.level == "error" else "yellow", bold=True)
            console.log(f"{mark} {pasteable(str(problem), console)}")
        wrong = sum(problem.level == "error" for problem in error.problems)
        console.log(f"{wrong} {'problem' if wrong == 1 else 'problems'}; nothing was changed")
    else:
        console.log(click.style("error: ", fg="red", bold=True) + clean(error.message))
    hint = error.hint or errors.cure(error.__cause__)
    if hint:
        console.log(HINT + pasteable(hint, console))
    if isinstance(error, errors.InterruptedRunError):
        console.log(f"resume with: {console.again()}")
    return error.exit_code


def pasteable(text: str, console: Console) -> str:
    """The text with "`eksprov plan`" in it as the user would type it here."""
    return _OURS.sub(lambda found: f"`{console.command(*found[1].split())}`", clean(text))


def _misused(error: click.ClickException, console: Console, arguments: list[str]) -> int:
    message = " ".join(error.format_message().split())
    console.log(click.style("error: ", fg="red", bold=True) + message[:1].lower() + message[1:])
    context = getattr(error, "ctx", None)
    path = context.command_path.split()[1:] if context is not None else _command_in(arguments)
    console.log(f"{HINT}see {console.command(*path, '--help', bare=True)}")
    return errors.EXIT_USAGE


def _command_in(arguments: list[str]) -> list[str]:
    """The command of a line that click could not read to its end."""
    from eksprov.cli.app import COMMANDS

    return [word for word in arguments if word in COMMANDS][:1]


def _of_the_machine(error: OSError | MemoryError) -> errors.MachineError | None:
    """What the operating system refuses and a user can mend; None where nobody but us can."""
    if isinstance(error, MemoryError):
        return errors.MachineError("there is not enough memory", "end something that takes memory, then run it again")
    what = error.filename if isinstance(error.filename, str) else ""
    if isinstance(error, FileNotFoundError) and not what:  # only the current folder is looked up without a name
        return errors.MachineError("the current folder does not exist any more", "cd into one that does")
    if not errors.cure(error):
        return None
    return errors.MachineError(f"{what or 'the operating system refuses'}: {error.strerror}", errors.cure(error))


def _bug(error: Exception, arguments: list[str], console: Console) -> int:
    from eksprov.cli.crash import redacted, write_crash

    path = write_crash(error, arguments, console.environ)
    what = redacted(f"{type(error).__name__}: {error}").splitlines()[0][:200]
    where = f"the details are in {path}" if path else "and the log file could not be written"
    console.log(click.style("error: ", fg="red", bold=True) + f"this is a bug in eksprov ({what}); {where}")
    return errors.EXIT_FAILED
