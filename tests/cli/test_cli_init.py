"""Laws of `init`, over every combination of its options: what it writes, says, proposes, and never touches."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # has no types of its own
import pytest
import yaml
from support.command_line import CommandLine
from support.models import TINY_MODEL

from eksprov.config.load import load
from eksprov.config.starting import SCHEMA_FILE, SCHEMA_LINE

SWITCHES = ("--full", "--gpu", "--private")
ALL = [switches for count in range(4) for switches in itertools.combinations(SWITCHES, count)]
CONFIG = Path("eksprov.yaml")
SCHEMA = Path(SCHEMA_FILE)


@pytest.fixture(params=["there", "absent"])
def model(request: pytest.FixtureRequest, cli: CommandLine) -> bool:
    """Whether a model lies below the folder in which `cli` runs."""
    if request.param == "there":
        folder = cli.folder / "models/fraud"
        folder.mkdir(parents=True)
        (folder / "model.joblib").write_bytes(TINY_MODEL)
    return bool(request.param == "there")


@pytest.mark.parametrize("switches", ALL, ids=lambda switches: " ".join(switches) or "short")
def test_every_file_is_valid_without_a_warning_and_plans(
    cli: CommandLine, switches: tuple[str, ...], model: bool
) -> None:
    made = cli("init", "--name", "first", "--region", "eu-west-1", *switches)
    assert (made.code, made.out.splitlines()[0]) == (0, "wrote eksprov.yaml"), made.err
    checked = json.loads(cli("validate", "--json").out)
    assert (checked["valid"], checked["problems"]) == (True, [])
    text = CONFIG.read_text()
    assert text.splitlines()[0] == SCHEMA_LINE
    assert "--full" in switches or len(text.splitlines()) < 30
    jsonschema.validate(yaml.safe_load(text), json.loads(SCHEMA.read_text()))
    config = load(CONFIG)
    assert (config.name, config.region, config.target) == ("first", "eu-west-1", "local")
    assert [group.name for group in config.node_groups] == ["workers", "gpu"][: 1 + ("--gpu" in switches)]
    private = config.network.nat_gateways == "none" and config.network.private_endpoints
    assert (private, not config.cluster.endpoint_public_access) == ("--private" in switches,) * 2
    assert [one.path for one in config.models] == ["models/fraud"] * model
    assert ("no model below it yet" in made.err) is not model
    assert made.err.splitlines()[-1] == "next: eksprov plan --region eu-west-1"
    assert cli("plan", "--offline").code == 0


@pytest.mark.parametrize(
    "switches", [one for one in ALL if "--full" not in one], ids=lambda one: " ".join(one) or "plain"
)
def test_keys_of_the_short_file_stand_alone_and_its_comments_become_a_model(
    cli: CommandLine, switches: tuple[str, ...]
) -> None:
    cli("init", *switches)
    text = CONFIG.read_text()
    assert not [line for line in text.splitlines() if "#" in line.lstrip("# ")]
    uncommented = text.replace("# models:", "models:").replace("#   ", "  ")
    CONFIG.write_text(uncommented)
    assert [(one.name, one.path) for one in load(CONFIG).models] == [("my-model", "models/my-model")]


def test_what_exists_is_left_as_it_is_until_somebody_says_otherwise(cli: CommandLine) -> None:
    CONFIG.write_text("mine\n")
    refused = cli("init")
    assert refused.code == 2
    assert "exists and was left as it is" in refused.err
    assert "--force" in refused.err
    assert "--config" in refused.err
    assert ([*Path().iterdir()], CONFIG.read_text()) == ([CONFIG], "mine\n")
    forced = cli("init", "--force")
    assert (forced.code, load(CONFIG).target) == (0, "local")


def test_a_schema_that_exists_is_kept_renewed_on_demand_and_not_written_twice(cli: CommandLine) -> None:
    SCHEMA.write_text("{}")
    kept = cli("init", called_as=("p", "-m", "eksprov"))
    assert (kept.code, SCHEMA.read_text()) == (0, "{}")
    assert "was left as it is; renew it with: p -m eksprov schema > eksprov.schema.json\n" in kept.err
    assert cli("init", "--force").out.count("wrote ") == 2
    assert SCHEMA.read_text() == cli("schema").out
    again = cli("init", "--config", "prod.yaml")
    assert (again.out, again.err.splitlines()[-1]) == (
        "wrote prod.yaml\n",
        "next: eksprov plan --config prod.yaml",
    )


def test_the_schema_lies_beside_the_file_wherever_that_is(cli: CommandLine) -> None:
    Path("there").mkdir()
    assert cli("init", "--config", "there/prod.yaml").code == 0
    assert sorted(str(path) for path in Path().rglob("*.*")) == ["there/eksprov.schema.json", "there/prod.yaml"]


@pytest.mark.parametrize("wrong", [("--name", "Not A Name"), ("--name", ""), ("--region", "mars-1")])
def test_a_wrong_word_is_refused_and_nothing_is_written(cli: CommandLine, wrong: tuple[str, str]) -> None:
    assert cli("init", *wrong).code == 2
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("examples/digits/model/model.joblib", ("digits", "examples/digits/model")),
        ("Mein Modell/model.pkl", ("mein-modell", "Mein Modell")),
        ("model/model-settings.json", ("my-model", "model")),
        ("b/yes/model.pickle", ("yes", "b/yes")),
        ("7/model.joblib", ("my-model", "7")),
        ("model.joblib", None),
        (".venv/x/model.joblib", None),
        ("a/b/c/d/e/f/model.joblib", None),
        ("data/numbers.pkl", None),
    ],
)
def test_the_model_that_is_named_is_one_that_is_there(
    cli: CommandLine, file: str, named: tuple[str, str] | None
) -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in {path, path.with_name("model.joblib")} if path.suffix == ".json" else {path}:
        each.write_bytes(b"{}" if each.suffix == ".json" else TINY_MODEL)
    for switches in ((), ("--full",)):
        assert cli("init", "--force", *switches).code == 0
        assert [(one.name, one.path) for one in load(CONFIG).models] == ([named] if named else [])
        assert json.loads(cli("validate", "--json").out)["problems"] == []


def test_an_environment_and_a_wide_folder_are_not_searched(cli: CommandLine) -> None:
    for place in ("env/lib/thing", *(f"a{number:03}" for number in range(600))):
        Path(place).mkdir(parents=True)
    Path("env/pyvenv.cfg").touch()
    Path("env/lib/thing/model.joblib").touch()
    assert cli("init").code == 0
    assert load(CONFIG).models == ()
