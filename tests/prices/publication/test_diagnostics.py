"""The diagnostics, held against a slow and obvious computation in plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from math import exp, log
from statistics import geometric_mean

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.publication.diagnostics import elementary_diagnostics

Row = dict[str, object]

ALWAYS = IndexParameters(imputed_periods="always")


def quotes(seed: int, *, counted: str) -> list[Row]:
    """Quotes of four months, some odd, some carried; quantities never, always, or from the third month on."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for item in ("bread", "milk"):
        for month in range(1, 5):
            has_quantities = counted == "always" or (counted == "later" and month > 2)
            for product in range(6):
                for day in (3, 17):
                    if random.random() < 0.35:
                        continue
                    rows.append(
                        {
                            "collected_on": date(2016, month, day),
                            "item_id": item,
                            "product": f"p{product}",
                            "price": float(np.round(random.uniform(1, 3), 2)),
                            "quantity": float(random.integers(0, 9)) if has_quantities else None,
                            "outlier": bool(random.random() < 0.1),
                            "imputed": bool(random.random() < 0.2),
                            "in_scope": bool(random.random() < 0.95),
                        }
                    )
    return rows


def frame(rows: list[Row]) -> pl.LazyFrame:
    schema = {"collected_on": pl.Date, "price": pl.Float64, "quantity": pl.Float64}
    others = dict.fromkeys(set(FLAGS) - {"outlier", "imputed", "in_scope"}, False)
    made = pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None).lazy()
    return made.with_columns(
        retailer=pl.lit("shop"),
        item="item_id",
        product_id="product",
        lineage_id="product",
        price_per_unit="price",
        **others,
    )


def prices_of(rows: Iterable[Row]) -> dict[tuple[str, int], dict[str, tuple[float, float | None, bool]]]:
    """Price, quantity and whether it is imputed, of each product of an item and month."""
    by_month: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        by_month[str(row["item_id"]), row["collected_on"].month].append(row)  # type: ignore[attr-defined]
    found = {}
    for key, group in by_month.items():
        observed = [row for row in group if not row["imputed"]]
        counted = bool(observed) and all(row["quantity"] is not None for row in observed)
        counted = counted and any(row["quantity"] > 0 for row in observed)  # type: ignore[operator]
        products = {}
        for product in sorted({str(row["product"]) for row in group}):
            mine = [row for row in group if row["product"] == product]
            seen = [row for row in mine if not row["imputed"]]
            if counted:
                sold = [(float(r["price"]), float(r["quantity"])) for r in seen if r["quantity"]]  # type: ignore[arg-type]
                if sold:
                    quantity = sum(q for _, q in sold)
                    products[product] = (sum(p * q for p, q in sold) / quantity, quantity, False)
            else:
                of = seen or mine
                products[product] = (geometric_mean([float(r["price"]) for r in of]), None, not seen)  # type: ignore[arg-type]
        if products:
            found[key] = products
    return found


def link(before: dict, now: dict) -> float | None:
    both = sorted(before.keys() & now.keys())
    if not both:
        return None
    weights = [1 / len(both)] * len(both)
    if all(side[p][1] is not None for side in (before, now) for p in both):
        values = [[side[p][0] * side[p][1] for p in both] for side in (before, now)]
        weights = [(u / sum(values[0]) + v / sum(values[1])) / 2 for u, v in zip(*values, strict=True)]
    return 100 * exp(sum(w * log(now[p][0] / before[p][0]) for w, p in zip(weights, both, strict=True)))


def difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def reference(rows: list[Row]) -> dict[tuple[str, int], dict[str, object]]:
    usable = [row for row in rows if row["in_scope"] and not row["outlier"]]
    prices, with_outliers = prices_of(usable), prices_of(row for row in rows if row["in_scope"])
    keep: Callable[[dict], dict] = lambda side: {p: each for p, each in side.items() if not each[2]}  # noqa: E731
    found = {}
    for (item, month), now in prices.items():
        before = prices.get((item, month - 1))
        row: dict[str, object] = {
            "products": len(now),
            "share_imputed": sum(each[2] for each in now.values()) / len(now),
            "observed_quotes": sum(
                r["item_id"] == item and r["collected_on"].month == month and not r["imputed"]  # type: ignore[attr-defined]
                for r in usable
            ),
        }
        if before is not None:
            both = before.keys() & now.keys()
            relatives = [now[p][0] / before[p][0] for p in both]
            union = before.keys() | now.keys()
            row |= {
                "matched": len(both),
                "matched_share": len(both) / len(now),
                "entries": len(now.keys() - before.keys()),
                "exits": len(before.keys() - now.keys()),
                "churn": (len(union) - len(both)) / len(union),
                "relative_p25": float(np.quantile(relatives, 0.25)) if relatives else None,
                "relative_maximum": max(relatives, default=None),
                "link": link(before, now),
                "imputation_effect": difference(link(before, now), link(keep(before), keep(now))),
                "outlier_effect": difference(
                    link(before, now), link(with_outliers[item, month - 1], with_outliers[item, month])
                ),
            }
        found[item, month] = row
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), counted=st.sampled_from(["never", "always", "later"]))
def test_they_are_those_of_the_plain_computation(seed: int, counted: str) -> None:
    rows = quotes(seed, counted=counted)
    table = CATALOGUE["prices/elementary_diagnostics"].conform(elementary_diagnostics(frame(rows), ALWAYS))
    expected = reference(rows)
    assert len(table) == len(expected)
    for row in table.iter_rows(named=True):
        for name, value in expected[row["item_id"], int(row["period"][5:])].items():
            if value is None:
                assert row[name] is None, (row, name)
            else:
                assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-9), (row, name)


def test_a_carried_price_holds_the_index_back_and_an_outlier_would_have_moved_it() -> None:
    day = {1: date(2016, 1, 5), 2: date(2016, 2, 5)}
    base: Row = {"item_id": "bread", "quantity": None, "outlier": False, "imputed": False, "in_scope": True}
    rows = [{**base, "collected_on": day[1], "product": p, "price": 1.0} for p in "abc"]
    rows += [
        {**base, "collected_on": day[2], "product": "a", "price": 1.21},
        {**base, "collected_on": day[2], "product": "b", "price": 1.0, "imputed": True},
        {**base, "collected_on": day[2], "product": "c", "price": 8.0, "outlier": True},
    ]
    row = elementary_diagnostics(frame(rows), ALWAYS).filter(period="2016-02").to_dicts()[0]
    assert row["link"] == pytest.approx(110)
    assert row["imputation_effect"] == pytest.approx(110 - 121)
    assert row["outlier_effect"] == pytest.approx(110 - 100 * (1.21 * 8) ** (1 / 3))
    assert (row["outliers"], row["matched"], row["exits"], row["observed_quotes"]) == (1, 2, 1, 1)


def test_the_first_month_is_compared_with_nothing() -> None:
    table = elementary_diagnostics(frame(quotes(1, counted="never")), ALWAYS)
    first = table.filter(period="2016-01").select("link", "matched", "entries", "churn", "relative_median")
    assert all(value is None for row in first.rows() for value in row)
