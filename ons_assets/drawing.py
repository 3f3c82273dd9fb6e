"""Charts as pictures, however many rows they have."""

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from altair import TopLevelMixin


def as_svg(chart: "TopLevelMixin") -> str:
    """Return a chart as SVG that needs nothing from elsewhere; a description is told to who does not see it."""
    import vl_convert

    specification = _specification(chart)
    drawn = str(vl_convert.vegalite_to_svg(specification))
    said = json.loads(specification)
    if "description" not in said:
        return drawn
    opening, inside = drawn.split(">", 1)
    words = f"<title>{escape(said.get('title', ''))}</title><desc>{escape(said['description'])}</desc>"
    return f'{opening} role="img">{words}{inside}'


def as_png(chart: "TopLevelMixin", scale: float = 1.5) -> bytes:
    """Return a chart as a PNG picture."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(_specification(chart), scale=scale))


def _specification(chart: "TopLevelMixin") -> str:
    import altair

    # The library refuses more than 5,000 rows, for the sake of notebooks that keep the data; a picture does not.
    with altair.data_transformers.enable("default", max_rows=None):
        return str(chart.to_json())
