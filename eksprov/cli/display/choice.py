"""Which display a stream gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

import click

from eksprov.cli.display.progress import Display


def display_for(stream: TextIO, environ: Mapping[str, str], color: bool | None, *, every: bool = False) -> Display:
    """A live display on a terminal that can draw one; plain lines elsewhere."""
    if stream.isatty() and environ.get("TERM", "dumb") != "dumb":
        from eksprov.cli.display.live import LiveDisplay

        return LiveDisplay(stream, color=color is not False, every=every)
    return Display(lambda text: click.echo(text, file=stream, color=color), every=every)
