"""University terms of the United Kingdom, as they usually lie."""

from datetime import date

# Universities differ by a week or two, and Easter moves.
USUAL = (((9, 22), (12, 12)), ((1, 12), (3, 27)), ((4, 20), (6, 12)))


def usual_terms(first: date, last: date) -> list[tuple[date, date]]:
    """Return first and last days of the terms that a span of days touches, in their order."""
    terms = [
        (date(year, *begin), date(year, *end)) for year in range(first.year, last.year + 1) for begin, end in USUAL
    ]
    return sorted(term for term in terms if term[0] <= last and term[1] >= first)
