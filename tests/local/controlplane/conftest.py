"""What the tests of the control plane share: the program itself, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs import control_plane_programs

from eksprov.local.controlplane.find import Binaries


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The control plane's programs from EKSPROV_KUBERNETES or the cache; never built here."""
    return control_plane_programs()


FAKE_GO = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
if [ "$1" = list ]; then echo eksprov.local/kubernetes; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo "go: downloading k8s.io/kubernetes v1.36.3" >&2
{body}
cat > "$2" <<'END'
#!/bin/sh
echo Kubernetes v1.36.3
END
chmod 755 "$2"
"""


@pytest.fixture
def fake_go(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Write a `go` that prints and does what `body` (shell) says before it succeeds; gives the environment for it."""
    folder = tmp_path / "toolbox"
    folder.mkdir()

    def write(body: str) -> dict[str, str]:
        program = folder / "go"
        program.write_text(FAKE_GO.replace("{body}", body))
        program.chmod(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path)}

    return write
