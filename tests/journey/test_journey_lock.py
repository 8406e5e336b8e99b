"""`eksprov lock` as a user calls it, and what the commands after it make of the file; no registry is reached here."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import boto3
import pytest
import yaml
from support.journey import REGION
from support.world_here import WorldHere, world_here

from eksprov.kube.api import Ref

pytestmark = pytest.mark.real_time
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:1"}
DIGEST = "sha256:" + "5e" * 32


@pytest.fixture(scope="module")
def here() -> Iterator[WorldHere]:
    with world_here() as made:
        yield made


def test_a_lock_is_written_checked_and_kept_to(here: WorldHere) -> None:
    path = here.folder / "eksprov.lock.yaml"
    missing = here("lock", "--check", env=NOWHERE)
    assert (missing.code, path.exists()) == (3, False), missing.err

    done = here("lock", env=NOWHERE)
    assert done.code == 0, done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    said = yaml.safe_load(path.read_text())
    assert "unresolved  docker.io/seldonio/mlserver:1.7.1-sklearn" in done.out
    assert said["unresolved"] == sorted(line.split()[1] for line in done.out.splitlines() if "unresolved" in line)
    assert said["images"] == {}

    said["addons"]["metrics-server"] = "v0.7.2-eksbuild.3"  # a reviewer of the file knows better
    said["images"] = {name: DIGEST for name in said["unresolved"]}
    said["unresolved"] = []
    path.write_text(yaml.safe_dump(said))
    assert here("provision").code == 0
    assert here("deploy-model").code == 0
    eks = boto3.Session("test", "test", region_name=REGION).client("eks", endpoint_url=here.url)
    addon = eks.describe_addon(clusterName="quickstart", addonName="metrics-server")["addon"]
    assert addon["addonVersion"] == "v0.7.2-eksbuild.3"
    live = here.kubernetes.api.get(Ref("apps/v1", "Deployment", "models", "digits"))
    assert live is not None
    pod = live["spec"]["template"]["spec"]
    images = [one["image"] for one in (*pod["initContainers"], *pod["containers"])]
    assert images == [
        f"{name}@{DIGEST}" for name in (images[0].split("@")[0], "docker.io/seldonio/mlserver:1.7.1-sklearn")
    ]
    assert here("plan", "--check").code == 0
    assert here("plan", "--check", "--offline").code == 0
    answer = here("lock", "--check", "--json", env=NOWHERE).json
    assert (answer["stale"], answer["images"], answer["unresolved"]) == (False, said["images"], {})

    path.write_text(path.read_text().replace("'1.36'", "'1.35'"))
    stale = here("plan")
    assert (stale.code, stale.out) == (2, "")
    assert "eksprov.lock.yaml is of Kubernetes 1.35, and the stack is to have 1.36" in stale.err
