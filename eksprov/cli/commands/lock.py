"""`eksprov lock`: write down which versions and image digests the stack is held to."""

from __future__ import annotations

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program
from eksprov.errors import EXIT_CHANGES


@click.command(
    "lock",
    epilog=examples(
        "eksprov lock                  add what is missing; what is locked stays",
        "eksprov lock --upgrade        everything as it is newest now",
        "eksprov lock --check          exit code 3 when the file is not up to date",
    ),
)
@shared
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 when the file is not up to date.")
@click.option("--upgrade", is_flag=True, help="Move what is locked to what is newest now.")
@as_json
@click.pass_obj
def command(program: Program, check: bool, upgrade: bool, as_json: bool) -> int:
    """Pin versions and image digests in a lock file.

    Writes the versions of EKS add-ons and node images, and the digests of the container images that eksprov brings,
    into NAME.lock.yaml beside the config. `plan`, `provision`, `deploy-model` and `export` keep to it; what the config
    names itself stands. A stack that is there already is locked to what it has. A registry that does not answer leaves
    its images unresolved: they are named, and run by their tags.
    """
    from eksprov.cli.render.lock import lock_json, lock_text
    from eksprov.operations.commands.lock import make_pins
    from eksprov.pins import lockfile
    from eksprov.pins.registry import Registry

    console = program.console
    session = program.session()
    path = lockfile.beside(console.settings.config)
    old = lockfile.read(path)
    with console.progress() as display:
        opened = session.opened(display, mint=False)
        display.doing("reading versions and digests")
        locked = make_pins(opened, old, Registry().digest, upgrade=upgrade)
    stale = locked.pins != old
    if stale and not check:
        console.begins(f"{path} may be written")
        lockfile.write(path, locked.pins)
    if as_json:
        console.answer(lock_json(locked, path, stale=stale))
    else:
        console.say(lock_text(locked))
        said = ("is not up to date" if check else "is written") if stale else "is up to date"
        console.log(f"{path.name} {said}")
        if stale:
            console.next(*(("lock",) if check else ("plan",)))
    return EXIT_CHANGES if check and stale else 0
