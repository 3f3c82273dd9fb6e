"""Pictures of many rows."""

import altair
import polars as pl

from ons_assets.drawing import as_svg
from ons_assets.orchestration.charts import line_chart
from ons_assets.prices.publication.monthly_report.pictures import index_lines

# Fifty groups over ten years: more than the library takes by itself.
MANY = pl.DataFrame(
    [(f"group {group:02}", f"{2010 + month // 12}-{month % 12 + 1:02}", 100.0 + month) for group in range(50)
     for month in range(120)],
    schema=["title", "period", "index"], orient="row",
)  # fmt: skip


def test_a_picture_may_have_as_many_rows_as_a_release_has() -> None:
    assert len(MANY) == 6_000
    assert "group 49" in index_lines(MANY)
    line_chart(MANY, x="period", y="index", series="title", title="all")


def test_other_charts_of_the_program_keep_the_limit_of_the_library() -> None:
    as_svg(altair.Chart(MANY.head(3)).mark_point())
    assert altair.data_transformers.options.get("max_rows", 5_000) == 5_000
