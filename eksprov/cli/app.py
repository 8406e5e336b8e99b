"""The table of commands; only the asked one's module is imported, so `--help` costs what click costs."""

from __future__ import annotations

import difflib
import importlib
from typing import NoReturn

import click

from eksprov import __version__
from eksprov.cli.options import examples, shared
from eksprov.errors import EXITS

_PACKAGE = "eksprov.cli.commands"

# command -> (its module, what it does), in the order a user meets them.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Write a config file to start from."),
    "validate": ("validate", "Check the config file and list every problem."),
    "schema": ("schema", "Print the config file's JSON Schema."),
    "plan": ("plan", "Show what provision would do, without doing it."),
    "cost": ("cost", "Show what the stack costs and would cost."),
    "lock": ("lock", "Pin versions and image digests in a lock file."),
    "doctor": ("doctor", "Find what would go wrong before it does."),
    "policy": ("policy", "Print the IAM policy that running this needs."),
    "provision": ("provision", "Bring the stack to what the config says."),
    "status": ("status", "Show every resource of the stack and how it is."),
    "outputs": ("outputs", "Print the cluster's name, endpoint, ARNs and kubeconfig path."),
    "kubeconfig": ("kubeconfig", "Let kubectl use the cluster."),
    "deploy-model": ("serving.deploy_model", "Serve models on the cluster."),
    "models": ("serving.models", "List the models that are served."),
    "invoke": ("serving.invoke", "Ask a model and print its answer."),
    "logs": ("serving.logs", "Print a model's logs."),
    "export": ("serving.export", "Write models' Kubernetes manifests as plain YAML."),
    "undeploy-model": ("serving.undeploy_model", "Stop serving models."),
    "teardown": ("teardown", "Delete everything of the stack and prove it."),
    "state": ("state", "Show, take out, put back and unlock what is recorded."),
    "local": ("local", "Start, end and look at the local world."),
    "token": ("token", "Print a token for kubectl (used by the kubeconfig)."),
    "completion": ("completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{_PACKAGE}.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown name gets its nearest known one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            _refuse(args[0], ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _refuse(name: str, context: click.Context) -> NoReturn:
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise click.UsageError(f"no such command: {name!r}{hint}", context)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples(
        "eksprov init                  write eksprov.yaml",
        "eksprov provision             make everything it names",
        "eksprov deploy-model          serve the models it names",
        "eksprov invoke digits         ask one of them",
        "eksprov teardown              back to nothing",
    )
    + "\n\n\b\nExit codes, the same for every command:\n"
    + "\n".join(f"  {code:>3}  {means}" for code, means in EXITS.items()),
)
@shared
@click.version_option(__version__, prog_name="eksprov")
def eksprov() -> None:
    """One YAML file to a running machine-learning service on Amazon EKS, and back to nothing."""
