"""The release, from small tables whose figures are worked by hand."""

from datetime import UTC, datetime

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import AggregationParameters
from ons_assets.parameters.publication import PublicationParameters, RevisionParameters
from ons_assets.prices.compilation import aggregate_contributions, aggregate_indices
from ons_assets.prices.publication.headings import basket_weights, beside_groups, derived_basket, headings
from ons_assets.prices.publication.release import cpi_release
from ons_assets.prices.publication.vintages import new_vintages

MONTHS = [f"{2015 + n // 12}-{n % 12 + 1:02}" for n in range(14)]
PUBLICATION, REVISIONS = PublicationParameters(), RevisionParameters()


def item_indices(**items: list[float | None]) -> pl.LazyFrame:
    rows = [
        ("month", "published", name, name.title(), MONTHS[at], value, None if value else "no positive price")
        for name, values in items.items()
        for at, value in enumerate(values)
    ]
    names = ["frequency", "method", "item_id", "item", "period", "index", "reason"]
    schema = dict.fromkeys(names, pl.String) | {"index": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    others = frame.with_columns(method=pl.lit("jevons"), index=pl.lit(1.0))
    return pl.concat([frame, others]).lazy()


def group_indices(**groups: list[float]) -> pl.LazyFrame:
    rows = [
        ("month", "published", name, MONTHS[at], value, None)
        for name, values in groups.items()
        for at, value in enumerate(values)
    ]
    names = ["frequency", "method", "group", "period", "index", "reason"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String) | {"index": pl.Float64}, orient="row").lazy()


def weights(*rows: tuple[str, str, float], year: int = 2015) -> pl.DataFrame:
    return pl.DataFrame(
        [(item, item.title(), group, year, weight) for item, group, weight in rows],
        schema={"item_id": pl.String, "item": pl.String, "group": pl.String, "year": pl.Int32, "weight": pl.Float64},
        orient="row",
    )


def diagnostics(*rows: tuple[str, int, int, int, float]) -> pl.DataFrame:
    """Rows of (item, number of the month, quotes, products, share imputed)."""
    return pl.DataFrame(
        [(item, MONTHS[month], quotes, products, share) for item, month, quotes, products, share in rows],
        schema={
            "item_id": pl.String,
            "period": pl.String,
            "observed_quotes": pl.Int64,
            "products": pl.Int64,
            "share_imputed": pl.Float64,
        },
        orient="row",
    )


NOTHING = diagnostics()
BREAD = [100.0, 100.26, 99.0, *[99.0] * 9, 108.0]
MILK = [100.0, 104.0, 104.0, *[104.0] * 9, 104.0]


def release(
    items: pl.LazyFrame,
    groups: pl.LazyFrame | None = None,
    of: pl.DataFrame | None = None,
    *,
    through: str | None = MONTHS[-1],
    publication: PublicationParameters = PUBLICATION,
    revisions: RevisionParameters = REVISIONS,
    vintages: pl.DataFrame | None = None,
    divisions: pl.DataFrame | None = None,
    **others: pl.DataFrame,
) -> pl.DataFrame:
    lazy_divisions = divisions.lazy() if divisions is not None else None
    lazy_weights = of.lazy() if of is not None else None
    series = headings(items, groups, lazy_weights, lazy_divisions, publication, AggregationParameters())
    if vintages is None:
        vintages = published(series, through, publication, revisions)
    made = cpi_release(
        vintages,
        series,
        others.pop("diagnostics", NOTHING),
        of,
        through=through,
        publication=publication,
        revisions=revisions,
        divisions=divisions,
        **others,
    )
    return CATALOGUE["prices/cpi_release"].conform(made)


def published(
    series: pl.DataFrame, through: str | None, publication: PublicationParameters, revisions: RevisionParameters
) -> pl.DataFrame:
    return new_vintages(
        CATALOGUE["prices/index_vintages"].empty(),
        series,
        through=through,
        published_utc=datetime(2020, 1, 1, tzinfo=UTC),
        publication=publication,
        revisions=revisions,
    )


def row(table: pl.DataFrame, heading: str, month: int) -> dict[str, object]:
    [found] = table.filter(heading=heading, period=MONTHS[month]).to_dicts()
    return found


def test_indices_and_rates_are_rounded_last() -> None:
    table = release(item_indices(bread=BREAD))
    assert row(table, "bread", 1)["index"] == 100.3
    assert row(table, "bread", 1)["rate_1_month_percent"] == 0.3
    assert row(table, "bread", 2)["rate_1_month_percent"] == -1.3  # of 100.26; of 100.3 it would be the same
    assert row(table, "bread", 12)["rate_12_months_percent"] == 8.0
    assert row(table, "bread", 11)["rate_12_months_percent"] is None
    assert set(table["figure_status"]) == {"final"}
    assert set(table["reference_period"]) == {"2015-01"}


