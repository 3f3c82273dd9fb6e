"""Traces: from a figure to its files, and from a file to its figures."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ons_assets.cli.terminal import HomeOption, fail_unless, progress_of, settings_of

if TYPE_CHECKING:
    from ons_assets.governance.trace.history import History
    from ons_assets.governance.trace.tracing import Trace
    from ons_assets.settings import Settings


class Form(StrEnum):
    """How a trace is written."""

    TEXT = "text"
    JSON = "json"
    OPENLINEAGE = "openlineage"
    PROV = "prov"
    PROV_N = "prov-n"


def trace(
    table: Annotated[str | None, typer.Argument(help="Table of the lake, such as prices/item_indices.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Which figure: a condition over the columns, such as \"period = '2014-06'\".")
    ] = None,
    version: Annotated[int | None, typer.Option(help="Version of the table; else the latest.", min=0)] = None,
    drop: Annotated[
        str | None, typer.Option(help="Hash of a file, or its first digits: everything that is made of it.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make it again of the archived files, and compare bit for bit.")
    ] = False,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="All tables: what can be made again, and what can no longer; or with --format all publications.",
        ),
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    page: Annotated[Path | None, typer.Option("--html", help="Write the trace as a page, too.")] = None,
    home: HomeOption = None,
) -> None:
    """Say where a figure comes from: tables, parameters, program, suites, and files; or what is made of a file."""
    from ons_assets import operations

    form = Form.JSON if as_json else form
    meant = [table is not None, drop is not None, every]
    fail_unless(sum(meant) == 1, "say one of a table, --drop and --all")
    fail_unless(table is not None or (where is None and version is None and not verify and page is None), OF_A_TABLE)
    settings = settings_of(home)
    operations.open_made_home(settings)
    if drop is not None:
        _print_impact(settings, drop, form)
    elif every:
        _print_all(settings, form)
    else:
        _print_trace(settings, str(table), where, version, form, page, verify=verify)


OF_A_TABLE = "--where, --version, --verify and --html go with a table"


def _print_impact(settings: "Settings", drop: str, form: Form) -> None:
    from ons_assets.governance.trace import tracing, words
    from ons_assets.operations import tracing as work

    fail_unless(form in (Form.TEXT, Form.JSON), "what is made of a file is written as text or json")
    with progress_of("following the file"):
        found = work.impact(settings, drop)
    typer.echo(_dumped(tracing.impact_as_json(found)) if form is Form.JSON else _safe(words.impact_text(found)))


def _print_all(settings: "Settings", form: Form) -> None:
    from ons_assets.governance.trace import openlineage, prov, words
    from ons_assets.operations import tracing as work

    if form is Form.TEXT:
        with progress_of("looking at what can be made again") as progress:
            found = work.standing(settings, progress)
        typer.echo(_safe(words.standing_text(found)))
        return
    fail_unless(form is not Form.JSON, "--all is written as text, openlineage, prov or prov-n")
    with progress_of("reading the history"):
        history = work.history(settings)
        commits = [commit for name in history.tables for commit in history.commits(name)]
        sources = work.sources_by_table(settings)
        if form is Form.OPENLINEAGE:
            written = openlineage.lines(history, commits, sources)
        else:
            written = prov.written(history, commits, sources, notation=form is Form.PROV_N)
    typer.echo(written)


def _print_trace(
    settings: "Settings",
    table: str,
    where: str | None,
    version: int | None,
    form: Form,
    page: Path | None,
    *,
    verify: bool,
) -> None:
    from ons_assets.governance.trace import words
    from ons_assets.governance.trace.verification import CannotVerify
    from ons_assets.operations import tracing as work

    with progress_of("following the figure"):
        history = work.history(settings)
        found = work.trace(settings, history, table, where, version)
    typer.echo(_written(settings, history, found, form))
    if page is not None:
        work.write_page(settings, found, page)
        typer.echo(f"written to {page}", err=True)
    if not verify:
        return
    with progress_of("making it again") as progress:
        try:
            verdict = work.verify(settings, history, found, progress)
        except CannotVerify as error:
            fail_unless(False, f"it can no longer be verified: {error}")
    typer.echo(f"\n{_safe(words.verdict_text(verdict))}", err=form is not Form.TEXT)
    fail_unless(verdict.is_verified, "it did not come out again as it is published; see above")


def _written(settings: "Settings", history: "History", found: "Trace", form: Form) -> str:
    from ons_assets.governance.trace import openlineage, prov, tracing, words
    from ons_assets.operations import tracing as work

    commits = [made.commit for made in found.origin.made.values()]
    sources = work.sources_by_table(settings)
    match form:
        case Form.TEXT:
            return _safe(words.text(found))
        case Form.JSON:
            return _dumped(tracing.as_json(found))
        case Form.OPENLINEAGE:
            return openlineage.lines(history, commits, sources)
        case _:
            return prov.written(history, commits, sources, notation=form is Form.PROV_N)


def _dumped(found: object) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)


def _safe(text: str) -> str:
    """Text of suppliers may hold what a terminal obeys."""
    from ons_assets.wording import OBEYED

    return text.translate(OBEYED)
