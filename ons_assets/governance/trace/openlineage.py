"""Publications as events of OpenLineage, for catalogues that gather lineage.

Each is a run of its own, with the event of its start and that of its end, as the specification asks; the lake keeps
when a version was published and not when it was begun, so that both say the time of publication. An event names the
very versions of its inputs. Files of suppliers are datasets by their hash: of files about persons
there is no other name. What a column comes from is told where the declarations say so, and of no other.

References
----------
OpenLineage, object model and facets, https://openlineage.io/docs/spec/object-model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from openlineage.client import event_v2 as events
from openlineage.client import facet_v2 as facets
from openlineage.client.serde import Serde

from ons_assets.governance.trace.drops import LAYOUTS
from ons_assets.governance.trace.history import History
from ons_assets.lakehouse.column_lineage import passed_through
from ons_assets.lakehouse.commits import WHOLE, Commit, Forgotten
from ons_assets.lakehouse.tables import Table

JOBS, TABLES, FILES = "ons-assets", "ons-assets://lake", "ons-assets://archive"
PRODUCER = "urn:ons-assets"
ENGINE = "ONS_ASSETS"


def lines(history: History, commits: Iterable[Commit], sources: Mapping[str, str]) -> str:
    """Return events as lines of JSON, in the order in which the publications were made.

    Parameters
    ----------
    history
        Of the home.
    commits
        Publications.
    sources
        The source that fills a raw table, by the name of the table.
    """
    ordered = sorted(commits, key=lambda each: (each.published_utc, each.table, each.number))
    written = [event for each in ordered if each.provenance for event in events_of(history, each, sources)]
    return "\n".join(json.dumps(each, sort_keys=True) for each in written)


def events_of(history: History, commit: Commit, sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the events of one publication: of its start, which names nothing that it made, and of its end.

    Parameters
    ----------
    history, sources
        As for `lines`.
    commit
        The publication, with its provenance.
    """
    made, table = commit.provenance, history.tables[commit.table]
    assert made is not None
    inputs = [*_tables_read(history, commit), *_files_read(history, commit, sources)]
    when = commit.published_utc.isoformat()
    run = events.Run(runId=str(_run(commit)), facets=_run_facets(commit))
    job = events.Job(
        namespace=JOBS,
        name=commit.table,
        facets={
            "jobType": facets.job_type_job.JobTypeJobFacet("BATCH", ENGINE, "ASSET", producer=PRODUCER),
            "ownership": facets.ownership_job.OwnershipJobFacet(
                [facets.ownership_job.Owner(table.owner)], producer=PRODUCER
            ),
        },
    )
    both: dict[str, Any] = {"eventTime": when, "run": run, "job": job, "inputs": inputs, "producer": PRODUCER}
    start = events.RunEvent(eventType=events.RunState.START, **both)
    end = events.RunEvent(eventType=events.RunState.COMPLETE, outputs=[_output(history, commit, table)], **both)
    return [Serde.to_dict(start), Serde.to_dict(end)]


def _run(commit: Commit) -> UUID:
    """A run of OpenLineage makes one job: of a run that published several versions, each is one."""
    made = commit.provenance
    assert made is not None
    return uuid5(NAMESPACE_URL, f"{PRODUCER}:{made.run_id}:{commit.table}:{commit.number}")


def _run_facets(commit: Commit) -> dict[str, Any]:
    made = commit.provenance
    assert made is not None
    release, _, _ = made.code_version.partition("+")
    parameters = [
        facets.execution_parameters_run.ExecutionParameter(f"{group}.{name}", value=json.dumps(value, default=str))
        for group, values in sorted(made.settings.items())
        if group != LAYOUTS and isinstance(values, dict)
        for name, value in values.items()
    ]
    return {
        "parent": facets.parent_run.ParentRunFacet(
            facets.parent_run.Run(str(_as_uuid(made.run_id))), facets.parent_run.Job(JOBS, "run"), producer=PRODUCER
        ),
        "processing_engine": facets.processing_engine_run.ProcessingEngineRunFacet(
            made.code_version, f"ons-assets {release}", producer=PRODUCER
        ),
        "executionParameters": facets.execution_parameters_run.ExecutionParametersRunFacet(
            parameters, producer=PRODUCER
        ),
    }


