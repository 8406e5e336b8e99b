"""Laws of the pages: every page can be found, every link leads somewhere, and README knows the commands and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from eksprov.cli.app import COMMANDS, eksprov
from eksprov.config.template import example

ROOT = Path(__file__).parents[2]
README, INDEX = ROOT / "README.md", ROOT / "docs/README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md")))
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NOT_FOR_PEOPLE = {"token"}  # the kubeconfig calls it


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Where a page's links lead, but for other sites."""
    found = re.findall(r"\]\(([^)\s]+)(?:\s[^)]*)?\)", prose(page)) + re.findall(r'(?:href|src)="([^"]+)"', prose(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them: lower case, without punctuation, blanks as hyphens, a number
    behind those that come again."""
    found: list[str] = []
    for heading in re.findall(r"^#+ +(.*?) *#*$", prose(page), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(1 for other in found if other == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", other))
        found.append(f"{slug}-{again}" if again else slug)
    return set(found)


def targets(page: Path) -> set[Path]:
    """The files that its links name."""
    return {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_anchors_are_made_as_github_makes_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# EKS: 58 of 70\n\n## The `plan`, and [more](x.md)\n\n## Again\n```\n# no heading\n```\n## Again\n"
    )
    assert anchors(page) == {"eks-58-of-70", "the-plan-and-more", "again", "again-1"}


def test_every_page_is_in_the_index_and_the_index_in_the_readme() -> None:
    assert INDEX in targets(README)
    assert set(PAGES) - {README, INDEX} <= targets(INDEX)


def test_the_picture_of_the_floors_has_every_room() -> None:
    picture = "".join(FENCED.findall(CONTRIBUTING.read_text()))
    rooms = {path.parent.name for path in (ROOT / "eksprov").glob("*/__init__.py")} | {"errors"}
    assert [room for room in sorted(rooms) if not re.search(rf"^(?=\S).*\b{room}\b", picture, re.MULTILINE)] == []


def test_how_to_run_things_names_what_make_offers() -> None:
    offered = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", CONTRIBUTING.read_text()))
    assert named >= {"check", "test", "laws", "faults", "bench"}
    assert named <= offered


def test_pages_that_code_and_pages_name_are_there() -> None:
    named = re.compile(r"(?<![\w/.-])docs/[\w-]+\.md")
    texts = [*PAGES, ROOT / "Makefile", *(ROOT / "examples").rglob("*.yaml"), *(ROOT / "eksprov").rglob("*.py")]
    missing = {
        (path.name, name) for path in texts for name in named.findall(path.read_text()) if not (ROOT / name).exists()
    }
    assert missing == set()


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of README's table below a heading, without its head."""
    section = README.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    for line in table[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def words(cell: str) -> list[str]:
    """What a cell shows as code."""
    return re.findall(r"`([^`]+)`", cell)


def command(*names: str) -> click.Command:
    """A command or a command of a command. Raises: KeyError."""
    found: click.Command = eksprov
    for name in names:
        assert isinstance(found, click.Group)
        below = found.get_command(click.Context(found), name)
        if below is None:
            raise KeyError(name)
        found = below
    return found


def told(cell: str) -> list[tuple[str, ...]]:
    """The commands of a row: `local up`, `down` are two of `local`; what is in capitals is an argument."""
    found: list[tuple[str, ...]] = []
    for span in words(cell):
        parts = tuple(part for part in span.split() if not part.isupper())
        among = found[-1][:-1] if found else ()  # the group that the row is about
        found.append((*among, *parts) if among else parts)
    return found


def test_the_readme_tells_every_command_and_no_other() -> None:
    named = {names for first, _ in rows("Commands") for names in told(first)}
    there: set[tuple[str, ...]] = set()
    for name in COMMANDS:
        found = command(name)
        below = list(found.commands) if isinstance(found, click.Group) else []
        there |= {(name, each) for each in below} or {(name,)}
    others = {names for names in there if f"eksprov {' '.join(names)}" in README.read_text()}
    assert named - there == set()
    assert there - named - others == {(name,) for name in NOT_FOR_PEOPLE}


def test_every_option_that_a_row_shows_is_one_of_its_commands() -> None:
    for first, second in rows("Commands"):
        known = {option for names in told(first) for each in command(*names).params for option in each.opts}
        shown = {word for span in words(second) for word in span.split() if word.startswith("--")}
        assert shown <= known, first


def called(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of ours that a text shows as code, and their words; comments and redirections are none."""
    spans = re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    lines = [line.removeprefix("$ ") for block in FENCED.findall(text) for line in block.splitlines()]
    for code in (*spans, *lines):
        match = re.match(r"(?:\S+ -m )?eksprov ([a-z-]+)(.*)", code) or re.match(r"([a-z-]+)( .*)", code)
        if match and match[1] in COMMANDS:
            yield match[1], re.split(r"\s{2,}|[|>#)]", match[2].strip())[0].split()


def known(name: str, words: list[str]) -> bool:
    """Whether the command has the options, and a group the command, that are shown."""
    found = command(name)
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in found.commands:
            return False
        found, words = found.commands[words[0]], words[1:]
    options = {option for each in (*found.params, *eksprov.params) for option in (*each.opts, "--help", "--version")}
    return {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)} <= options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_has_the_options_it_shows(page: Path) -> None:
    assert [(name, words) for name, words in called(page.read_text()) if not known(name, words)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_help_have_options_that_there_are(name: str) -> None:
    group = command(name)
    each = [group, *(group.commands.values() if isinstance(group, click.Group) else ())]
    shown = [line.strip() for one in each for line in (one.epilog or "").splitlines() if "eksprov " in line]
    examples = "".join(f"`{line[line.index('eksprov ') :]}`\n" for line in shown)
    assert [(name, words) for name, words in called(examples) if not known(name, words)] == []


def test_a_command_that_is_not_and_an_option_that_is_not_are_seen() -> None:
    text = (
        "`plan --check`, `state shew`, `plan --chekc`, `local status --json`\n```sh\n$ eksprov invoke a --date x\n```\n"
    )
    assert [name for name, words in called(text) if not known(name, words)] == ["state", "plan", "invoke"]


def test_the_config_table_names_keys_that_exist_and_their_defaults() -> None:
    config = example()
    for first, default, _ in rows("The config"):
        keys = words(first)
        above = keys[0].rpartition(".")[0]
        values = [written(value_of(config, key if "." in key or not above else f"{above}.{key}")) for key in keys]
        shown = [part.strip("`") for part in default.split(", ") if re.fullmatch(r"`[^`]+`|\d+", part)]
        if len(shown) == len(keys):
            assert values == shown, first
        elif len(default.split(", ")) == len(keys):
            assert set(shown) <= set(values), first


def written(value: Any) -> str:
    """A value as a page writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def value_of(config: Any, key: str) -> Any:
    """What a key says; of a list's entries the first's, or that the key is one of theirs."""
    for part in key.split("."):
        if part.endswith("[]"):
            name = part.removesuffix("[]")
            items, field = getattr(config, name), type(config).model_fields[name]
            config = items[0] if items else field.annotation.__args__[0]
        elif isinstance(config, type):
            assert part in config.model_fields, key  # type: ignore[attr-defined]  # a section
            return None
        else:
            assert part in type(config).model_fields, key
            config = getattr(config, part)
    return config
