"""Every way a command line can end has its exit code and says, in one line, what and what next."""

from __future__ import annotations

import importlib
import json
import os
import stat
import threading
from pathlib import Path

import click
import pytest
from support.command_line import CommandLine, Samples, Scripted

from eksprov import __version__, errors
from eksprov.cli.app import COMMANDS, eksprov

SUBCOMMANDS = [
    *((name,) for name in COMMANDS),
    ("local", "up"),
    ("local", "down"),
    ("local", "status"),
    ("local", "env"),
    ("state", "show"),
    ("state", "pull"),
    ("state", "push"),
    ("state", "unlock"),
]


def test_no_command_shows_the_help_and_counts_as_misuse(cli: CommandLine) -> None:
    result = cli()
    assert result.code == 2
    assert result.err.startswith("Usage: eksprov [OPTIONS] COMMAND")


def test_version(cli: CommandLine) -> None:
    result = cli("--version")
    assert (result.code, result.err) == (0, "")
    assert __version__ in result.out


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_on_stdout(cli: CommandLine, words: tuple[str, ...]) -> None:
    result = cli(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert "Examples:" in result.out
    assert f"eksprov {' '.join(words)}" in result.out.split("Examples:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_itself_says(name: str) -> None:
    command: click.Command = importlib.import_module(f"eksprov.cli.commands.{COMMANDS[name][0]}").command
    assert command.name == name
    assert (command.help or "").split("\n")[0] == COMMANDS[name][1]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("completion", "init", "local", "state")])
