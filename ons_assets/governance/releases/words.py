"""A release for who opens its folder: what lies there, what a column means, and how the figures were made."""

from pathlib import Path
from textwrap import fill, indent

from ons_assets.governance.releases.content import Release
from ons_assets.shipped import shipped

# Folder of the pages on the methods; a page is called after its table, or serves several.
PAGES = shipped("docs/methods")
PAGE_OF = {
    "mobile/combined_flows": "combined_operators",
    "mobile/combined_population": "combined_operators",
    "prices/item_indices": "price_indices",
    "prices/aggregate_indices": "price_indices",
    "prices/index_vintages": "cpi_release",
    "prices/revision_triangle": "cpi_release",
    "prices/elementary_diagnostics": "cpi_release",
    "tweets/migration_comparison": "migration_flows",
    "tweets/student_flows": "migration_flows",
    "tweets/raked_flows": "migration_flows",
    "meters/household_size_accuracy": "household_size",
    "meters/area_household_size": "area_households",
    "meters/profile_cluster_choice": "profiles",
    "meters/cluster_profiles": "profiles",
    "meters/fieldwork": "area_occupancy",
    "mobile/operator_flows": "worker_flows",
    "mobile/event_quality": "worker_flows",
    "mobile/weighted_flows": "flow_weighting",
    "governance/combined_estimates": "area_profile",
    "governance/disclosure_audit": "disclosure",
}
WIDTH = 100
# What a file is, by the end of its name.
FILES = {
    ".csv": "the figures, one row each; UTF-8, separated by commas",
    ".csv-metadata.json": "what the columns of the CSV mean (CSV on the Web)",
    ".parquet": "the figures, with their types",
    "datapackage.json": "what the columns of the CSV mean (Frictionless data package)",
    "provenance.json": "what the figures were made of, by which program (PROV)",
    "method.md": "how the figures are made",
    "quality.md": "how good the figures are",
    ".xlsx": "the figures as an accessible workbook",
    "sdmx_structure.xml": "the structure of the figures (SDMX-ML 2.1)",
    "sdmx_data.xml": "the figures (SDMX-ML 2.1)",
    "sdmx_data.csv": "the figures (SDMX-CSV)",
    "README.txt": "which files there are, and what each column means",
}


def method_page(table: str) -> str | None:
    """Return the text of the page on the method of a table; None if there is none."""
    path = PAGES / f"{PAGE_OF.get(table, table.split('/')[1])}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def trace_page(table: str, release_version: str) -> str:
    """Return the name of the page that says where the figures of a release come from.

    >>> trace_page("prices/item_indices", "2")
    'prices-item_indices-v2.html'
    """
    return f"{table.replace('/', '-')}-v{release_version}.html"


def write_method(release: Release, folder: Path) -> list[Path]:
    """Write the page on the method, if there is one."""
    if release.method_page is None:
        return []
    path = folder / "method.md"
    path.write_text(release.method_page, encoding="utf-8")
    return [path]


def write_readme(release: Release, folder: Path) -> list[Path]:
    """Write what somebody reads first; the other files lie in the folder already."""
    table = release.table
    path = folder / "README.txt"
    listed = [(each.name, file_said(each.name)) for each in sorted(folder.iterdir())]
    names = [f"  {name:<36}{said}".rstrip() for name, said in [*listed, ("manifest.json", "hashes of these files")]]
    columns = [
        indent(fill(f"{each.name}: {each.description}{'; may be empty' if each.nullable else ''}", WIDTH), "  ")
        for each in table.columns
    ]
    title = f"{table.name}, release {release.version}"
    paragraphs = [
        f"{title}\n{'=' * len(title)}",
        fill(table.description, WIDTH),
        fill(
            f"Released on {release.released_utc:%d %B %Y} as {release.identifier}, approved by {release.approved_by}. "
            f"{len(release.rows):,} rows, told apart by {', '.join(table.key)}. Source: {table.source}. This release "
            "does not change: what is corrected later comes as another release.",
            WIDTH,
        ),
        *(fill(each, WIDTH) for each in release.quality),
        "Files\n-----\n" + "\n".join(names),
        "Columns\n-------\n" + "\n".join(columns),
        fill(
            "In the CSV file an empty cell says nothing, and an apostrophe stands before text that a spreadsheet would "
            "take for a formula.",
            WIDTH,
        ),
    ]
    path.write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    return [path]


def file_said(name: str) -> str:
    """Return in words what a file of a release is; nothing if it is none of those that are written.

    >>> file_said("migration_flows.parquet")
    'the figures, with their types'
    """
    return next((said for end, said in sorted(FILES.items(), key=lambda item: -len(item[0])) if name.endswith(end)), "")