def _as_uuid(run_id: str) -> UUID:
    try:
        return UUID(run_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{PRODUCER}:{run_id}")


def _tables_read(history: History, commit: Commit) -> Iterator[events.InputDataset]:
    for name, version in history.inputs(commit).items():
        table = history.tables[name]
        facets_of_input: dict[str, Any] = {}
        by = [each for each in history.commits(name) if each.number == version]
        if by and by[0].provenance is not None and "evaluated" in by[0].provenance.suite:
            facets_of_input["dataQualityAssertions"] = _assertions(by[0].provenance.suite)
        yield events.InputDataset(
            namespace=TABLES, name=name, facets=_facets(table, version), inputFacets=facets_of_input
        )


def _assertions(suite: Mapping[str, Any]) -> facets.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet:
    """Say of a suite what it found: what was not met by name, and that all the rest was."""
    of = facets.data_quality_assertions_dataset
    failures = suite.get("failures", [])
    found = [
        of.Assertion(
            assertion=each["expectation"],
            success=False,
            column=each["column"],
            severity="error" if each["severity"] == "critical" else "warn",
            description=each["detail"],
        )
        for each in failures
    ]
    met = of.Assertion(
        assertion="suite",
        success=not failures,
        name=str(suite["sha256"]),
        description=f"{suite['evaluated'] - len(failures)} of {suite['evaluated']} expectations are met",
    )
    return of.DataQualityAssertionsDatasetFacet([*found, met], producer=PRODUCER)


def _files_read(history: History, commit: Commit, sources: Mapping[str, str]) -> Iterator[events.InputDataset]:
    made = commit.provenance
    assert made is not None
    source = sources.get(commit.table, commit.table)
    for sha256 in history.named_drops(commit):
        yield events.InputDataset(
            namespace=FILES,
            name=f"{source}/{sha256}",
            facets={"version": facets.dataset_version_dataset.DatasetVersionDatasetFacet(sha256, producer=PRODUCER)},
        )


def _output(history: History, commit: Commit, table: Table) -> events.OutputDataset:
    overwrites = commit.predicate is None
    of = facets.lifecycle_state_change_dataset
    change = of.LifecycleStateChange.OVERWRITE if overwrites else of.LifecycleStateChange.ALTER
    facets_of_output: dict[str, Any] = {}
    if commit.rows is not None:
        facets_of_output["outputStatistics"] = (
            facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=commit.rows, producer=PRODUCER
            )
        )
    if (written := _written(history, commit)) and table.partition_by:
        subset = facets.base_subset_dataset
        facets_of_output["subset"] = subset.OutputSubsetOutputDatasetFacet(
            subset.PartitionSubsetCondition([subset.Partition({table.partition_by[0]: each}) for each in written]),
            producer=PRODUCER,
        )
    return events.OutputDataset(
        namespace=TABLES,
        name=commit.table,
        facets={
            **_facets(table, commit.number),
            **_column_lineage(history, commit, table),
            "documentation": facets.documentation_dataset.DocumentationDatasetFacet(
                table.description, producer=PRODUCER
            ),
            "ownership": facets.ownership_dataset.OwnershipDatasetFacet(
                [facets.ownership_dataset.Owner(table.owner)], producer=PRODUCER
            ),
            "lifecycleStateChange": of.LifecycleStateChangeDatasetFacet(change, producer=PRODUCER),
        },
        outputFacets=facets_of_output,
    )


def _written(history: History, commit: Commit) -> list[str]:
    try:
        view = history.view(commit.table, commit.number)
    except Forgotten:
        return []
    return [each for each, number in view.commit_of.items() if number == commit.number and each != WHOLE]


def _facets(table: Table, version: int) -> dict[str, Any]:
    of = facets.schema_dataset
    return {
        "schema": of.SchemaDatasetFacet(
            [
                of.SchemaDatasetFacetFields(name=each.name, type=str(each.dtype), description=each.description)
                for each in table.columns
            ],
            producer=PRODUCER,
        ),
        "version": facets.dataset_version_dataset.DatasetVersionDatasetFacet(str(version), producer=PRODUCER),
    }


def _column_lineage(history: History, commit: Commit, table: Table) -> dict[str, Any]:
    of = facets.column_lineage_dataset
    declared = passed_through(table, [history.tables[name] for name in history.inputs(commit) if name != table.name])
    if not declared:
        return {}
    same = [of.Transformation(type="DIRECT", subtype="IDENTITY")]
    fields = {
        column: of.Fields([of.InputField(TABLES, name, source, same) for name, source in origins])
        for column, origins in declared.items()
    }
    return {"columnLineage": of.ColumnLineageDatasetFacet(fields, producer=PRODUCER)}
