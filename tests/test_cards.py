"""What a card must hold: its headings, no figure that the page of its method lacks; and no method without a card."""

import re
from pathlib import Path

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS
from ons_assets.orchestration.assets import DerivedAsset
from ons_assets.parameters.description import parameters_in
from ons_assets.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
CARDS = {path.stem: path.read_text() for path in sorted((REPOSITORY / "docs" / "cards").glob("*.md"))}
HEADINGS = [
    "What it is for",
    "What it needs",
    "How it works",
    "Known error",
    "Who is over- or under-represented",
    "When not to use it",
    "Parameters",
    "Sources",
]
MOST_WORDS = 900  # a screen and a half, without the parameters; cells of tables count as words
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
# A figure with its interval, as one piece: 0.988 (0.965 to 0.996).
WITH_INTERVAL = re.compile(r"[-+]?[\d.]+(?: %)? \((?:\+- )?[-+]?\d[^()]*\)")
# What nobody measured; the glossary says what the mark means.
REASONED = "([reasoned](../glossary.md#reasoned))"
COMMAND = re.compile(r"`((?:python|pytest)\s[^`]+)`")
PART = re.compile(r"<!-- make docs: parameters_([\w.]+) -->")

# Domains whose methods have cards.
DOMAINS = {"prices", "tweets", "meters", "mobile", "governance"}
# Tables of methods that need no card, each with the reason.
WITHOUT_CARD = {
    "tweets/collection_gaps": "says when the collector was silent; its share widens the intervals of flows",
    "tweets/located_tweets": "puts a position into an area; nothing is estimated",
    "tweets/users": "leaves out accounts that are no people; shares are bounds, not estimates",
    "tweets/migration_comparison": "compares flows with official ones; nothing is estimated",
    "mobile/event_quality": "counts events of a day and what is wrong with them",
    "mobile/quality_warnings": "holds a day against those before it; an alarm, not an estimate",
    "governance/accesses": "counts how often single homes were looked at",
}


def section(card: str, heading: str) -> str:
    """The text below a heading."""
    return re.split(r"^## .+\n", CARDS[card].split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0].strip()


def plain(text: str) -> str:
    """A text without marks of bold and with single spaces."""
    return " ".join(text.replace("**", "").split())


def pages_of(card: str) -> str:
    """The pages of the methods to which the sources of a card lead."""
    names = re.findall(r"\]\((\.\./methods/\w+\.md)\)", section(card, "Sources"))
    assert names, card
    return plain("\n".join((REPOSITORY / "docs" / "cards" / name).read_text() for name in names))


def tables_on_cards() -> set[str]:
    """Tables of which a card says that it is for them."""
    return {name for card in CARDS for name in re.findall(r"`([a-z]+/[a-z_]+)`", section(card, "What it is for"))}


def covers(card_path: str, group: str) -> bool:
    return f"{group}.".startswith(f"{card_path}.")


def tables_with_parameters() -> set[str]:
    """Tables of the domains that are made with a group of parameters."""
    return {
        table.name
        for asset in ASSETS
        if isinstance(asset, DerivedAsset) and asset.groups.by_argument
        for table in asset.tables
        if table.name.split("/")[0] in DOMAINS
    }


@pytest.mark.parametrize("card", CARDS)
def test_a_card_has_its_headings_in_order_and_none_is_empty(card: str) -> None:
    text = CARDS[card]
    name, sentence, *_ = text.split("\n\n")
    assert re.fullmatch(r"# \S.*", name)
    assert re.fullmatch(r"[A-Z][^#|]*\.", sentence), "the name is followed by one sentence"
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == HEADINGS
    assert all(section(card, heading) for heading in HEADINGS)
    assert PART.search(section(card, "Parameters"))


@pytest.mark.parametrize("card", CARDS)
def test_a_card_is_short(card: str) -> None:
    said = CARDS[card].replace(section(card, "Parameters"), "")
    assert len(said.split()) <= MOST_WORDS
    for picture in re.findall(r"```mermaid\n(.+?)```", said, flags=re.DOTALL):
        assert len(set(re.findall(r"(\w+)\[", picture))) <= 6


@pytest.mark.parametrize("card", CARDS)
def test_a_card_shows_how_it_works_in_a_picture(card: str) -> None:
    how = section(card, "How it works")
    drawn = re.findall(r"```mermaid\nflowchart \w+\n +accTitle: \S.+\n", how)
    shown = re.findall(r"^!\[([^\]]+)\]\((\S+)\)$", how, flags=re.MULTILINE)
    assert drawn or shown, "a picture"
    assert all((REPOSITORY / "docs" / "cards" / path).exists() for _, path in shown)


@pytest.mark.parametrize("card", CARDS)
def test_what_is_reasoned_is_marked_in_one_way(card: str) -> None:
    marked = section(card, "Who is over- or under-represented").replace(REASONED, "")
    assert "reason" not in marked.lower()
    assert REASONED not in CARDS[card].replace(section(card, "Who is over- or under-represented"), "")


@pytest.mark.parametrize("card", CARDS)
def test_every_figure_of_the_error_stands_on_the_page_of_the_method(card: str) -> None:
    error, page = plain(re.sub(r"\]\([^)]*\)", "]", section(card, "Known error"))), pages_of(card)
    assert set(NUMBER.findall(error)) <= set(NUMBER.findall(page))
    assert [each for each in WITH_INTERVAL.findall(error) if each not in page] == []
    assert [each for each in COMMAND.findall(error) if each not in page] == []


@pytest.mark.parametrize("card", CARDS)
def test_what_a_card_names_exists(card: str) -> None:
    for path in re.findall(r"`((?:ons_assets|core_ext|tests|benchmarks)/[\w./]+)`", CARDS[card]):
        assert (REPOSITORY / path).exists(), path
    domains = {name.split("/")[0] for name in CATALOGUE}
    for name in re.findall(r"`([a-z]+/[a-z_]+)`", CARDS[card]):
        assert name in CATALOGUE or name.split("/")[0] not in domains, name
    known = [each.path for each in parameters_in(Settings.model_construct())]
    for path in PART.findall(CARDS[card]):
        assert any(covers(path, each) for each in known), path


def test_every_table_of_a_method_has_a_card_or_a_reason_for_none() -> None:
    tables, on_cards = tables_with_parameters(), tables_on_cards()
    assert len(tables) > 30
    assert tables - on_cards == WITHOUT_CARD.keys()
