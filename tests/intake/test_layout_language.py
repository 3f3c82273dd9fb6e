"""What the loader of layouts takes, the published schema takes; what neither takes is told in plain words."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from ons_assets.intake.layouts import FORMER_WORDS, Layout, Origin
from ons_assets.intake.shelf import faults
from ons_assets.wording import listed

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((REPOSITORY / "docs" / "layout.schema.json").read_text()))
SHIPPED = {
    str(path.relative_to(REPOSITORY)): yaml.safe_load(path.read_text())
    for path in sorted((REPOSITORY / "ons_assets").rglob("layouts/**/*.yaml"))
}
SHOWN = {
    f"example {number}": yaml.safe_load(text)
    for number, text in enumerate(
        re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / "layouts.md").read_text(), re.DOTALL), start=1
    )
}
LAYOUTS = {**SHIPPED, **SHOWN}
# What former words have become; a fault in one is told of that.
NOW = dict.fromkeys(("constants", "retailer", "currency"), "columns")
NOW |= {"time_format": "time_formats", "date_format": "date_formats"}
NOW |= {"required": "needs", "unused": "ignores", "optional": "ignores"}
WORDS = [*Layout.model_fields, *FORMER_WORDS, "misspelt"]
FORMS: dict[str, Any] = {
    "nothing": None,
    "text": "a",
    "long text": "a" * 99,
    "pattern": "(",
    "number": -99,
    "hour": 0.5,
    "truth": True,
    "day": date(2016, 7, 21),
    "list": ["a", "b"],
    "numbers": [-99, 0.5],
    "list of nothing": [None],
    "empty list": [],
    "lists": [["a"]],
    "words": {"a": "b"},
    "words with numbers": {"a": 1, 7: "b"},
    "words in words": {"a": {"b": "c"}},
    "origins": {"a": {"join": ["b", "c"]}, "b": {"constant": 5}, "c": None},
    "wrong origins": {"a": {"constant": ["b"]}, "b": {"column": "c", "position": 0}, "c": {"colunm": "d"}, "d": 3},
    "empty words": {},
}
JARGON = re.compile(
    r"Input should|Value error|valid (string|dictionary|integer|number|tuple|list)|instance of|type=|permitted"
    r"|should (be|have)|Field required|\bNone\b|pydantic"
)


def as_json(given: Any) -> Any:
    """As an editor sees YAML: days are texts, and so are all words."""
    return json.loads(json.dumps(given, default=str))


def test_there_are_layouts_to_look_at() -> None:
    assert len(SHIPPED) > 30
    assert len(SHOWN) >= 4


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_published_schema_takes_every_layout_that_there_is(name: str) -> None:
    Layout.model_validate(LAYOUTS[name])
    SCHEMA.validate(as_json(LAYOUTS[name]))


@pytest.mark.parametrize("name", LAYOUTS)
def test_neither_takes_a_misspelt_word(name: str) -> None:
    given = LAYOUTS[name]
    for word in given:
        misspelt = {f"{each}x" if each == word else each: value for each, value in given.items()}
        assert not SCHEMA.is_valid(as_json(misspelt)), word
        with pytest.raises(ValidationError) as raised:
            Layout.model_validate(misspelt)
        assert f"{word}x: is no word of a layout" in faults(raised.value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("word", WORDS)
def test_loader_and_schema_agree_and_faults_are_told_plainly(word: str, form: str) -> None:
    given = {"name": "a", "columns": {"z": "b"}, word: FORMS[form]}
    try:
        Layout.model_validate(given)
    except ValidationError as error:
        said = faults(error)
        assert JARGON.search(said) is None, said
        assert said.startswith((word, NOW.get(word, word))), said
    else:
        # That pydantic takes true for 1 and 1 for true is nothing to rely on.
        assert SCHEMA.is_valid(as_json(given)) or form in ("truth", "number", "hour"), given


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"delimeter": ";"}, "delimeter: is no word of a layout; did you mean delimiter?"),
        ({"delimiter": "much"}, "delimiter: is one ASCII character, or blanks"),
        ({"decimal": ";"}, "decimal: is to be '.' or ',', not ';'"),
        ({"skip_lines": "two"}, "skip_lines: is to be a whole number, not 'two'"),
        ({"skip_lines": -1}, "skip_lines: is to be at least 0, not -1"),
        ({"quote": "''"}, "quote: is to have at most 1 characters, not \"''\""),
        ({"header": "perhaps"}, "header: is to be true or false, not 'perhaps'"),
        ({"time_formats": "%d/%m/%Y"}, "time_formats: is to be a list, such as [a, b], not '%d/%m/%Y'"),
        ({"sheet": ["a"]}, "sheet: is to be a text; sheet: is to be a whole number"),
        ({"zone": 5}, "zone: is to be a text: write it in quotes"),
        ({"missing": [False]}, "missing.0: is to be a text: write it in quotes"),
        ({"quality": {7: "read"}}, "quality.7: is to be a text: write it in quotes"),
        ({"columns": {"a": 3}}, "columns.a: is to be the name of a column, in quotes, or where the field comes from"),
        ({"columns": {"a": {"colunm": "b"}}}, "columns.a.colunm: is no word here; did you mean column?"),
        (
            {"columns": {"a": {"xyz": "b"}}},
            f"columns.a.xyz: is no word here; there are {listed([*Origin.model_fields])}",
        ),
        ({"columns": ["a"]}, "columns is to say of each field where it comes from, a line each"),
        ({"unused": 5}, "unused is to be a list, such as [a, b]"),
        ({"first_day": "soon"}, "first_day: is to be a day, such as 2016-07-21, not 'soon'"),
    ],
)
def test_a_fault_names_the_word_and_what_is_allowed(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Layout.model_validate({"name": "a", "columns": {}, **given})
    assert sentence in faults(raised.value)


def test_what_must_be_said_is_asked_for() -> None:
    with pytest.raises(ValidationError) as raised:
        Layout.model_validate({})
    assert faults(raised.value) == "columns: is missing, and must be said; name: is missing, and must be said"
