"""Why things were refused, added up over all of them: the ledger has a sentence a file."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from ons_assets.governance.report.facts import Refusal
from ons_assets.wording import counted

# What a reader says of single rows: "3 rows: price is not positive".
OF_ROWS = re.compile(r"([\d,]+) rows?: (.*)")
MOST = 3


def added_up(refused: Sequence[Refusal], most: int = MOST) -> list[str]:
    """Return the commonest reasons in a sentence each: first those of whole files or runs, then those of single rows.

    Parameters
    ----------
    refused
        Of one table or source.
    most
        Reasons of each kind at most; how many more there are is said.
    """
    whole, rows = Counter[str](), Counter[str]()
    for each in refused:
        if each.whole:
            said = " ".join(each.notes) or each.reason
            whole[said.replace(each.name, "the file") if each.drop else said] += 1
        else:
            rows.update(_of_rows(each))
    thing = "file" if any(each.drop for each in refused) else "run"
    return [
        *_told([(counted(number, thing), why) for why, number in whole.most_common()], most),
        *_told([(counted(number, "row"), why) for why, number in rows.most_common()], most),
    ]


def _of_rows(refusal: Refusal) -> dict[str, int]:
    """Rows of a file by reason; those of which the sentence says no number are told together."""
    found: dict[str, int] = defaultdict(int)
    for piece in refusal.reason.split("; "):
        if (said := OF_ROWS.fullmatch(piece)) is not None:
            found[said[2]] += int(said[1].replace(",", ""))
    if (rest := refusal.rows - sum(found.values())) > 0:
        found["for other reasons"] += rest
    return found


def _told(reasons: Sequence[tuple[str, str]], most: int) -> Iterator[str]:
    yield from (f"{number}: {why}" for number, why in reasons[:most])
    if len(reasons) > most:
        yield f"and {counted(len(reasons) - most, 'more reason')}"
