"""What holds of every parameter, and of the way from the settings to a function."""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import polars as pl
import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from ons_assets.orchestration.arguments import check_groups, groups_of
from ons_assets.parameters import Parameters, Section, group_of, groups_in, path_of, values_of
from ons_assets.parameters.description import bound_of, page, parameters_in
from ons_assets.parameters.names import unknown
from ons_assets.parameters.prices import CheckParameters, IndexParameters, OutlierRule
from ons_assets.parameters.tweets import ClusterParameters, Tweets, UserParameters
from ons_assets.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "parameters.md"
GROUPS = groups_in(Settings)
FIELDS = {f"{path}.{name}": field for path, group in GROUPS.items() for name, field in group.model_fields.items()}
IS_GROUP = {
    path: isinstance(field.annotation, type) and issubclass(field.annotation, Parameters)
    for path, field in FIELDS.items()
}


def numbers_in(kind: Any, metadata: list[Any]) -> Iterator[tuple[type, list[Any]]]:
    """Yield the numbers that a type holds, each with its constraints."""
    if kind in (int, float):
        yield kind, metadata
    elif get_origin(kind) is Annotated:
        inside, *constraints = get_args(kind)
        yield from numbers_in(inside, [limit for each in constraints for limit in getattr(each, "metadata", [each])])
    elif get_origin(kind) in (Union, types.UnionType):
        for each in get_args(kind):
            yield from numbers_in(each, metadata)
    else:
        for each in get_args(kind):
            yield from numbers_in(each, [])


def is_bounded(field: FieldInfo) -> bool:
    numbers = numbers_in(field.annotation, field.metadata)
    return all(any(isinstance(each, Ge | Gt | Le | Lt) for each in limits) for _, limits in numbers)


@pytest.mark.parametrize("path", [path for path in FIELDS if not IS_GROUP[path]])
def test_every_parameter_has_a_sentence_and_every_number_a_bound(path: str) -> None:
    assert FIELDS[path].description, path
    assert is_bounded(FIELDS[path]), path
    assert bound_of(FIELDS[path])


def test_a_number_without_a_bound_would_be_found() -> None:
    class Loose(Parameters):
        one: float = Field(1, description="x")
        several: tuple[int, ...] = Field((), description="x")
        by_name: dict[str, float] = Field({}, description="x")
        perhaps: float | None = Field(None, description="x")
        tight: float | None = Field(None, gt=0, description="x")
        words: tuple[str, ...] = Field((), description="x")

    loose = [name for name, field in Loose.model_fields.items() if not is_bounded(field)]
    assert loose == ["one", "several", "by_name", "perhaps"]


@pytest.mark.parametrize("path", GROUPS)
def test_the_defaults_of_every_group_are_allowed_and_say_what_they_are_for(path: str) -> None:
    group = GROUPS[path]
    assert group.__doc__, path
    assert group.model_validate(group().model_dump()) == group()
    assert group.model_validate_json(group().model_dump_json()) == group()
    assert group.model_config["frozen"]
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        group(no_such_parameter=1)


def test_every_class_of_parameters_is_a_group_of_the_settings() -> None:
    """No group lies beside the tree, where nobody could set it."""
    shared = {"AnchorParameters", "WeeklyProfile"}  # of which the tree holds a pilot's own
    within = {"Period", "Correction"}  # of which a parameter holds a list
    held = {group.__name__ for group in GROUPS.values()}

    def below(kind: type) -> Iterator[type]:
        for each in kind.__subclasses__():
            if each.__module__.startswith("ons_assets"):
                yield each
            yield from below(each)

    assert {each.__name__ for each in below(Parameters)} - held == shared | within


