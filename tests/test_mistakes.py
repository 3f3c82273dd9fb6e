"""What is typed wrong is answered in one sentence, that says what may be typed: for every option of every command."""

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
import typer

from ons_assets import cli
from ons_assets.settings import Settings, below, origins
from tests.every_command import commands

# Names of classes, of the program or of Python.
CLASS = re.compile(r"\b(?:[A-Z][a-z]+[A-Z]\w*|\w*(?:Error|Exception))\b|Traceback")
Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command without a home, and return its exit code and what it said of a mistake, which is one sentence."""
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").write_text("Dear Sir\n")

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        sentence = capsys.readouterr().err
        assert sentence.startswith("ons-assets: ")
        assert sentence.count("\n") == 1
        assert not CLASS.search(sentence)
        assert not (tmp_path / "home").exists()
        return int(ended.value.code or 0), sentence

    return run


WHOLE = typer.main.get_command(cli.app)
GROUPS = [(), *sorted({words[:-1] for words, _ in commands(WHOLE) if words[1:]})]


def kind_of(command: Any, name: str) -> type:
    """What a parameter of a command is, without its being optional or a list."""
    kind: Any = get_type_hints(inspect.unwrap(command.callback))[name]
    while get_origin(kind) in (Union, UnionType, list):
        kind = next(each for each in get_args(kind) if each is not type(None))
    assert isinstance(kind, type)
    return kind


def wrong(kind: type) -> list[tuple[str, str]]:
    """Values that are not allowed, each with a word of the answer."""
    if issubclass(kind, Enum):
        return [("nonesuch", "is not one of " + ", ".join(repr(str(each.value)) for each in kind))]
    numbers = {int: "is to be a whole number, not 'x'", float: "is to be a number, not 'x'"}
    if kind in numbers:
        return [("x", numbers[kind])]
    return [("2016-13-45", "is to be a day, such as 2016-07-21")] if kind is datetime else []


def cases() -> Iterator[tuple[tuple[str, ...], str]]:
    """Every parameter of which not every text is allowed, given one that is not, and the answer."""
    for words, command in commands(WHOLE):
        for each in command.params:
            if each.name == "help" or getattr(each, "is_flag", False):
                continue
            kind = kind_of(command, each.name)
            values = wrong(kind)
            if kind in (int, float) and each.param_type_name == "option":
                # Each is counted or waited for; there is none that may be less than nothing.
                values.append(("-1", "is to be at least"))
            for value, answer in values:
                yield (*words, *typed(command, each, value)), answer


def typed(command: Any, wrong_one: Any, value: str) -> Iterator[str]:
    """One parameter with a value, and before and after it those that a command cannot do without."""
    for each in command.params:
        if each is wrong_one or each.required:
            yield from each.opts[-1:] if each.param_type_name == "option" else ()
            yield value if each is wrong_one else "1" if kind_of(command, each.name) in (int, float) else "folder"


@pytest.mark.parametrize(("arguments", "answer"), list(cases()), ids=" ".join)
def test_a_value_that_is_not_allowed_is_answered_with_what_is(
    said: Said, arguments: tuple[str, ...], answer: str
) -> None:
    code, sentence = said(*arguments)
    assert code == 2
    assert answer in sentence


def test_an_argument_that_says_nothing_is_refused_before_anything_is_done(said: Said, tmp_path: Path) -> None:
    """Else `--home "$DATA"` with a variable that is not set makes a home of the folder that somebody stands in."""
    for words, command in commands(WHOLE):
        for each in command.params:
            if each.param_type_name == "option" and not getattr(each, "is_flag", False):
                for typed in ([each.opts[-1], " "], [f"{each.opts[-1]}="]):
                    assert said(*words, *typed) == (
                        2,
                        f"ons-assets: {each.opts[-1]} is empty: say a value, or leave it out\n",
                    )
    assert said("materialize", "")[1] == "ons-assets: an argument is empty: say a value, or leave it out\n"
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file.txt"}


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("demo --scale huge", "there is no scale 'huge'; there are small and medium"),
        ("demo --scale smal", "there is no scale 'smal'; did you mean small?"),
        ("simulate a b --scale huge", "there is no scale 'huge'; there are small, medium and full"),
        ("simulate a b --pilot meters --scale huge", "there are small, medium, electric and full"),
        ("simulate a b --pilot tweets --scale huge", "there is no scale 'huge'; there are small"),
        ("simulate a b --pilot mobile --scale huge", "there is no scale 'huge'; there are small, medium"),
        ("simulate a b --pilot all --scale full", "there is no scale 'full'; there are small and medium"),
        ("simulate a b --pilot meter", "there is no pilot 'meter'; did you mean meters?"),
        ("ingest file.txt --source price", "there is no source 'price'; did you mean prices?"),
        ("layout check file.txt --source price", "did you mean prices?"),
        ("layout draft file.txt --source price", "did you mean prices?"),
        ("materialize price", "did you mean prices?"),
        ("expectations show raw_quote", "did you mean prices/raw_quotes?"),
        ("register show raw_quote", "did you mean prices/raw_quotes?"),
        ("harvest example mastodons", "did you mean mastodon?"),
        ("tutorial first_indices", "did you mean first_index?"),
        ("parameters tweet", "there is no domain of parameters 'tweet'; did you mean tweets?"),
        ("parameters tweets.flow", "did you mean tweets.flows?"),
        ("parameters tweets.flows.fewest_mover", "did you mean tweets.flows.fewest_movers?"),
        ("parameters tweet.flows", "did you mean tweets?"),
        ("report --until 1999-01-01 --since 2000-01-01", "--since is after --until"),
        *((f"{words} nofile", "there is no file nofile") for words in ("ingest", "expectations check")),
        *(
            (
                f"{words} {path}{rest}",
                f"{path} is a folder, not a file" if path == "folder" else f"there is no file {path}",
            )
            for path in ("folder", "nofile")
            for words, rest in (
                ("expectations check", ""),
                ("layout check", " --source prices"),
                ("layout check file.txt --source prices --layout", ""),
                ("layout draft", " --source prices"),
                ("layout upgrade", ""),
                ("erase meters --subjects", ""),
                ("erase tweets --records", ""),
                ("harvest look feed", ""),
            )
        ),
    ],
)
def test_a_name_or_a_path_that_there_is_not_is_answered_with_what_there_is(
    said: Said, arguments: str, answer: str
) -> None:
    code, sentence = said(*arguments.split())
    assert code == 1
    assert answer in sentence


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
def test_words_that_people_type_for_an_option_are_answered_with_it(said: Said, group: tuple[str, ...]) -> None:
    whole = " ".join(["ons-assets", *group])
    assert said(*group, "help") == (2, f"ons-assets: there is no command 'help'; did you mean {whole} --help?\n")


def test_a_command_that_there_is_not_is_answered_with_the_one_that_was_meant(said: Said) -> None:
    assert said("version")[1] == "ons-assets: there is no command 'version'; did you mean ons-assets --version?\n"
    assert said("help", "ingest")[1].endswith("did you mean ons-assets ingest --help?\n")
    assert said("layout", "help", "check")[1].endswith("did you mean ons-assets layout check --help?\n")
    assert said("materialze")[1].endswith("did you mean materialize?\n")
    assert said("layout", "zzz")[1].endswith("there are check, draft, upgrade and schema\n")
    assert said("status", "--hom", "x")[1].startswith("ons-assets: there is no option --hom; did you mean --home?")
    assert said("status", "--home")[0] == 2
    assert said("status", "extra")[0] == said("withdraw")[0] == 2


def test_names_to_erase_that_are_no_text_are_not_quoted(said: Said, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"Ann\xff\n")
    assert said("erase", "meters", "--subjects", "names.txt") == (
        1,
        "ons-assets: names.txt is not text in UTF-8\n",
    )


def test_a_lookup_that_the_program_did_not_foresee_is_its_own_mistake(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Python says of one, `list index out of range`, tells nobody anything."""

    def shown() -> list[str]:
        return [[][0]]

    monkeypatch.setattr("ons_assets.cli.tutorials.tutorials", shown)
    code, sentence = said("tutorial")
    assert code == 1
    assert "the program made a mistake of its own, at ons_assets/cli/tutorials.py, line " in sentence


def test_parameters_are_found_at_every_path() -> None:
    found = origins(Settings())
    assert below(found, None) == found
    for each in found:
        words = each.parameter.path.split(".")
        for length in range(1, len(words) + 1):
            path = ".".join(words[:length])
            assert below(found, path) == [one for one in found if f"{one.parameter.path}.".startswith(f"{path}.")]