def test_every_command_that_answers_takes_json_and_the_shared_options(name: str) -> None:
    command = eksprov.get_command(click.Context(eksprov), name)
    assert command is not None
    options = {text for parameter in command.params for text in parameter.opts}
    assert {"--json", "--config", "--profile", "--region"} <= options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plna",), "error: no such command: 'plna'; did you mean 'plan'?\n  hint: see eksprov --help\n"),
        (("zzz",), "error: no such command: 'zzz'\n  hint: see eksprov --help\n"),
        (("plan", "--quux"), "error: no such option '--quux'.\n  hint: see eksprov plan --help\n"),
        (("plan", "--config"), "error: option '--config' requires an argument.\n  hint: see eksprov plan --help\n"),
        (("local", "sideways"), "error: no such command 'sideways'.\n  hint: see eksprov local --help\n"),
        (("plan", "extra"), "error: got unexpected extra argument (extra)\n  hint: see eksprov plan --help\n"),
        (
            ("completion", "tcsh"),
            "error: invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.\n"
            "  hint: see eksprov completion --help\n",
        ),
    ],
)
def test_a_wrong_command_line_gets_one_line_and_a_pointer_to_the_help(
    cli: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    result = cli(*arguments)
    assert (result.code, result.out, result.err) == (2, "", said)


def test_one_of_our_errors_is_one_line_and_its_cure(cli: CommandLine, scripted: type[Scripted]) -> None:
    failing = scripted(raises=errors.AccessError("could not read vpc: denied", "ask your admin"))
    result = cli("plan", backend=failing)
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: could not read vpc: denied\n  hint: ask your admin\n"


def test_a_missing_config_names_the_file_and_the_cure(cli: CommandLine) -> None:
    for command in ("plan", "provision", "teardown", "outputs", "status"):
        result = cli(command, "--config", "nowhere.yaml")
        assert (result.code, result.out) == (2, "")
        assert "nowhere.yaml" in result.err
        assert "eksprov init" in result.err


def test_a_wrong_config_lists_every_problem_and_changes_nothing(cli: CommandLine) -> None:
    Path("eksprov.yaml").write_text("name: UPPER\nregoin: us-west-2\n")
    result = cli("provision")
    assert result.code == 2
    assert result.err.count("error: eksprov.yaml:") == 2
    assert "2 problems; nothing was changed" in result.err
    assert list(Path().iterdir()) == [Path("eksprov.yaml")]


def test_ctrl_c_before_anything_began_exits_130_and_says_how_to_resume(
    cli: CommandLine, scripted: type[Scripted]
) -> None:
    result = cli("plan", "--check", backend=scripted(raises=KeyboardInterrupt()), called_as=("p", "-m", "eksprov"))
    assert result.code == 130
    assert result.err.endswith("resume with: p -m eksprov plan --check\n")


def test_a_bug_leaves_one_line_here_and_its_traceback_in_a_private_file_without_secrets(
    cli: CommandLine, scripted: type[Scripted]
) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE and k8s-aws-v1.aHR0cHM6Ly9zdHM and aws_secret_access_key=wJalrXUtnFEMI/K7MDENG"
    result = cli("plan", backend=scripted(raises=RuntimeError(secret)))
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    log = Path(result.err.rsplit("the details are in ", 1)[1].strip())
    assert log.parent == cli.folder / ".local/state/eksprov/logs"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert "Traceback" in text
    for words in (text, result.err):
        assert "AKIA" not in words
        assert "aHR0" not in words
        assert "wJal" not in words


def test_a_bug_is_told_even_where_no_log_can_be_written(cli: CommandLine, scripted: type[Scripted]) -> None:
    (cli.folder / ".local").write_text("a file where a folder should be")
    result = cli("plan", backend=scripted(raises=RuntimeError("boom")))
    assert result.code == 1
    assert "this is a bug in eksprov (RuntimeError: boom)" in result.err


def test_the_shared_options_mean_the_same_before_and_after_the_command_and_the_later_wins(
    cli: CommandLine, samples: Samples
) -> None:
    Path("a.yaml").write_text(samples.config)
    Path("b.yaml").write_text(samples.config.replace("digits", "other"))
    assert "stack digits" in cli("--config", "a.yaml", "validate").out
    assert "stack digits" in cli("validate", "--config", "a.yaml").out
    assert "stack other" in cli("--config", "a.yaml", "validate", "--config", "b.yaml").out


def test_the_next_command_repeats_how_this_one_was_called(cli: CommandLine, samples: Samples) -> None:
    Path("my stack.yaml").write_text(samples.config)
    result = cli("--config", "my stack.yaml", "validate", called_as=(".venv/bin/python", "-m", "eksprov"))
    assert result.err == "next: .venv/bin/python -m eksprov plan --config 'my stack.yaml'\n"


def test_a_region_that_is_none_is_refused_by_name(cli: CommandLine, samples: Samples) -> None:
    Path("eksprov.yaml").write_text(samples.config)
    result = cli("plan", "--offline", "--region", "nowhere")
    assert (result.code, result.err) == (
        2,
        "error: --region: 'nowhere' is not a region's name\n  hint: such as us-west-2\n",
    )


def test_signals_belong_to_their_old_owners_again_afterwards(cli: CommandLine) -> None:
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    cli("--version")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_it_works_off_the_main_thread_too(cli: CommandLine) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(cli("--version").code))
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_of_the_shell(cli: CommandLine, shell: str) -> None:
    result = cli("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_EKSPROV_COMPLETE={shell}_complete" in result.out


@pytest.mark.usefixtures("cli")
def test_completion_knows_commands_options_and_model_names(samples: Samples) -> None:
    from click.shell_completion import ShellComplete

    from eksprov import operations
    from eksprov.cli.console import Console
    from eksprov.cli.program import Program
    from eksprov.cli.session import StackSession

    console = Console(environ={})

    Path("m").mkdir()
    Path("eksprov.yaml").write_text(
        samples.config + "models:\n  - {name: digits, path: m}\n  - {name: faces, path: m}\n"
    )
    complete = ShellComplete(
        eksprov, {"obj": Program(console, lambda: StackSession(console), operations)}, "eksprov", "_EKSPROV_COMPLETE"
    )
    assert [item.value for item in complete.get_completions([], "de")] == ["deploy-model"]
    assert [item.value for item in complete.get_completions(["plan"], "--off")] == ["--offline"]
    assert [item.value for item in complete.get_completions(["invoke"], "")] == ["digits", "faces"]
    assert [item.value for item in complete.get_completions(["--config", "no.yaml", "invoke"], "")] == []


def test_json_on_stdout_is_json_alone(cli: CommandLine, samples: Samples) -> None:
    Path("eksprov.yaml").write_text(samples.config)
    for code, *arguments in ((0, "validate", "--json"), (0, "schema"), (4, "local", "status", "--json")):
        result = cli(*arguments)
        assert result.code == code
        json.loads(result.out)


def test_umask_does_not_widen_the_crash_log(cli: CommandLine, scripted: type[Scripted]) -> None:
    before = os.umask(0)
    try:
        result = cli("plan", backend=scripted(raises=RuntimeError("boom")))
    finally:
        os.umask(before)
    log = Path(result.err.rsplit("the details are in ", 1)[1].strip())
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
