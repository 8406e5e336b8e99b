"""`python -m eksprov.local.controlplane`: find the control plane's programs, or build them, before anything needs them.

The local world does this by itself when a cluster is made; this is for machines that are prepared beforehand.
"""

from __future__ import annotations

import os
import sys
import time

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane.build import ensure
from eksprov.local.controlplane.progress import BuildProgress
from eksprov.local.home import cache_home

EVERY_S = 5.0


def main() -> int:
    """Print where the programs are; progress goes to stderr every few seconds."""
    told = [float("-inf")]

    def tell(progress: BuildProgress) -> None:
        if time.monotonic() - told[0] >= EVERY_S:
            told[0] = time.monotonic()
            print(progress, file=sys.stderr, flush=True)

    try:
        found = ensure(os.environ, cache_home(os.environ), tell)
    except LocalWorldError as error:
        print(f"error: {error.message}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    print(f"{found.path} ({found.origin})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
