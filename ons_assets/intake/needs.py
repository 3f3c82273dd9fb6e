"""What a layout must say for its source, and what it does not."""

import re
from collections.abc import Iterator, Sequence

from ons_assets.intake import times
from ons_assets.intake.layouts import Layout

# Alternatives, each of one name or several that go together.
OneOf = tuple[tuple[str, ...], ...]
# Stands for formats of which each says the zone.
ZONED = "time_formats"
OF_ZONE: OneOf = (("zone",), (ZONED,))


def fields_said(layout: Layout) -> set[str]:
    """Return the fields of a source that a layout says, from columns or from the name of the file."""
    named = re.compile(layout.name_pattern).groupindex if layout.name_pattern else {}
    return {*layout.origins, *named}


def words_said(layout: Layout) -> set[str]:
    """Return what a layout says: its fields, and those of its words that are not left as they are."""
    words = {name for name, known in Layout.model_fields.items() if getattr(layout, name) != known.default}
    return {*fields_said(layout), *(words - {ZONED}), *([ZONED] if times.say_zone(layout) else [])}


def not_said(groups: Sequence[OneOf], said: set[str]) -> Iterator[str]:
    """Say of groups what is missing: of one that is begun what would complete it.

    Parameters
    ----------
    groups
        Of which a layout says no alternative.
    said
        What it says.
    """
    if single := [group[0][0] for group in groups if group == (group[0][:1],)]:
        yield f"does not say {', '.join(single)}"
    for group in groups:
        if len(group) > 1:
            begun = any(said.intersection(each) for each in group)
            lacking = [tuple(name for name in each if not begun or name not in said) for each in group]
            fewest = [each for each in lacking if not begun or len(each) == min(map(len, lacking))]
            shown = list(dict.fromkeys(map(together, fewest)))
            yield f"does not say {' or '.join(shown)}" if begun else f"says neither {' nor '.join(shown)}"


def together(names: Sequence[str], mark: str = "") -> str:
    """Return names of which all are said, in words.

    Parameters
    ----------
    names
        Fields, and words of the layout.
    mark
        Around each of them.
    """
    shown = [f"{mark}{name}{mark}{' with a zone' if name == ZONED else ''}" for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
