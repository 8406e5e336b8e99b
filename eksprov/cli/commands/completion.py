"""`eksprov completion`: the script with which a shell completes commands, options and model names."""

from __future__ import annotations

import click

from eksprov.cli.options import examples
from eksprov.cli.program import Program


@click.command(
    "completion",
    epilog=examples(
        'eval "$(eksprov completion bash)"     in ~/.bashrc',
        'eval "$(eksprov completion zsh)"      in ~/.zshrc',
        "eksprov completion fish > ~/.config/fish/completions/eksprov.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_obj
@click.pass_context
def command(context: click.Context, program: Program, shell: str) -> int:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    console = program.console
    made = get_completion_class(shell)
    assert made is not None  # Choice admits only shells that click knows
    root = context.find_root().command
    script = made(root, {}, "eksprov", "_EKSPROV_COMPLETE")
    console.say(script.source_template % script.source_vars())
    return 0
