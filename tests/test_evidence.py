"""Pages of evidence quote figures of ours that stand on the pages that they link."""

import re
from pathlib import Path

import pytest

EVIDENCE = Path(__file__).resolve().parents[1] / "docs" / "evidence"
PAGE = EVIDENCE / "what_the_pilots_asked.md"
COST = EVIDENCE / "cost_and_benefit.md"
NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?(?![\w])")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def entries(text: str) -> list[tuple[str, str]]:
    """Return the label and the text of every entry of the lists, its lines joined."""
    joined = re.sub(r"\n  (?=\S)", " ", text)
    return re.findall(r"^- \*\*(Then|Now|Command|Limit)\.\*\* (.+)$", joined, flags=re.MULTILINE)


def pages(entry: str) -> list[Path]:
    """Return the pages of this documentation that an entry links."""
    return [(EVIDENCE / link).resolve() for link in LINK.findall(entry) if "://" not in link]


def missing_numbers(entry: str) -> list[str]:
    """Return the numbers of an entry that stand on none of the pages that it links."""
    standing = {number for page in pages(entry) for number in NUMBER.findall(page.read_text())}
    return [number for number in NUMBER.findall(LINK.sub("", entry)) if number not in standing]


OURS = [text for label, text in entries(PAGE.read_text()) if label in ("Now", "Limit")]


@pytest.mark.parametrize("entry", OURS, ids=range(len(OURS)))
def test_every_figure_of_ours_stands_on_a_page_that_is_linked(entry: str) -> None:
    assert missing_numbers(entry) == []
    if NUMBER.search(LINK.sub("", entry)):
        assert pages(entry)


def test_every_question_has_what_was_said_what_is_said_how_and_where_it_ends() -> None:
    questions = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]

    assert len(questions) >= 12
    for question in questions:
        assert {"Then", "Now", "Command", "Limit"} == {label for label, _ in entries(question)}, question.splitlines()[
            0
        ]


def test_every_program_that_a_command_names_is_there() -> None:
    commands = [text for label, text in entries(PAGE.read_text()) if label == "Command"]
    named = {name for command in commands for name in re.findall(r"(?:benchmarks|tests)/[\w/]+\.py", command)}

    assert len(named) >= 12
    assert [name for name in sorted(named) if not (EVIDENCE.parents[1] / name).is_file()] == []


def test_figures_stand_in_entries_alone() -> None:
    """A figure with a decimal point outside an entry would be held against nothing."""
    rest = re.sub(
        r"^- \*\*(?:Then|Now|Command|Limit)\.\*\* .+$", "", re.sub(r"\n  (?=\S)", " ", PAGE.read_text()), flags=re.M
    )

    assert re.findall(r"\d\.\d", LINK.sub("", rest)) == []


def test_a_number_that_stands_nowhere_is_seen() -> None:
    assert missing_numbers("Right for 0.123456 ([occupancy](../methods/occupancy.md)).") == ["0.123456"]
    assert missing_numbers("Right for 0.904 (`x`).") == ["0.904"]


def test_what_the_machine_costs_stands_on_the_pages_of_time_and_scale() -> None:
    section = COST.read_text().split("## What the machine costs")[1].split("\n## ")[0]
    measured = [row.split("|")[3] for row in section.splitlines() if row.startswith("| ") and "](" in row]

    assert len(measured) >= 4
    for cell in measured:
        assert missing_numbers(cell) == [], cell
