"""What is to be known of the quality of a release, in sentences that a board understands.

All of it comes from the declaration of the table and the provenance of the version that was released; no figure is
quoted.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import provisional, span
from ons_assets.lakehouse.disclosure import Counts, Exempt, OfReleased
from ons_assets.lakehouse.gate import CRITICAL
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.wording import counted

QUALITY_FILE = "quality.md"
SHA256 = re.compile(r"[0-9a-f]{64}")


def statement(release: Release) -> tuple[str, ...]:
    """Return the statement on the quality of a release: what it says, of whom, how checked, and made of what.

    Parameters
    ----------
    release
        Its own `quality` is not looked at.
    """
    return (_content(release), _protection(release), _gate(release.provenance.suite), _making(release))


def write_quality(release: Release, folder: Path) -> list[Path]:
    """Write the statement of a release, or the one that is made of it where it has none, as Markdown."""
    path = folder / QUALITY_FILE
    title = f"# Quality of {release.table.name}, release {release.version}"
    path.write_text("\n\n".join((title, *(release.quality or statement(release)))) + "\n", encoding="utf-8")
    return [path]


def _content(release: Release) -> str:
    days = span(release.table, release.rows)
    covered = f" They cover {_day(days.first)} to {_day(days.last)}." if days else ""
    if days and days.first == days.last:
        covered = f" They are about {_day(days.first)}."
    return (
        f"{_sentence(release.table.description)} The figures come from: {_sentence(release.table.source)}"
        f"{covered} The release has {counted(release.rows.height, 'row')}.{_provisional(release)}"
    )


def _provisional(release: Release) -> str:
    rows = release.rows.select(provisional(release.table).fill_null(value=False).sum()).item()
    if not rows:
        return ""
    return (
        f" Of these {rows:,} {_are(rows)} provisional: not published for good yet, and another release may change them."
    )


def _day(day: Any) -> str:
    return f"{day.day} {day:%B %Y}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _protection(release: Release) -> str:
    table = release.table
    accounts = release.provenance.disclosure
    match table.disclosure:
        case Exempt(reason=reason):
            return f"No disclosure control was needed: {_sentence(reason)}"
        case OfReleased():
            return (
                "It is made of tables that are public, or in which small groups are withheld already, and tells no "
                "more than they do."
            )
    if table.sensitivity is Sensitivity.PUBLIC:
        return "No disclosure control was needed: the table is about no single person, home or device."
    if not accounts:
        return "What was withheld is not known: the version that was released has no account of its disclosure step."
    unit, fewest = accounts[0]["unit"], max(float(each["fewest"]) for each in accounts)
    said = f"No figure is told of fewer than {fewest:g} {unit}. "
    if isinstance(table.disclosure, Counts):
        # See `ons_assets.lakehouse.disclosure.tellable`.
        return f"{said}A row that is not there is zero or withheld: which of them, and how many, would tell of few."
    # Parts have one each, and no share of all together.
    kept = accounts[0]["kept_share"] if len(accounts) == 1 else None
    told = f" Of all {unit}, {_percent(kept)} are in figures that are told." if kept is not None else ""
    return f"{said}{_withheld(accounts, unit)}{told}"


def _withheld(accounts: Sequence[dict[str, Any]], unit: str) -> str:
    """Say what the disclosure step did; of several parts, to all of them."""
    cells, primary, secondary = (
        sum(int(each[name]) for each in accounts) for name in ("cells", "primary", "secondary")
    )
    said = f"Of {counted(cells, 'figure')} that {_were(cells)} judged, "
    if not primary + secondary:
        return said + "none had to be withheld."
    said += f"{primary:,} {_are(primary)} withheld because few {unit} stand behind {'it' if primary == 1 else 'them'}"
    if secondary:
        said += f", and {secondary:,} because one of those would follow from {'it' if secondary == 1 else 'them'}"
    return f"{said}."


def _percent(share: float) -> str:
    """Return a share in per cent; it is all, or none, only if it is said to be so exactly."""
    if 0 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{100 * share:.0f} %"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _gate(suite: dict[str, Any]) -> str:
    own = suite.get("overlay")
    bounds = f" Bounds of the office's own were laid over its suite ({own['file']})." if own else ""
    return f"{_audited(suite)}{bounds}"


def _audited(suite: dict[str, Any]) -> str:
    if "failures" not in suite:
        refused, warnings = int(suite.get("batches_refused", 0)), len(suite.get("warnings", []))
        some = f"{refused:,} of the last were refused" if refused > 1 else "1 of the last was refused"
        found = some if refused else "none of the last was refused"
        warned = counted(warnings, "warning") if warnings else "no warning"
        return f"Each batch of the files was checked before it was taken: {found}, with {warned}."
    failures = suite["failures"]
    checked = f"The table was held against {counted(int(suite['evaluated']), 'expectation')} before it was published"
    if not failures:
        return f"{checked}, and met all of them."
    critical = sum(each["severity"] == CRITICAL for each in failures)
    others = len(failures) - critical
    failed = [counted(critical, "critical failure")] if critical else []
    failed += [counted(others, "warning")] if others else []
    return f"{checked}: {' and '.join(failed)}. {'' if critical else 'None is critical.'}".rstrip()


def _making(release: Release) -> str:
    provenance = release.provenance
    files = sum(bool(SHA256.fullmatch(name)) for name in provenance.inputs)
    tables = [_version(name, of) for name, of in sorted(provenance.inputs.items()) if not SHA256.fullmatch(name)]
    parts = [counted(files, "file")] if files else []
    parts += [f"{counted(len(tables), 'table')} ({', '.join(tables)})"] if tables else []
    made = f"It was made of {' and '.join(parts)}" if parts else "It was made of no other table and no file"
    return (
        f"{made}, by version {provenance.code_version.split('+')[0]} of the program "
        f"(sources {provenance.code_version.partition('+')[2] or 'not said'}). "
        f"It is version {release.lake_version} of the table in the lake."
    )


def _version(name: str, of: str) -> str:
    """Say which version of a table went in: a number and a hash are kept of it, or nothing where there was none."""
    number = of.partition(":")[0]
    return f"{name}, version {number}" if number.isdigit() else f"{name}, none"
