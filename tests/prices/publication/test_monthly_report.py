"""The page of a month: what it says, that it fetches nothing, and that everybody can read it."""

import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import MonthlyReportParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.publication.diagnostics import elementary_diagnostics
from ons_assets.prices.publication.monthly_report import MonthlyReport, as_html, monthly_report, reported_months
from ons_assets.prices.publication.release import COLUMNS

EVIL = "<script>alert('x')</script> & \"co\""
Quote = tuple[date, str, str, float]


def quotes(*rows: Quote, **values: object) -> pl.LazyFrame:
    frame = pl.DataFrame(rows, schema=["collected_on", "item_id", "product", "price"], orient="row")
    flags = {**dict.fromkeys(FLAGS, False), "in_scope": True, "needs_review": False, **values}
    return frame.lazy().with_columns(
        retailer=pl.lit("shop"),
        item=pl.col("item_id"),
        product_id="product",
        lineage_id="product",
        price_per_unit="price",
        **{name: each if isinstance(each, pl.Expr) else pl.lit(each) for name, each in flags.items()},
    )


def release(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "period": "2016-08",
        "reference_period": "2015",
        "figure_status": "final",
        "observed_quotes": 10,
        "products": 5,
        "share_imputed": 0.1,
        "index": 101.0,
    }
    frame = pl.DataFrame(
        [{**dict.fromkeys(COLUMNS), "title": row["heading"], **usual, **row} for row in rows], infer_schema_length=None
    )
    floats = ["rate_1_month_percent", "rate_12_months_percent", "expenditure_share", "contribution_1_month_points"]
    return frame.with_columns(pl.col(*floats).cast(pl.Float64), pl.col("notes", "share_of").cast(pl.String))


JULY, AUGUST = date(2016, 7, 10), date(2016, 8, 10)
QUOTES = quotes(
    (JULY, EVIL, "a", 1.0),
    (JULY, EVIL, f"b {EVIL}", 2.0),
    (AUGUST, EVIL, "a", 1.1),
    (AUGUST, EVIL, f"b {EVIL}", 2.0),
    (AUGUST, EVIL, "new", 5.0),
    (AUGUST, "milk", "m", 1.0),
    reentered=pl.col("product") == "new",
    needs_review=pl.col("product") == "m",
)
RELEASE = release(
    {"heading_type": "group", "heading": "Food", "expenditure_share": 0.7, "rate_1_month_percent": 0.4},
    {"heading_type": "all", "heading": "all", "rate_1_month_percent": 1.2, "rate_12_months_percent": -0.5},
    {"heading_type": "item", "heading": EVIL, "expenditure_share": 0.5, "rate_1_month_percent": 12.0},
    {"heading_type": "item", "heading": "milk", "index": None, "figure_status": "missing", "notes": "no price"},
    {"heading_type": "item", "heading": "tea", "expenditure_share": 0.2, "rate_1_month_percent": -1.0,
     "notes": "the published figure stands; computed now it would differ by 0.5 %"},
)  # fmt: skip


def report(of: pl.DataFrame = RELEASE, **values: int) -> MonthlyReport:
    return monthly_report(
        "2016-08",
        of,
        elementary_diagnostics(QUOTES, IndexParameters()),
        QUOTES,
        FINDINGS,
        IndexParameters(),
        MonthlyReportParameters(**values),  # type: ignore[arg-type]
    )


FINDINGS = pl.LazyFrame(
    [(day, "shop", "all", "truncated", f"day {day}, {EVIL}") for day in (date(2016, 8, 2), date(2016, 8, 9))]
    + [(date(2016, 8, 3), "shop", "all", "none", None), (date(2016, 7, 3), "shop", "all", "stuck", "July")],
    schema=["day", "retailer", "item_id", "finding", "evidence"],
    orient="row",
)


