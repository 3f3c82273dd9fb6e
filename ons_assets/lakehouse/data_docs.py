"""Great Expectations' Data Docs: pages on the last audits of every table, made from the kept results."""

import json
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from ons_assets.lakehouse.home import Home, unfinished, write_atomically

# Older results stay on disk; pages of all of them would take minutes to render.
RESULTS_PER_TABLE = 20
SITE = "lakehouse"
START_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>What the gate found</title>
<style>
body { font-family: sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #ccc; padding: 0.3rem 1rem 0.3rem 0; text-align: left; }
</style>
</head>
<body>
<h1>What the gate found</h1>
<p>The last audits of every table, the newest first.</p>
<table>
<tr><th>Table</th><th>Batch</th><th>Audited (UTC)</th><th>Expectations met</th><th>Page</th></tr>
ROWS
</table>
</body>
</html>
"""


def keep(home: Home, table: str, run_id: str, batch: str, result: dict[str, Any]) -> None:
    """Keep the result of one audit until pages are made of it.

    Parameters
    ----------
    result
        Great Expectations' result as JSON; of individual tables it holds no value of a row.
    """
    name = f"{run_id}.{batch}.json" if batch else f"{run_id}.json"
    content = {
        "run_id": run_id,
        "batch": batch or "table",
        "audited_utc": datetime.now(UTC).isoformat(),
        "result": result,
    }
    write_atomically(_results(home) / table / name, json.dumps(content, default=str).encode())


def build(home: Home) -> Path:
    """Render the newest results of each table in place of the old pages, and return the start page."""
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    target = home.reports / "data_docs"
    partial = unfinished(target)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    context.add_data_docs_site(
        site_name=SITE,
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,  # type: ignore[typeddict-unknown-key]
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(partial)},
        },
    )
    entries = []
    for folder in sorted({path.parent for path in _results(home).rglob("*.json")}):
        newest = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[-RESULTS_PER_TABLE:]
        table = folder.relative_to(_results(home)).as_posix()
        entries += [_add(context, table, json.loads(path.read_bytes())) for path in reversed(newest)]
    context.build_data_docs(site_names=[SITE])
    pages = [(entry, _page(context, entry.key, partial)) for entry in entries]
    (partial / "index.html").write_text(_start_page(pages))
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return target / "index.html"


@dataclass(frozen=True)
class _Entry:
    """A line of the start page."""

    key: Any
    table: str
    batch: str
    audited_utc: str
    failed: int
    evaluated: int


def _page(context: Any, key: Any, site: Path) -> str:
    """Address of the page of a result, seen from the start page."""
    [url] = context.get_docs_sites_urls(resource_identifier=key, site_names=[SITE])
    return Path(url["site_url"].removeprefix("file://")).relative_to(site).as_posix()


def _start_page(pages: list[tuple[_Entry, str]]) -> str:
    """List the results in plain HTML: the start page of Great Expectations stays empty without a network."""
    rows = "\n".join(
        f"<tr><td>{escape(entry.table)}</td><td>{escape(entry.batch)}</td><td>{entry.audited_utc[:19]}</td>"
        f"<td>{entry.evaluated - entry.failed} of {entry.evaluated}</td>"
        f'<td><a href="{escape(page)}">{"not met" if entry.failed else "met"}</a></td></tr>'
        for entry, page in pages
    )
    return START_PAGE.replace("ROWS", rows)


def _results(home: Home) -> Path:
    return home.reports / "validations"


def _as_text(value: Any) -> Any:
    """Return a result in which no text is markup: pages of Great Expectations take values as they are."""
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return escape(value) if isinstance(value, str) else value


def _add(context: Any, table: str, kept: dict[str, Any]) -> _Entry:
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    # The store makes file names of these, and refuses a slash.
    suite_name = table.replace("/", ".")
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite_name),
        run_id=RunIdentifier(run_name=kept["run_id"], run_time=datetime.fromisoformat(kept["audited_utc"])),
        batch_identifier=kept["batch"],
    )
    run = {"run_name": kept["run_id"], "run_time": kept["audited_utc"]}
    meta = {**kept["result"]["meta"], "run_id": run}
    shown = {**_as_text(kept["result"]), "suite_name": suite_name, "meta": meta}
    result = expectationSuiteValidationResultSchema.load(shown)
    context.validation_results_store.set(key, result)
    statistics = kept["result"]["statistics"]
    return _Entry(
        key=key,
        table=table,
        batch=kept["batch"],
        audited_utc=kept["audited_utc"],
        failed=statistics["unsuccessful_expectations"],
        evaluated=statistics["evaluated_expectations"],
    )
