"""Numbers in sentences."""


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing.

    >>> counted(1, "row"), counted(2344, "row")
    ('1 row', '2,344 rows')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