class Outline(HTMLParser):
    """What a browser, and a reader who does not see, find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_what_comes_from_files_is_text_and_nothing_is_fetched() -> None:
    page = as_html(report(), 1)
    outline = Outline(page)
    assert outline.open == []
    assert not outline.all("script")
    assert "&lt;script&gt;" in page
    assert "<script" not in page.replace("&lt;script", "")
    links = [each.get("src") or each.get("href") or "" for tag in ("img", "a", "link") for each in outline.all(tag)]
    assert all(link.startswith(("data:image/svg+xml;base64,", "#")) for link in links)
    assert "http" not in re.sub(r"http-equiv|base64,[^\"]*", "", page)
    assert any((each.get("content") or "").startswith("default-src 'none'") for each in outline.all("meta"))


def test_it_can_be_read_without_seeing_it() -> None:
    outline = Outline(as_html(report(), 1))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("caption")) == len(outline.all("table")) >= 5
    assert all(len(each["alt"] or "") > 40 for each in outline.all("img"))
    assert {each["scope"] for each in outline.all("th")} == {"row", "col"}
    names = {each["id"] for tag, each in outline.tags if "id" in each}
    assert all((each["href"] or "")[1:] in names for each in outline.all("a"))


def test_the_first_sentences_say_what_the_widest_heading_did() -> None:
    page = as_html(report(), 1)
    assert "all stands at 101.0 (2015 = 100). It moved by +1.2 % against the month before." in page
    assert (
        "It moved by -0.5 % against a year ago. Every figure that the month has is final. 3 headings need a person."
        in page
    )


def test_items_come_by_what_they_add_and_products_add_up_to_the_link() -> None:
    made = report()
    assert made.items["heading"].to_list() == [EVIL, "tea"]
    assert made.items["points"].to_list() == pytest.approx([6.0, -0.2])
    assert "share of expenditure times" in made.points_are
    link = elementary_diagnostics(QUOTES, IndexParameters()).filter(item_id=EVIL, period="2016-08")["link"].item()
    assert made.products["points"].sum() == pytest.approx(link - 100)
    first = made.products.row(0, named=True)
    assert (first["product"], first["price_before"], first["price_now"]) == ("shop · a", 1.0, 1.1)


def test_contributions_are_taken_where_there_are_some_and_rates_where_nothing_else_is() -> None:
    given = RELEASE.with_columns(
        contribution_1_month_points=pl.when(pl.col("heading") == "tea").then(-7.0).otherwise(0.5)
    )
    assert report(given).items["heading"].to_list()[0] == "tea"
    assert report(given).points_are.startswith("contribution")
    bare = RELEASE.with_columns(expenditure_share=pl.lit(None, dtype=pl.Float64))
    assert report(bare).items["points"].to_list() == [12.0, -1.0]


def test_flags_are_counted_and_findings_of_the_month_shown_once() -> None:
    made = report()
    flags = {row["flag"]: row for row in made.flags.to_dicts()}
    assert (flags["reentered"]["quotes"], flags["reentered"]["share"]) == (1, 0.25)
    assert flags["outlier"]["quotes"] == 0
    [finding] = made.findings.to_dicts()
    assert (finding["finding"], finding["days"]) == ("truncated", 2)
    assert finding["evidence"].startswith("day 2016-08-09")


def test_what_needs_a_person_is_named_with_its_evidence() -> None:
    found = {(row["heading"], row["what"]): row["evidence"] for row in report().tasks.to_dicts()}
    assert found["milk", "has no figure"] == "no price"
    assert found[EVIL, "moved by more than usual"] == "12.0 % in the month"
    assert "tea" in {heading for heading, what in found if what.startswith("stands as published")}
    assert found["milk", "has products that a person should decide on"] == "1 product"
    calm = release({"heading_type": "item", "heading": EVIL, "rate_1_month_percent": 0.0})
    diagnostics = elementary_diagnostics(QUOTES, IndexParameters()).filter(item_id=EVIL)
    decided = QUOTES.with_columns(needs_review=pl.lit(False))
    parameters, indices = MonthlyReportParameters(least_matched_share=0), IndexParameters()
    page = as_html(monthly_report("2016-08", calm, diagnostics, decided, None, indices, parameters), 1)
    assert "Nothing does." in page
    assert "There are no weights" in page


def test_pages_are_of_the_last_published_month_and_of_the_one_that_has_begun() -> None:
    def of(**statuses: str) -> list[str]:
        rows = [{"heading_type": "item", "heading": "a", "period": f"2016-{month[1:]}", "figure_status": status}
                for month, status in statuses.items()]  # fmt: skip
        return reported_months(release(*rows))

    assert of(m07="final", m08="final", m09="provisional") == ["2016-08", "2016-09"]
    assert of(m07="final", m08="missing") == ["2016-07"]
    assert of(m07="provisional") == ["2016-07"]
    assert of(m07="missing") == []


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("final", "missing"), "final"),
        (("final", "provisional"), "provisional"),
        (("provisional", "missing"), "provisional"),
        (("missing",), "provisional"),
    ],
)
def test_an_item_out_of_season_leaves_a_month_final(statuses: tuple[str, ...], status: str) -> None:
    of_month = release(*({"heading_type": "item", "heading": f"i{n}", "figure_status": each}
                         for n, each in enumerate(statuses)))  # fmt: skip
    diagnostics = elementary_diagnostics(QUOTES, IndexParameters())
    report = monthly_report(
        "2016-08", of_month, diagnostics, QUOTES, None, IndexParameters(), MonthlyReportParameters()
    )
    assert report.status == status
    assert ("Every figure that the month has is final." in as_html(report, 1)) == (status == "final")
