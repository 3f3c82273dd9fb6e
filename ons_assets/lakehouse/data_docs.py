"""Great Expectations' Data Docs: pages on the last audits of every table, made from the kept results."""

import json
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ons_assets.lakehouse.home import Home, write_atomically

# Older results stay on disk; pages of all of them would take minutes to render.
RESULTS_PER_TABLE = 20
SITE = "lakehouse"


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
    partial = home.reports / f".data_docs.{os.getpid()}.part"
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
    for folder in sorted({path.parent for path in _results(home).rglob("*.json")}):
        newest = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[-RESULTS_PER_TABLE:]
        for path in newest:
            _add(context, folder.relative_to(_results(home)).as_posix(), json.loads(path.read_bytes()))
    context.build_data_docs(site_names=[SITE])
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return target / "index.html"


def _results(home: Home) -> Path:
    return home.reports / "validations"


def _add(context: Any, table: str, kept: dict[str, Any]) -> None:
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
    result = expectationSuiteValidationResultSchema.load({**kept["result"], "suite_name": suite_name})
    context.validation_results_store.set(key, result)
