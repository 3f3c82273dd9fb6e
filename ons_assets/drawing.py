"""Charts as pictures, however many rows they have."""

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from altair import TopLevelMixin


def as_svg(chart: "TopLevelMixin") -> str:
    """Return a chart as SVG that needs nothing from elsewhere; a description is told to who does not see it."""
    return svg_of(json.loads(_specification(chart)))


def svg_of(specification: dict[str, Any]) -> str:
    """Return a picture that Vega-Lite is to draw as SVG; what `description` says is told to who does not see it.

    Parameters
    ----------
    specification
        In the language of Vega-Lite; it fetches nothing.
    """
    import vl_convert

    drawn = str(vl_convert.vegalite_to_svg(specification, allowed_base_urls=[]))
    if "description" not in specification:
        return drawn
    opening, inside = drawn.split(">", 1)
    named = f"<title>{escape(specification['title'])}</title>" if "title" in specification else ""
    kind = "desc" if named else "title"
    words = f"{named}<{kind}>{escape(specification['description'])}</{kind}>"
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
