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
    from eksprov.cli.desk import Desk

HINT = "  hint: "
_OURS = re.compile(r"`eksprov ([^`]+)`")


def guarded(arguments: list[str], desk: Desk) -> int:
    """Run the command and return its exit code, whatever happens."""
    desk.arguments = arguments
    try:
        with desk.interrupts.listening(), desk.patience():
            return _carried_out(arguments, desk)
    except errors.EksprovError as error:
        return _told(error, desk)
    except click.exceptions.NoArgsIsHelpError as error:
        desk.log(error.format_message())
        return errors.EXIT_USAGE
    except click.ClickException as error:
        return _misused(error, desk, arguments)
    except (KeyboardInterrupt, click.Abort):
        desk.end_progress()
        desk.log("")
        return _told(errors.InterruptedRunError(pasteable(desk.stopped(), desk)), desk)
    except (OSError, MemoryError) as error:
        known = _of_the_machine(error)
        return _told(known, desk) if known is not None else _bug(error, arguments, desk)
    except Exception as error:
        return _bug(error, arguments, desk)


def _carried_out(arguments: list[str], desk: Desk) -> int:
    from eksprov.cli.app import eksprov

    code = eksprov.main(arguments, prog_name="eksprov", standalone_mode=False, obj=desk, color=desk.color())
    lost = unwritten(sys.stdout)
    if lost is not None:
        raise errors.MachineError(
            f"the answer could not be written to standard output: {lost.strerror}",
            errors.cure(lost) or "send it elsewhere",
        ) from lost
    return code if isinstance(code, int) else errors.EXIT_DONE


def _told(error: errors.EksprovError, desk: Desk) -> int:
    if isinstance(error, errors.ConfigError):
        for problem in error.problems:
            mark = click.style(f"{problem.level}:", fg="red" if problem.level == "error" else "yellow", bold=True)
            desk.log(f"{mark} {pasteable(str(problem), desk)}")
        wrong = sum(problem.level == "error" for problem in error.problems)
        desk.log(f"{wrong} {'problem' if wrong == 1 else 'problems'}; nothing was changed")
    else:
        desk.log(click.style("error: ", fg="red", bold=True) + clean(error.message))
    hint = error.hint or errors.cure(error.__cause__)
    if hint:
        desk.log(HINT + pasteable(hint, desk))
    if isinstance(error, errors.InterruptedRunError):
        desk.log(f"resume with: {desk.again()}")
    return error.exit_code


def pasteable(text: str, desk: Desk) -> str:
    """The text with "`eksprov plan`" in it as the user would type it here."""
    return _OURS.sub(lambda found: f"`{desk.command(*found[1].split())}`", clean(text))


def _misused(error: click.ClickException, desk: Desk, arguments: list[str]) -> int:
    message = " ".join(error.format_message().split())
    desk.log(click.style("error: ", fg="red", bold=True) + message[:1].lower() + message[1:])
    context = getattr(error, "ctx", None)
    path = context.command_path.split()[1:] if context is not None else _command_in(arguments)
    desk.log(f"{HINT}see {desk.command(*path, '--help', bare=True)}")
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


def _bug(error: Exception, arguments: list[str], desk: Desk) -> int:
    from eksprov.cli.crash import redacted, write_crash

    path = write_crash(error, arguments, desk.environ)
    what = redacted(f"{type(error).__name__}: {error}").splitlines()[0][:200]
    where = f"the details are in {path}" if path else "and the log file could not be written"
    desk.log(click.style("error: ", fg="red", bold=True) + f"this is a bug in eksprov ({what}); {where}")
    return errors.EXIT_FAILED
