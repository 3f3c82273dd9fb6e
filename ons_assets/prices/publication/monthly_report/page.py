"""The page of a month as one HTML file that fetches nothing: everything that it shows is in it."""

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import polars as pl

from ons_assets.prices.publication.monthly_report.content import MonthlyReport
from ons_assets.prices.publication.monthly_report.pictures import (
    bars_in_words,
    contribution_bars,
    index_lines,
    lines_in_words,
)

NOTHING = "none"
STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 64rem; margin: 0 auto;
  padding: 1rem; }
h1 { font-size: 1.8rem; } h2 { margin-top: 2.5rem; border-bottom: 2px solid #1a1a1a; } h3 { margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; font-weight: bold; padding: .4rem 0; }
th, td { border-bottom: 1px solid #767676; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; background: #fff; padding: .5rem; }
a { color: #0b4f8a; } a:focus, .wide:focus { outline: 3px solid #d55e00; }
"""
# What the file may load: nothing, but pictures that are in it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Cell = Callable[[Any], str]
# Heading of a column, its name in the frame, and how a value is written; numbers stand to the right.
Shown = tuple[str, str, Cell | None]


def as_html(report: MonthlyReport, decimals: int) -> str:
    """Write the page.

    Parameters
    ----------
    report
        What happened in the month.
    decimals
        Of indices and rates, as they are published.

    Returns
    -------
    str
        A document of HTML 5; all text of tables is escaped.
    """
    title = f"Prices, {report.period}"
    sections = [
        ("moved", "What moved", _moved(report, decimals)),
        ("why", "Why", _why(report, decimals)),
        ("flagged", "What was flagged", _flagged(report)),
        ("person", "What needs a person", _needs_person(report)),
    ]
    links = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in sections)
    bodies = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>{body}</section>'
        for name, heading, body in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        '<a class="skip" href="#content">To the content</a>'
        f"<header><h1>{escape(title)}</h1>{_paragraph(*_in_short(report, decimals))}</header>"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav><main id="content">{bodies}</main></body></html>\n'
    )


def _in_short(report: MonthlyReport, decimals: int) -> list[str]:
    """The first sentences: the widest heading, what is open, and what is to be done."""
    said = []
    if len(report.headings):
        first = report.headings.row(0, named=True)
        index = _number(decimals)(first["index"])
        said.append(f"{first['title']} stands at {index} ({first['reference_period']} = 100).")
        for months, rate in (("the month before", "rate_1_month_percent"), ("a year ago", "rate_12_months_percent")):
            if first[rate] is not None:
                said.append(f"It moved by {first[rate]:+.{decimals}f} % against {months}.")
    figures = "Every figure that the month has is final." if report.status == "final" else "The month is provisional."
    waiting = report.tasks["heading"].n_unique()
    said.append(f"{figures} {waiting or 'No'} {'heading needs' if waiting == 1 else 'headings need'} a person.")
    return said


def _moved(report: MonthlyReport, decimals: int) -> str:
    if report.headings.is_empty():
        return _paragraph("There are no weights, and so nothing above items.")
    number, points = _number(decimals), _number(2, signed=True)
    table = _table(
        f"Headings above items, {report.period}",
        report.headings,
        [
            ("Heading", "title", None),
            ("Index", "index", number),
            ("1 month, %", "rate_1_month_percent", _number(decimals, signed=True)),
            ("12 months, %", "rate_12_months_percent", _number(decimals, signed=True)),
            ("Contribution to 1 month, points", "contribution_1_month_points", points),
            ("Share of all items, %", "expenditure_share", lambda share: f"{100 * share:.1f}"),
            ("Quotes", "observed_quotes", _count),
            ("Status", "figure_status", None),
        ],
    )
    if report.history.is_empty():
        return table
    words = lines_in_words(report.history, decimals)
    return table + _picture(index_lines(report.history), words, "Index by month")


def _why(report: MonthlyReport, decimals: int) -> str:
    if report.items.is_empty():
        return _paragraph("No item has a figure of this month and of the month before.")
    bars = _picture(contribution_bars(report.items), bars_in_words(report.items), f"Items: {report.points_are}")
    rate = _number(decimals, signed=True)
    table = _table(
        f"Items that moved the most, by {report.points_are}",
        report.items,
        [
            ("Item", "title", None),
            ("Number", "heading", None),
            ("Points", "points", _number(2, signed=True)),
            ("1 month, %", "rate_1_month_percent", rate),
            ("12 months, %", "rate_12_months_percent", rate),
            ("Products", "products", _count),
            ("Imputed, %", "share_imputed", lambda share: f"{100 * share:.0f}"),
        ],
    )
    return bars + table + _products(report)


def _products(report: MonthlyReport) -> str:
    if report.products.is_empty():
        return ""
    said = _paragraph(
        "Points of a product are its part of the index from the month before to this one over the products of both. "
        "The published index looks at more months, and may move otherwise."
    )
    tables = [
        _table(
            f"{title} ({item_id}): products",
            rows,
            [
                ("Product", "product", None),
                ("Price before", "price_before", _number(2)),
                ("Price now", "price_now", _number(2)),
                ("Points", "points", _number(2, signed=True)),
            ],
        )
        for (item_id, title), rows in report.products.partition_by(
            "item_id", "title", as_dict=True, maintain_order=True
        ).items()
    ]
    return "<h3>Products behind the items</h3>" + said + "".join(tables)


def _flagged(report: MonthlyReport) -> str:
    flags = _table(
        "Quotes with a flag, of all quotes of the month",
        report.flags.filter(pl.col("quotes") > 0),
        [
            ("Flag", "flag", lambda flag: escape(str(flag).replace("_", " "))),
            ("Quotes", "quotes", _count),
            ("Share, %", "share", lambda share: f"{100 * share:.2f}"),
            ("Items with most", "items", None),
        ],
        text=("flag",),
    )
    findings = _table(
        "What was wrong with the collection",
        report.findings,
        [
            ("Finding", "finding", lambda finding: escape(str(finding).replace("_", " "))),
            ("Retailer", "retailer", None),
            ("Days", "days", _count),
            ("Latest evidence", "evidence", None),
        ],
        text=("finding",),
    )
    return flags + findings


def _needs_person(report: MonthlyReport) -> str:
    if report.tasks.is_empty():
        return _paragraph("Nothing does.")
    return _table(
        "Headings that a person should look at",
        report.tasks,
        [("Heading", "title", None), ("Code", "heading", None), ("It", "what", None), ("Evidence", "evidence", None)],
    )


def _table(caption: str, rows: pl.DataFrame, columns: Sequence[Shown], text: Sequence[str] = ()) -> str:
    """A table with a caption, whose first column names the row; without rows a sentence."""
    if rows.is_empty():
        return _paragraph(f"{caption}: {NOTHING}.")
    kinds = ['class="number"' if write is not None and name not in text else "" for _, name, write in columns]
    head = "".join(
        f'<th scope="col" {kind}>{escape(said)}</th>' for (said, _, _), kind in zip(columns, kinds, strict=True)
    )
    lines = []
    for row in rows.iter_rows(named=True):
        cells = [_cell(row[name], write) for _, name, write in columns]
        others = "".join(f"<td {kind}>{cell}</td>" for cell, kind in zip(cells[1:], kinds[1:], strict=True))
        lines.append(f'<tr><th scope="row">{cells[0]}</th>{others}</tr>')
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(value: Any, write: Cell | None) -> str:
    if value is None:
        return NOTHING
    return write(value) if write is not None else escape(str(value))


def _number(decimals: int, *, signed: bool = False) -> Cell:
    sign = "+" if signed else ""

    def write(value: Any) -> str:
        return NOTHING if value is None else f"{value:{sign}.{decimals}f}"

    return write


def _count(value: Any) -> str:
    return f"{value:,}"


def _paragraph(*sentences: str) -> str:
    return f"<p>{escape(' '.join(sentences))}</p>"


def _picture(svg: str, words: str, caption: str) -> str:
    """A picture that is in the page; as an image, nothing in it can be run."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(words)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
