"""A trace as one page of HTML that fetches nothing; all text of tables is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

import polars as pl

from ons_assets.governance.releases.release_ledger import Entry
from ons_assets.governance.trace import words
from ons_assets.governance.trace.tracing import Trace

SHOWN_ROWS, SHOWN_COLUMNS = 50, 12
STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 64rem; margin: 0 auto;
  padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 2px solid #1a1a1a; } h3 { margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; font-weight: bold; padding: .4rem 0; }
th, td { border-bottom: 1px solid #767676; padding: .3rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: break-word; }
.facts td, td.hash { overflow-wrap: anywhere; } td.hash { min-width: 12rem; }
.wide { overflow-x: auto; } code { font-size: .85rem; overflow-wrap: anywhere; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; background: #fff; padding: .5rem; }
a { color: #0b4f8a; } a:focus, .wide:focus { outline: 3px solid #d55e00; }
@media print { nav, .skip { display: none; } }
"""
FACTS = ("fact", "value")
HASHES = {"SHA-256", "drop_sha256", "layout"}
# What the file may load: nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(found: Trace, release: Entry | None = None) -> str:
    """Write the page.

    Parameters
    ----------
    found
        A figure, or all figures of a version.
    release
        Of which it is; None if it is of none.

    Returns
    -------
    str
        A document of HTML 5.
    """
    named = words.title(found)
    title = f"Where release {release.release_version} of {release.table_name} comes from" if release else named
    sections = [
        ("figure", "What is traced", _figure(found, release)),
        ("behind", "Rows behind it", _behind(found)),
        ("made", "How it was made", _made(found)),
        ("files", "Files", _files(found)),
        ("exact", "What is exact", _exact(found)),
    ]
    shown = [(name, heading, body) for name, heading, body in sections if body]
    links = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in shown)
    bodies = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>{body}</section>'
        for name, heading, body in shown
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        '<a class="skip" href="#content">To the content</a>'
        f"<header><h1>{escape(title)}</h1></header>"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav><main id="content">{bodies}</main></body></html>\n'
    )


def _figure(found: Trace, release: Entry | None) -> str:
    said = [words.title(found), found.table.description]
    said += [words.release_in_words(each) for each in ([release] if release else found.releases)]
    body = "".join(f"<p>{escape(each)}</p>" for each in said)
    if found.figure.row is not None:
        values = words.fields(found.figure.row, found.table.column_names)
        body += _table("The figure, column by column", ("column", "value"), values)
    elif not found.table.is_individual:
        first = found.table.key[0]
        command = f"ons-assets trace {found.table.name} --version {found.figure.version} --where \"{first} = '...'\""
        body += f"<p>One figure of it is traced, with the rows behind it, by <code>{escape(command)}</code>.</p>"
    return body


def _behind(found: Trace) -> str:
    body = ""
    for each in found.behind:
        body += f"<h3>{escape(words.behind_in_words(each))}</h3>"
        if each.rows is not None:
            body += _frame(each.rows, each.table, found.table.key)
    for part in found.contributions:
        body += f"<h3>What contributes to it: {escape(words.contributions_in_words(part))}</h3>"
        body += _frame(part.rows, part.table, found.table.key)
    return body


def _made(found: Trace) -> str:
    body = ""
    for made in words.in_order(found):
        commit = made.commit
        body += f"<h3>{escape(commit.table)}, version {commit.number}</h3>"
        facts = [
            ("published", f"{commit.published_utc:{words.TIME}}"),
            ("wrote", words.partitions(made.partitions)),
            *words.facts(found, made),
        ]
        body += _table(f"Version {commit.number} of {commit.table}", FACTS, facts)
    return body


def _files(found: Trace) -> str:
    rows = [
        (
            each.name or "unknown to the ledger",
            each.sha256,
            f"{each.received_utc:{words.TIME}}" if each.received_utc else "",
            each.supplier,
            each.layout or "",
            "" if each.rows is None else f"{each.rows:,}",
            each.said or "",
        )
        for each in found.files
    ]
    heading = ("file", "SHA-256", "received", "supplier", "layout", "rows", "since then")
    return _table(f"{len(rows):,} files", heading, rows) if rows else "<p>It is made of no file.</p>"


def _exact(found: Trace) -> str:
    if not found.origin.doubts:
        return "<p>Every partition and file above is exact: nothing on the way was forgotten.</p>"
    return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in found.origin.doubts) + "</ul>"


def _frame(rows: pl.DataFrame, name: str, known: Sequence[str]) -> str:
    shown = words.telling(rows, known, SHOWN_COLUMNS)
    texts = []
    for row in rows.head(SHOWN_ROWS).iter_rows(named=True):
        said = dict(words.fields(row, shown))
        texts.append([said.get(column, "") for column in shown])
    more = f", the first {SHOWN_ROWS} of {len(rows):,} rows" if len(rows) > SHOWN_ROWS else ""
    return _table(f"Rows of {name}{more}; what is the same in all of them is left out", shown, texts)


def _table(caption: str, heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heading)
    body = "".join(
        "<tr>" + "".join(_cell(each, name) for each, name in zip(row, heading, strict=True)) + "</tr>" for row in rows
    )
    label = escape(caption, quote=True)
    facts = ' class="facts"' if len(heading) == len(FACTS) else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table{facts}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(text: str, heading: str) -> str:
    return f'<td class="hash">{escape(text)}</td>' if heading in HASHES else f"<td>{escape(text)}</td>"