def test_a_group_is_found_by_its_class() -> None:
    settings = Settings(tweets={"clustering": {"eps_m": 7}})  # type: ignore[arg-type]
    assert path_of(Settings, ClusterParameters) == "tweets.clustering"
    assert group_of(settings, ClusterParameters).eps_m == 7
    assert group_of(settings, OutlierRule) is settings.prices.checking.outliers
    assert values_of(settings, [ClusterParameters]) == {"tweets.clustering": {"eps_m": 7, "min_tweets": 3}}

    class Elsewhere(Parameters):
        pass

    with pytest.raises(LookupError, match="Elsewhere is no group of Settings"):
        group_of(settings, Elsewhere)


def test_a_class_stands_in_a_tree_once() -> None:
    class Twice(Section):
        one: UserParameters = UserParameters()
        other: UserParameters = UserParameters()

    with pytest.raises(TypeError, match="UserParameters stands in the tree of Twice twice"):
        groups_in(Twice)


def test_groups_are_handed_over_by_annotation_and_recorded() -> None:
    def method(rows: pl.LazyFrame, parameters: ClusterParameters, checks: CheckParameters, days: object) -> None: ...

    groups = groups_of(method, ["rows", "days", "lakehouse"])
    settings = Settings(tweets={"clustering": {"eps_m": 7}})  # type: ignore[arg-type]
    assert groups.given(settings) == {"parameters": settings.tweets.clustering, "checks": settings.prices.checking}
    assert groups.recorded(settings) == {
        "tweets.clustering": {"eps_m": 7.0, "min_tweets": 3},
        "prices.checking": settings.prices.checking.model_dump(mode="json"),
    }


def test_what_a_function_cannot_be_given_is_an_error_at_once() -> None:
    class Elsewhere(Parameters):
        pass

    def mistyped(raw_quote: pl.LazyFrame) -> None: ...
    def all_of_a_domain(parameters: Tweets) -> None: ...
    def former(settings: object) -> None: ...
    def of_another(parameters: Elsewhere) -> None: ...
    def twice(raw_quotes: IndexParameters) -> None: ...

    offered = ["raw_quotes", "lakehouse"]
    with pytest.raises(TypeError, match=r"mistyped asks for 'raw_quote', which is neither .* lakehouse, raw_quotes"):
        groups_of(mistyped, offered)
    with pytest.raises(TypeError, match="asks for all of Tweets as 'parameters': name the groups"):
        groups_of(all_of_a_domain, offered)
    with pytest.raises(TypeError, match="asks for 'settings'"):
        groups_of(former, offered)
    with pytest.raises(TypeError, match="Elsewhere, which is no group of parameters in the settings"):
        groups_of(of_another, offered)
    with pytest.raises(TypeError, match="names a group of parameters 'raw_quotes', as an input is called"):
        groups_of(twice, offered)
    with pytest.raises(TypeError, match="prices/raw_quotes asks for Elsewhere"):
        check_groups("prices/raw_quotes", [Elsewhere])


def test_bounds_are_said_in_words() -> None:
    def of(model: type[BaseModel], name: str) -> str:
        return bound_of(model.model_fields[name])

    assert of(ClusterParameters, "eps_m") == "number > 0"
    assert of(UserParameters, "constant_share") == "number > 0 and <= 1"
    assert of(OutlierRule, "reach") == "number > 0 | null"
    assert of(IndexParameters, "price") == "pack | unit"
    assert of(IndexParameters, "frequencies") == "[day | week | month, ...] of at least 1"


def test_what_was_meant_is_what_has_the_same_last_name_in_the_domain() -> None:
    assert unknown(Settings, ["mobile", "k"]).endswith("did you mean mobile.release.k?")
    assert unknown(Settings, ["prices", "index_methods"]).endswith("did you mean prices.indices.methods?")
    assert unknown(Settings, ["drops", "atempts"]).endswith("did you mean drops.attempts?")


def test_the_page_is_that_of_the_classes() -> None:
    assert PAGE.read_text() == page(Settings.model_construct()), "make docs writes it anew"
    assert all(f"`{each.path.rsplit('.', 1)[-1]}`" in PAGE.read_text() for each in parameters_in(Settings()))