def test_rates_are_of_the_indices_that_the_parameter_names() -> None:
    """100.04 to 100.06: 0.0 % unrounded, 0.1 % of 100.0 and 100.1."""
    items = item_indices(bread=[100.04, 100.06])
    of_rounded = PublicationParameters(rates_from="rounded")
    assert row(release(items), "bread", 1)["rate_1_month_percent"] == 0.0
    assert row(release(items, publication=of_rounded), "bread", 1)["rate_1_month_percent"] == 0.1


def test_another_reference_changes_indices_and_no_rate() -> None:
    items = item_indices(bread=BREAD)
    year = release(items, publication=PublicationParameters(reference="2015"))
    assert year["reference_period"].unique().to_list() == ["2015"]
    mean = sum(BREAD[:12]) / 12
    assert row(year, "bread", 12)["index"] == round(100 * 108 / mean, 1)
    rates = ["rate_1_month_percent", "rate_12_months_percent"]
    assert year.select(rates).equals(release(items).select(rates))


GROUPS = {"Bread and milk": [100.0, 102.0], "Food": [100.0, 102.5]}
SCALED = weights(
    ("bread", "Bread and milk", 30.0),
    ("milk", "Bread and milk", 10.0),
    ("beer", "Drink", 60.0),
    ("bread", "Top", 30.0),
    ("milk", "Top", 10.0),
    ("beer", "Top", 60.0),
)
ITEMS = item_indices(bread=[100.0, 110.0], milk=[100.0, 90.0], beer=[100.0, 101.0])


def test_all_items_are_made_where_weights_are_parts_of_one_whole() -> None:
    table = release(ITEMS, group_indices(**GROUPS), SCALED)
    assert row(table, "all", 1)["heading_type"] == "all"
    assert row(table, "all", 1)["index"] == round((30 * 110 + 10 * 90 + 60 * 101) / 100, 1)
    shares = {name: row(table, name, 1)["expenditure_share"] for name in ("bread", "beer", "all", "Bread and milk")}
    assert shares == pytest.approx({"bread": 0.3, "beer": 0.6, "all": 1.0, "Bread and milk": 0.4})
    assert set(table.drop_nulls("share_of")["share_of"]) == {"all"}


def test_one_item_that_is_in_one_group_only_takes_all_items_from_nobody() -> None:
    odd = pl.concat([SCALED, weights(("odd", "Odd group", 1e9))])
    of_all = basket_weights(odd, "all")
    assert of_all is not None
    assert of_all.equals(basket_weights(SCALED, "all"))


def test_weights_within_groups_make_no_basket() -> None:
    within = weights(("bread", "Bread and milk", 0.75), ("milk", "Bread and milk", 0.25), ("bread", "Food", 1.0))
    assert basket_weights(within, "all") is None
    assert basket_weights(weights(("bread", "Bread", 1.0)), "all") is None
    table = release(ITEMS, group_indices(**GROUPS), within)
    assert "all" not in table["heading_type"].unique()
    assert row(table, "milk", 1)["share_of"] == "Bread and milk"
    assert row(table, "milk", 1)["expenditure_share"] == 0.25
    assert row(table, "Food", 1)["expenditure_share"] is None


def test_a_group_that_is_all_items_is_the_basket() -> None:
    of = weights(("bread", "Everything", 1.0), ("milk", "Everything", 3.0), ("bread", "Bread", 1.0))
    publication = PublicationParameters(all_items="Everything")
    table = release(ITEMS, group_indices(Everything=[100.0, 95.0]), of, publication=publication)
    assert row(table, "Everything", 1)["heading_type"] == "all"
    assert row(table, "Everything", 1)["index"] == 95.0
    assert row(table, "bread", 1)["expenditure_share"] == 0.25


def test_divisions_are_made_where_codes_exist_and_an_item_with_two_codes_is_in_none() -> None:
    codes = pl.DataFrame(
        [("bread", "01", "Food"), ("milk", "01", "Food"), ("beer", "02", "Drink"), ("beer", "01", "Food")],
        schema=["item_id", "division", "title"],
        orient="row",
    )
    table = release(ITEMS, group_indices(**GROUPS), SCALED, divisions=codes)
    assert row(table, "01", 1)["index"] == (30 * 110 + 10 * 90) / 40
    assert row(table, "01", 1)["title"] == "Food"
    assert row(table, "01", 1)["expenditure_share"] == pytest.approx(0.4)
    assert "02" not in table["heading"].unique()


