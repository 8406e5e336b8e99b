"""Counts and articles: each kind there is, in a sentence; and no sentence of the package makes its own plural."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import eksprov
from eksprov.core.words import article, counted, many, noun, plural
from eksprov.operations.commands.removal import FILES, IMAGES
from eksprov.operations.kinds import KINDS
from eksprov.steps.leftovers.pieces import WHATS

PACKAGE = Path(eksprov.__file__).parent
EVERY = (*(kind.kind for kind in KINDS), *WHATS, FILES, IMAGES)
COUNTED_BY_HAND = ("could be the model", "stacks of this name")  # always two or more there


@pytest.mark.parametrize("kind", EVERY)
def test_one_of_a_kind_is_singular_and_several_are_plural(kind: str) -> None:
    one, several, none = plural(1, noun(kind)), plural(4, noun(kind)), plural(0, noun(kind))
    assert one == f"1 {noun(kind)}"
    assert several == f"4 {many(noun(kind))}"
    assert none.removeprefix("0 ") == several.removeprefix("4 ")
    head = several.removeprefix("4 ").split(" of ")[0]
    assert head.endswith("s")
    assert not head.endswith(("ss", "ys", "sss")) or head.endswith(("ays", "eys"))
    assert "-" not in re.sub(r"add-on|egress-only|service-linked", "", several)  # words, and not the kind's own name
    assert counted({kind: 2}) == f"2 {many(noun(kind))}"


@pytest.mark.parametrize("kind", EVERY)
def test_a_kind_has_the_article_that_is_spoken(kind: str) -> None:
    word = noun(kind)
    spoken = "an" if word[0].lower() in "aeiou" else "a"  # of our kinds none sounds otherwise than it is spelt
    assert article(word) == f"{spoken} {word}"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("user", "a user"),
        ("hour", "an hour"),
        ("unused subnet", "an unused subnet"),
        ("unit", "a unit"),
        ("SQS queue", "an SQS queue"),
        ("NAT gateway", "a NAT gateway"),
        ("VPC", "a VPC"),
        ("m7i.large", "an m7i.large"),
        ("t3.nano", "a t3.nano"),
        ("c7g.large", "a c7g.large"),
        ("x2idn.16xlarge", "an x2idn.16xlarge"),
        ("'iam-role'", "an 'iam-role'"),
        ("8-core node", "an 8-core node"),
    ],
)
def test_articles_go_by_the_sound(word: str, said: str) -> None:
    assert article(word) == said


@pytest.mark.parametrize(
    ("one", "others"),
    [
        ("repository", "repositories"),
        ("gateway", "gateways"),
        ("Ingress", "Ingresses"),
        ("address", "addresses"),
        ("set of model files", "sets of model files"),
        ("batch", "batches"),
    ],
)
def test_plurals_go_by_the_ending(one: str, others: str) -> None:
    assert many(one) == others
    assert plural(2, one) == f"2 {others}"
    assert plural(2, "child", "children") == "2 children"


def spoken() -> list[Path]:
    """The files that speak to people; the emulated AWS speaks as AWS does."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "local" not in path.relative_to(PACKAGE).parts]


def texts() -> Iterator[tuple[str, ast.JoinedStr]]:
    """Every f-string in them."""
    for path in spoken():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def words_of(node: ast.JoinedStr) -> list[str]:
    return [str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values]


def test_no_text_writes_a_count_with_a_noun_of_its_own() -> None:
    wrong = []
    for place, node in texts():
        if any(words in "".join(words_of(node)) for words in COUNTED_BY_HAND):
            continue
        for part, after in zip(node.values, [*words_of(node)[1:], ""], strict=True):
            is_count = isinstance(part, ast.FormattedValue) and ast.unparse(part.value).startswith("len(")
            if is_count and re.match(r" (?!of |more|times|characters are)[a-z]+s\b", after):
                wrong.append(f"{place}: {ast.unparse(node)}")
    assert not wrong


def test_no_text_puts_an_article_before_what_it_does_not_know() -> None:
    wrong = []
    for place, node in texts():
        for part, before in zip(node.values, ["", *words_of(node)], strict=False):
            known = "SETTINGS" in ast.unparse(part)  # the one constant that is spoken of: model-settings.json
            if isinstance(part, ast.FormattedValue) and re.search(r"\b[Aa]n? $", before) and not known:
                wrong.append(f"{place}: {ast.unparse(node)}")
    assert not wrong


def test_no_text_leaves_the_plural_to_the_reader() -> None:
    wrong = []
    for path in spoken():
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.search(r"[a-z]\(e?s\)(?!\w)", text):
                wrong.append(f"{path.relative_to(PACKAGE)}: {text[:80]}")
    assert not wrong
