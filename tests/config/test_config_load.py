"""Laws of reading a config: every problem at once, each with its place and a cure, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eksprov.config import document
from eksprov.config.load import examine, load, parse
from eksprov.config.schema import Config, NodeGroup
from eksprov.errors import ConfigError, Problem


def problems(text: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with a text that must be refused."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "eksprov.yaml")
    assert refused.value.exit_code == 2
    for problem in refused.value.problems:
        assert "\n" not in str(problem), "one line each"
        assert str(problem).startswith("eksprov.yaml:")
    return refused.value.problems


def only(text: str | bytes) -> Problem:
    """The single problem of a text."""
    found = problems(text)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def test_a_name_is_a_whole_config() -> None:
    assert parse("name: small") == Config(name="small")


def test_lists_become_tuples_and_text_stays_text() -> None:
    config = parse('name: a\nkubernetes_version: "1.35"\nnode_groups:\n- {name: w, instance_types: [m7i.large]}\n')
    assert config.node_groups == (NodeGroup(name="w", instance_types=("m7i.large",)),)
    assert config.kubernetes_version == "1.35"


def test_unset_sizes_make_room_for_the_desired_size() -> None:
    sizes = [
        (size, parse(f"name: a\nnode_groups: [{{name: w, instance_types: [m.l], desired_size: {size}}}]"))
        for size in (0, 2, 9)
    ]
    assert [(c.node_groups[0].min_size, s, c.node_groups[0].max_size) for s, c in sizes] == [
        (0, 0, 3),
        (1, 2, 3),
        (1, 9, 9),
    ]


def test_all_problems_are_named_at_once_by_line() -> None:
    text = """\
name: Bad_Name
regoin: us-west-2
network:
  vpc_cidr: 10.0.0.0/16
  availability_zones: two
cluster:
  service_ipv4_cidr: 10.0.128.0/20
node_groups:
  - instance_types: [m7i.large]
  - name: w
    instance_types: [m7i.large]
    desired_size: 9
    max_size: 3
  - name: w
    instance_types: [m7i.large]
"""
    found = [(problem.line, problem.path) for problem in problems(text)]
    assert found == [
        (1, "name"),
        (2, "regoin"),
        (5, "network.availability_zones"),
        (7, "cluster.service_ipv4_cidr"),
        (9, "node_groups[0].name"),
        (12, "node_groups[1].desired_size"),
        (14, "node_groups[2].name"),
    ]


def test_what_leans_on_a_refused_value_is_not_guessed_at() -> None:
    text = "name: a\nnetwork: {vpc_cidr: 5}\ncluster: {service_ipv4_cidr: 10.0.0.0/20}"
    assert only(text).path == "network.vpc_cidr", "whether the Services overlap it cannot be known"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("name: a\nregoin: x", "did you mean region?"),
        ("name: a\nmodels: [{name: b, path: c, replica: {}}]", "did you mean replicas?"),
        ("name: a\nvpc_cidr: 10.0.0.0/16", "it belongs to network"),
        ("name: a\nnode-groups: []", "did you mean node_groups?"),
        ("name: a\ntarget: AWS", "did you mean aws?"),
    ],
)
def test_the_nearest_known_name_is_offered(text: str, hint: str) -> None:
    assert only(text).hint == hint


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n\n", 1, "the file is empty"),
        ("- a\n", 1, "must hold keys and values"),
        ("just words", 1, "must hold keys and values"),
        ("name: a\nname: b", 2, "written twice (first in line 1)"),
        ("name: a\nnetwork:\n\tvpc_cidr: x", 3, "a tab"),
        ("name: a\nregion: [", 3, "not YAML"),
        ("name: a\n---\nname: b", 2, "not YAML"),
        ("name: a\ntags: {? [x] : y}", 2, "a key must be a word"),
        ("name: a\ntags: {k: !!python/object:os.system x}", 2, "is not supported"),
        ("name: a\ntags: {k: !!binary aGk=}", 2, "is not supported"),
        ("name: a\x00b", 1, "a character that YAML does not allow"),
        ("name: 123", 1, "YAML reads 123 as a number"),
        ("name: a\nkubernetes_version: 1.30", 2, "YAML reads 1.30 as a number"),
        ("name: no", 1, "YAML reads no as true or false"),
        ("name: a\ntags: {on: on}", 2, "YAML reads on as true or false"),
        ("name: a\nlocal: {speed: .inf}", 2, "not a number that can be used"),
        ("name: a\nlocal: {speed: .NaN}", 2, "not a number that can be used"),
        ("name: a\nlocal: {speed: 1.0e+999}", 2, "not a number that can be used"),
        ("name: a\nlocal: {speed: " + "9" * 5000 + "}", 2, "the number is too long"),
        ("name: a\nnetwork: {availability_zones: 1e3}", 2, "must be a whole number"),
        ("name: a\nnetwork: {availability_zones: 2.0}", 2, "must be a whole number"),
        ("name: a\nnetwork: {availability_zones: 02}", 2, "must be a whole number"),
        ("name: a\nnetwork:\n", 2, "has no value"),
        ("name: a\nnetwork: []", 2, "must be a mapping"),
        ("name: a\nmodels: {}", 2, "must be a list"),
        ("name: a\nnode_groups: [{name: w, instance_types: []}]", 2, "at least 1 entries"),
        ("name: a\ncluster: {deletion_protection: 1}", 2, "must be true or false"),
        ("region: us-west-2", 1, "is required"),
    ],
)
def test_each_trap_gives_one_clear_line(text: str, line: int, says: str) -> None:
    problem = only(text)
    assert says in problem.message
    assert problem.line == line


def test_yaml_that_is_not_utf8_is_refused_with_its_line() -> None:
    assert "not UTF-8" in only(b"name: a\nregion: \xff").message
    assert only(b"name: a\nregion: \xff").line == 2
    assert only("name: a".encode("utf-16")).message.startswith("not UTF-8")


def test_numbers_where_text_belongs_come_with_the_quoted_form() -> None:
    assert only("name: a\nkubernetes_version: 1.30").hint == 'write it in quotes: "1.30"'


def test_text_that_only_looks_like_a_number_stays_text() -> None:
    assert parse("name: a\ntags: {code: 0123, time: 1:30, day: 2026-01-01}").tags == {
        "code": "0123",
        "time": "1:30",
        "day": "2026-01-01",
    }


def bomb(levels: int) -> str:
    """The billion laughs: every level is ten of the one before."""
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(10),
        "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}" if n else "a0: &a0 {}" for n in range(40)),
        "name: &a [*a]",
        "name: &a {x: *a}",
        "name: a\ntags: &a {<<: *a}",
        "tags: &a {<<: &b {<<: *a}}",
        "name: " + "[" * 100_000,
        "name: " + "{a: " * 50_000,
        "\n".join(" " * n + "a:" for n in range(500)),
        "name: [" + "a," * 30_000 + "]",
        "x" * (document.MAX_BYTES + 1),
    ],
    ids=[
        "aliases",
        "merges",
        "circle",
        "circle-map",
        "circle-merge",
        "circles",
        "deep",
        "deep-map",
        "block",
        "many",
        "long",
    ],
)
def test_a_bomb_is_one_line_and_costs_little(text: str) -> None:
    assert len(problems(text)) == 1


def test_merge_keys_are_written_out_and_explicit_keys_win() -> None:
    text = """\
