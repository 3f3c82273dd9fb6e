"""What stands, what is revised, and that nothing is recorded twice."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.publication import Correction, PublicationParameters, RevisionParameters
from ons_assets.prices.publication.vintages import (
    collected_through,
    latest_figures,
    new_vintages,
    revision_triangle,
)

TABLE = CATALOGUE["prices/index_vintages"]
MONTHS = [f"{2015 + n // 12}-{n % 12 + 1:02}" for n in range(30)]
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


def computed(**series: list[float | None]) -> pl.DataFrame:
    """Series from the first month on; a group begins with a capital."""
    rows = [
        ("group" if name[0].isupper() else "item", name, MONTHS[at], MONTHS[0], value)
        for name, values in series.items()
        for at, value in enumerate(values)
    ]
    schema = {"heading_type": pl.String, "heading": pl.String, "period": pl.String, "base_period": pl.String}
    return pl.DataFrame(rows, schema={**schema, "index": pl.Float64}, orient="row")


class Publisher:
    """An office that publishes again and again, an hour apart."""

    def __init__(self, **policy: object) -> None:
        self.table = TABLE.empty()
        self.revisions = RevisionParameters(**policy)  # type: ignore[arg-type]
        self.publication = PublicationParameters()
        self.hours = 0

    def publish(self, series: pl.DataFrame, through: int | None) -> pl.DataFrame:
        self.hours += 1
        new = new_vintages(
            self.table,
            series,
            through=None if through is None else MONTHS[through],
            published_utc=NOON + timedelta(hours=self.hours),
            publication=self.publication,
            revisions=self.revisions,
        )
        self.table = TABLE.conform(pl.concat([self.table, new]))
        assert self.table.select(TABLE.key).is_duplicated().sum() == 0
        return new

    def stands(self, heading: str = "bread") -> list[float]:
        latest = latest_figures(self.table, self.publication.edition)
        return latest.filter(heading=heading).sort("period")["index"].to_list()


def test_months_are_published_once_they_are_complete_and_once_only() -> None:
    office = Publisher()
    assert office.publish(computed(bread=[100.0, 101.0]), None).is_empty()
    assert office.publish(computed(bread=[100.0, 101.0]), 0)["period"].to_list() == MONTHS[:1]
    assert office.publish(computed(bread=[100.0, 101.0]), 0).is_empty()
    new = office.publish(computed(bread=[100.0, 101.0, None, 103.0]), 3)
    assert new["period"].to_list() == [MONTHS[1], MONTHS[3]]
    assert set(office.table["vintage"]) == {1}
    assert set(office.table["reason"]) == {"first published"}


def test_what_was_published_stands_whatever_is_computed_later() -> None:
    office = Publisher()
    office.publish(computed(bread=[100.0, 110.0, 102.0, 103.0, 104.0]), 4)
    assert office.publish(computed(bread=[100.0, 101.0, 102.0, 103.0, 104.0, 105.0]), 5)["index"].to_list() == [105.0]
    assert office.stands() == [100, 110, 102, 103, 104, 105]


def test_a_new_base_of_the_computed_series_is_no_change_of_prices() -> None:
    office = Publisher()
    office.publish(computed(bread=[100.0, 101.0, 102.0]), 2)
    rescaled = [0.5 * value for value in (100.0, 101.0, 102.0, 103.0)]
    [row] = office.publish(computed(bread=rescaled), 3).to_dicts()
    assert row["index"] == pytest.approx(103)
    assert row["reason"].startswith("first published, joined to the months that stand: 100.0 %")


def test_an_error_of_few_months_ends_with_them() -> None:
    office = Publisher()
    office.publish(computed(bread=[100.0, 101.0, 102.0, 130.0]), 3)
    office.publish(computed(bread=[100.0, 101.0, 102.0, 103.0, 104.0]), 4)
    assert office.stands() == [100, 101, 102, 130, 104]


def test_the_window_revises_the_last_months_and_no_other() -> None:
    office = Publisher(policy="window", months=1)
    office.publish(computed(bread=[100.0, 101.0, 102.0, 103.0]), 3)
    new = office.publish(computed(bread=[100.0, 150.0, 102.0, 108.0, 104.0]), 4)
    assert new.select("period", "vintage").rows() == [(MONTHS[3], 2), (MONTHS[4], 1)]
    assert office.stands() == [100, 101, 102, 108, 104]


def test_a_correction_revises_what_it_names_and_says_why() -> None:
    known = Correction(
        headings=("bread",), first_month=MONTHS[1], last_month=MONTHS[1], reason="the file of a shop came twice"
    )
    office = Publisher(policy="corrections", corrections=(known,))
    office.publish(computed(bread=[100.0, 101.0, 102.0, 103.0], Food=[100.0, 101.0, 102.0, 103.0]), 3)
    again = computed(bread=[100.0, 91.0, 92.0, 103.0], Food=[100.0, 91.0, 92.0, 103.0])
    [row] = office.publish(again, 3).to_dicts()
    assert (row["heading"], row["period"], row["vintage"], row["index"]) == ("bread", MONTHS[1], 2, 91.0)
    assert row["reason"] == "corrected: the file of a shop came twice"
    assert office.publish(again, 3).is_empty()


def test_a_correction_without_heading_or_reason_is_refused() -> None:
    for values in ({"headings": (), "reason": "x"}, {"headings": ("bread",), "reason": ""}):
        with pytest.raises(ValueError, match="at least 1"):
            Correction(**values)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="comes after"):
        Correction(headings=("a",), reason="x", first_month="2016-02", last_month="2016-01")


def test_another_edition_starts_anew_and_keeps_the_old_figures() -> None:
    office = Publisher()
    office.publish(computed(bread=[100.0, 101.0]), 1)
    office.publication = PublicationParameters(edition="2")
    new = office.publish(computed(bread=[100.0, 120.0]), 1)
    assert (new["vintage"].to_list(), office.stands()) == ([1, 1], [100, 120])
    office.publication = PublicationParameters()
    assert office.stands() == [100, 101]


def test_a_series_that_was_published_on_months_that_are_gone_is_not_continued_by_guess() -> None:
    office = Publisher()
    office.publish(computed(bread=[100.0, 101.0]), 1)
    assert office.publish(computed(bread=[None, None, 100.0]), 2).is_empty()


def test_figures_are_shown_rounded_and_on_the_reference_period() -> None:
    office = Publisher()
    office.publication = PublicationParameters(reference=MONTHS[1])
    new = office.publish(computed(bread=[100.0, 104.0, 103.0]), 2)
    assert new["figure"].to_list() == [96.2, 100.0, 99.0]
    assert new["index"].to_list() == [100.0, 104.0, 103.0]
    assert set(new["reference_period"]) == {MONTHS[1]}


POLICIES = st.one_of(
    st.just({"policy": "none"}),
    st.integers(0, 4).map(lambda months: {"policy": "window", "months": months}),
    st.integers(0, 8).map(
        lambda first: {
            "policy": "corrections",
            "corrections": ({"headings": ("bread",), "first_month": MONTHS[first], "reason": "found wrong"},),
        }
    ),
)


@settings(max_examples=150, deadline=None)
@given(policy=POLICIES, seed=st.integers(0, 2**32), steps=st.integers(1, 6), join=st.integers(1, 5))
def test_publishing_again_adds_nothing_and_the_policy_holds(
    policy: dict[str, object], seed: int, steps: int, join: int
) -> None:
    """Months are added, some change, some are lost; after each step a second call finds nothing to do."""
    random = np.random.default_rng(seed)
    office = Publisher(**policy, join_months=join)
    levels: dict[str, list[float | None]] = {"bread": [100.0], "milk": [100.0], "Food": [100.0]}
    for _ in range(steps):
        for values in levels.values():
            values += [float(100 * np.exp(random.normal(0, 0.1))) for _ in range(int(random.integers(0, 3)))]
            for at in range(len(values)):
                if random.random() < 0.2:
                    values[at] = None if random.random() < 0.3 else float(100 * np.exp(random.normal(0, 0.1)))
        through = int(random.integers(0, 12))
        before = office.table
        new = office.publish(computed(**levels), through)
        assert office.table.head(len(before)).equals(before), "what was published is still there"
        assert new["period"].max() is None or new["period"].max() <= MONTHS[through]  # type: ignore[operator]
        revised = new.filter(pl.col("vintage") > 1)
        if policy["policy"] == "none":
            assert revised.is_empty()
        if policy["policy"] == "window":
            assert (revised["period"] >= MONTHS[max(through - int(str(policy["months"])), 0)]).all()
        if policy["policy"] == "corrections":
            assert set(revised["heading"]) <= {"bread"}
        assert office.publish(computed(**levels), through).is_empty()
        runs = office.table.sort(TABLE.key).group_by(TABLE.key[:-1]).agg("vintage")["vintage"].to_list()
        assert all(each == list(range(1, len(each) + 1)) for each in runs)


def test_what_was_known_at_a_time_can_be_read_again() -> None:
    """As archives of real-time data have it: the first figure of a month, after it was revised."""
    office = Publisher(policy="window", months=5)
    office.publish(computed(bread=[100.0, 104.0]), 1)
    office.publish(computed(bread=[100.0, 103.0, 105.0]), 2)
    then = latest_figures(office.table, "1", NOON + timedelta(hours=1)).sort("period")
    assert then["index"].to_list() == [100.0, 104.0]
    assert office.stands() == [100.0, 103.0, 105.0]
    assert latest_figures(office.table, "1", NOON).is_empty()


def test_the_triangle_says_how_figures_were_revised() -> None:
    office = Publisher(policy="window", months=5)
    office.publish(computed(bread=[100.0, 104.0]), 1)
    office.publish(computed(bread=[100.0, 103.0]), 1)
    office.publish(computed(bread=[100.0, 105.0]), 1)
    triangle = CATALOGUE["prices/revision_triangle"].conform(revision_triangle(office.table))
    first, second = triangle.sort("period").to_dicts()
    assert (first["revisions"], first["revision"], first["mean_absolute_revision"]) == (0, 0.0, 0.0)
    assert (first["largest_revision"], first["reason"]) == (None, None)
    assert (second["first_index"], second["last_index"], second["revisions"]) == (104.0, 105.0, 2)
    assert (second["revision"], second["mean_absolute_revision"], second["largest_revision"]) == (1.0, 1.5, 2.0)
    assert second["last_published_utc"] - second["first_published_utc"] == timedelta(hours=2)
    assert revision_triangle(TABLE.empty()).is_empty()


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [("2016-07-31", "2016-07"), ("2016-07-30", "2016-06"), ("2016-08-01", "2016-06"), ("2016-12-31", "2016-12")],
)
def test_a_month_is_complete_when_its_last_day_was_collected(last_day: str, expected: str) -> None:
    days = ["2016-06-01", last_day, "2017-01-01"]
    quotes = pl.LazyFrame({"collected_on": days, "retailer": "a", "imputed": [False, False, True]})
    quotes = quotes.with_columns(pl.col("collected_on").str.to_date())
    assert collected_through(quotes) == expected
    assert collected_through(quotes.filter("imputed")) is None


def test_a_retailer_that_may_be_late_holds_its_month_back_and_no_later_one() -> None:
    def through(**last_days: str) -> str | None:
        days = [(name, day) for name, last in last_days.items() for day in ("2016-06-01", "2016-07-05", last)]
        quotes = pl.LazyFrame(days, schema=["retailer", "collected_on"], orient="row").with_columns(imputed=False)
        return collected_through(quotes.with_columns(pl.col("collected_on").str.to_date()))

    assert through(tesco="2016-08-02", waitrose="2016-08-05") == "2016-07"
    assert through(tesco="2016-08-02", waitrose="2016-07-20") == "2016-06"
    both = {"tesco": ["2016-06-01", "2016-07-31", "2016-08-31"], "waitrose": ["2016-06-01", "2016-07-20"]}
    rows = [(name, day) for name, days in both.items() for day in days]
    quotes = pl.LazyFrame(rows, schema=["retailer", "collected_on"], orient="row").with_columns(
        pl.col("collected_on").str.to_date(), imputed=False
    )
    assert collected_through(quotes) == "2016-08"


def test_a_correction_of_what_is_no_heading_is_refused() -> None:
    wrong = RevisionParameters(policy="corrections", corrections=(Correction(headings=("bred",), reason="a typo"),))
    with pytest.raises(ValueError, match="no item_id or group: bred; did you mean bread"):
        new_vintages(
            CATALOGUE["prices/index_vintages"].empty(),
            pl.DataFrame({"heading": ["bread"]}),
            through=None,
            published_utc=datetime(2020, 1, 1, tzinfo=UTC),
            publication=PublicationParameters(),
            revisions=wrong,
        )