def test_contributions_are_joined_and_add_up_to_their_group_and_to_all() -> None:
    rows = [
        ("month", method, group, item, MONTHS[1], horizon, value * scale)
        for method, scale in (("published", 1.0), ("jevons", 99.0))
        for group, parts in (("all", {"bread": 3.0, "milk": -1.0, "beer": 0.6}), ("Top", {"bread": 7.0}))
        for item, value in parts.items()
        for horizon in (1, 12)
    ]
    names = ["frequency", "method", "group", "item_id", "period", "horizon", "contribution"]
    contributions = pl.DataFrame(rows, schema=names, orient="row")
    table = release(ITEMS, group_indices(**GROUPS), SCALED, contributions=contributions)
    found = {each["heading"]: each["contribution_1_month_points"] for each in table.filter(period=MONTHS[1]).to_dicts()}
    assert found["bread"] == 3.0
    assert found["Bread and milk"] == pytest.approx(2.0)
    assert found["all"] == pytest.approx(2.6)
    assert row(table, "milk", 1)["contribution_12_months_points"] == -1.0
    assert row(table, "milk", 0)["contribution_1_month_points"] is None


def of_the_years(items: pl.LazyFrame, of: pl.DataFrame) -> pl.DataFrame:
    """The release with groups and contributions as the program makes them."""
    rules = AggregationParameters()
    basket = derived_basket(of, "all")
    whole = of if basket is None else beside_groups(of, basket)
    codes = of.select("item_id", division=pl.col("item_id").str.slice(0, 1), title=pl.lit("")).unique("item_id")
    contributions = aggregate_contributions(items, whole.lazy(), rules)
    publication = PublicationParameters(decimals=6)
    return release(
        items,
        aggregate_indices(items, of.lazy(), rules).lazy(),
        of,
        publication=publication,
        divisions=codes,
        contributions=contributions,
    )


def test_no_published_figure_hangs_on_a_month_that_is_not_published() -> None:
    """The reference year lacks its December, which is computed but not published: it is no reference yet."""
    publication = PublicationParameters(reference="2015", decimals=3)
    levels = [100.0 + at for at in range(11)]
    series = headings(item_indices(bread=levels), None, None, None, publication, AggregationParameters())
    vintages = published(series, MONTHS[10], publication, REVISIONS)
    shown = vintages["figure"].to_list()
    for december in (111.0, 150.0):
        table = release(
            item_indices(bread=[*levels, december]), through=MONTHS[10], publication=publication, vintages=vintages
        )
        assert table.filter(figure_status="final")["index"].to_list() == shown
        assert row(table, "bread", 11)["index"] == december
    # Of what is not published at all, the year that is computed is the reference.
    fresh = release(item_indices(bread=[*levels, 111.0]), through=None, publication=publication)
    assert fresh["index"].mean() == pytest.approx(100, abs=0.01)


def test_contributions_add_up_to_the_rate_though_an_item_left_the_basket() -> None:
    items = item_indices(ab=[100.0 + n for n in range(14)], ac=[100.0 + 3 * n for n in range(14)], bd=[100.0] * 14)
    both = ("ab", "ac", "bd")
    of = pl.concat(
        [
            weights(*((item, "all", 1.0) for item in both), ("ab", "A", 1.0), ("ac", "A", 1.0), ("bd", "B", 1.0)),
            weights(("ab", "all", 2.0), ("bd", "all", 1.0), ("ab", "A", 2.0), ("bd", "B", 1.0), year=2016),
        ]
    )
    table = of_the_years(items, of)
    for month in (12, 13):
        for points, rate in (
            ("contribution_1_month_points", "rate_1_month_percent"),
            ("contribution_12_months_points", "rate_12_months_percent"),
        ):
            found = {each["heading"]: each for each in table.filter(period=MONTHS[month]).to_dicts()}
            assert found["all"][points] == pytest.approx(found["all"][rate], abs=1e-6)
            for parts in (("A", "B"), ("a", "b"), both):
                # In the month after the link what left moves nothing, and has no contribution.
                assert sum(found[part][points] or 0.0 for part in parts) == pytest.approx(found["all"][rate], abs=1e-6)