name: a
tags: &t {team: ml, stage: dev}
node_groups:
  - &g {name: one, instance_types: [m7i.large], desired_size: 1, labels: {<<: *t, stage: live}}
  - {<<: *g, name: two}
"""
    one, two = parse(text).node_groups
    assert one.labels == {"team": "ml", "stage": "live"}
    assert two == one.model_copy(update={"name": "two"})


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "none.yaml")
    assert "eksprov init" in refused.value.problems[0].hint


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    assert "cannot be read" in examine(tmp_path).problems[0].message


def test_warnings_do_not_stop_a_load(tmp_path: Path) -> None:
    file = tmp_path / "eksprov.yaml"
    file.write_text("name: a\nmodels: [{name: m, path: not-yet}]\n")
    assert load(file).models[0].name == "m"
    (warning,) = examine(file).warnings
    assert (warning.line, warning.path) == (2, "models[0].path")


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["10.0.0.0/8", "m7i.large", "local"]),
)
KEYS = st.one_of(
    st.sampled_from(
        [*Config.model_fields, *NodeGroup.model_fields, "path", "vpc_cidr", "replicas", "min", "max", "<<"]
    ),
    st.text(max_size=8),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)


def either(text: str | bytes) -> None:
    """A config or a ConfigError whose every problem is one line."""
    found: tuple[Problem, ...] = ()
    try:
        assert isinstance(parse(text, "f"), Config)
    except ConfigError as error:
        found = error.problems or (Problem("a refusal without a reason\n"),)
    assert all("\n" not in str(problem) and problem.message for problem in found)


@settings(max_examples=250, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="aname: -[]{}&*<>!|#'\"\n\t\\?,%@0.1e~")))
def test_any_text_is_a_config_or_a_config_error(text: str) -> None:
    either(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_config_or_a_config_error(data: bytes) -> None:
    either(data)


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=8))
def test_any_tree_is_a_config_or_a_config_error(tree: dict[str, Any]) -> None:
    either(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_wrong_value_anywhere_in_a_good_file_is_named_by_its_path(data: st.DataObject) -> None:
    good: dict[str, Any] = {
        "name": "a",
        "network": {"vpc_cidr": "10.0.0.0/16"},
        "node_groups": [{"name": f"g{n}", "instance_types": ["m7i.large"], "desired_size": 1} for n in range(3)],
    }
    group, key = data.draw(st.tuples(st.integers(0, 2), st.sampled_from(["name", "instance_types", "desired_size"])))
    good["node_groups"][group][key] = data.draw(st.sampled_from([None, True, 2.5, {"a": 1}]))
    assert only(yaml.safe_dump(good)).path == f"node_groups[{group}].{key}"