def test_what_is_made_of_the_basket_is_what_the_weights_would_make_of_it() -> None:
    """A missing item moves with its class in all that hold it, and new weights hold from the same link on."""
    items = item_indices(
        ab=[100.0] * 12 + [110.0, 112.0],
        ac=[100.0, 110.0, None, None, 140.0, *[140.0] * 9],
        ad=[100.0, 110.0, 120.0, 130.0, 140.0, *[140.0] * 8, 141.0],
        be=[100.0] * 12 + [130.0, 131.0],
    )
    levels = {"ab": ("A", "A2"), "ac": ("A", "A2", "Class"), "ad": ("A", "A2", "Class"), "be": ("B", "B2")}
    rows = [(item, group, {"ab": 0.4, "be": 0.2}.get(item, 0.2)) for item, in_ in levels.items() for group in in_]
    later = [(item, group, {"ab": 0.1, "be": 0.5}.get(item, weight)) for item, group, weight in rows]
    derived = pl.concat([weights(*rows), weights(*later, year=2016)])
    whole = derived.filter(pl.col("group").is_in(["A", "B"])).with_columns(group=pl.lit("all"))
    made, stated = (of_the_years(items, of) for of in (derived, pl.concat([derived, whole])))
    of_all = [table.filter(heading="all")["index"].to_list() for table in (made, stated)]
    assert of_all[0] == pytest.approx(of_all[1], abs=1e-5)
    for division, group in (("a", "A"), ("b", "B")):
        index = [made.filter(heading=heading)["index"].to_list() for heading in (division, group)]
        assert index[0] == pytest.approx(index[1], abs=1e-5)
    of_january = {each["heading"]: each for each in made.filter(period=MONTHS[12]).to_dicts()}
    for group in ("A", "B"):
        moved = of_january[group]["rate_1_month_percent"] * of_january[group]["expenditure_share"]
        assert of_january[group]["contribution_1_month_points"] == pytest.approx(moved, abs=1e-5)


def test_quotes_and_products_are_counted_and_the_imputed_share_is_of_products() -> None:
    counted = diagnostics(("bread", 1, 40, 8, 0.25), ("milk", 1, 10, 2, 0.0))
    table = release(ITEMS, group_indices(**GROUPS), SCALED, diagnostics=counted)
    group = row(table, "Bread and milk", 1)
    assert (group["observed_quotes"], group["products"], group["share_imputed"]) == (50, 10, 0.2)
    assert (row(table, "beer", 1)["products"], row(table, "beer", 1)["share_imputed"]) == (0, None)


def test_a_month_that_is_not_complete_is_provisional_and_one_without_a_figure_is_missing() -> None:
    table = release(item_indices(bread=[100.0, None, 102.0, 103.0]), through=MONTHS[2])
    assert table["figure_status"].to_list() == ["final", "missing", "final", "provisional"]
    assert row(table, "bread", 1)["notes"] == "no positive price"
    assert row(table, "bread", 3)["notes"] == "the month is not published yet"
    nothing = release(item_indices(bread=[100.0, 101.0]), through=None)
    assert set(nothing["figure_status"]) == {"provisional"}


def test_what_stands_is_released_though_it_would_be_computed_otherwise_now() -> None:
    first = headings(
        item_indices(bread=[100.0, 110.0, 102.0, 103.0]), None, None, None, PUBLICATION, AggregationParameters()
    )
    vintages = published(first, MONTHS[3], PUBLICATION, REVISIONS)
    table = release(item_indices(bread=[100.0, 101.0, None, 103.0, 104.0]), vintages=vintages, through=MONTHS[3])
    assert table["index"].to_list() == [100.0, 110.0, 102.0, 103.0, 104.0]
    assert "computed now it would differ by -8.18 %" in str(row(table, "bread", 1)["notes"])
    assert "it is not computed any more" in str(row(table, "bread", 2)["notes"])
    window = RevisionParameters(policy="window", months=1)
    open_still = release(
        item_indices(bread=[100.0, 110.0, 102.0, 103.0]), vintages=vintages, through=MONTHS[3], revisions=window
    )
    assert open_still["figure_status"].to_list() == ["final", "final", "provisional", "provisional"]


def test_contributions_that_do_not_add_up_to_the_published_rate_are_left_out() -> None:
    was = item_indices(
        bread=[100.0, 110.0, 110.0, 111.0], milk=[100.0, 90.0, 90.0, 90.0], beer=[100.0, 101.0, 102.0, 103.0]
    )
    now = item_indices(
        bread=[100.0, 120.0, 120.0, 111.0], milk=[100.0, 90.0, 90.0, 90.0], beer=[100.0, 101.0, 102.0, 103.0]
    )
    first = headings(was, None, SCALED.lazy(), None, PUBLICATION, AggregationParameters())
    vintages = published(first, MONTHS[1], PUBLICATION, REVISIONS)
    basket = derived_basket(SCALED, "all")
    assert basket is not None
    made = aggregate_contributions(now, beside_groups(SCALED, basket).lazy(), AggregationParameters())
    table = release(now, of=SCALED, vintages=vintages, through=MONTHS[1], contributions=made)
    revised, kept = row(table, "bread", 1), row(table, "beer", 3)
    assert revised["contribution_1_month_points"] is None
    assert "the published rate is not" in str(revised["notes"])
    assert kept["contribution_1_month_points"] is not None
    told = table.filter(heading_type="item").drop_nulls("contribution_1_month_points")
    for (period,), items in told.group_by("period"):
        [rate] = table.filter(heading="all", period=period)["rate_1_month_percent"].to_list()
        assert items["contribution_1_month_points"].sum() == pytest.approx(rate, abs=0.06)


def test_without_any_index_there_is_no_row() -> None:
    assert release(item_indices()).is_empty()
