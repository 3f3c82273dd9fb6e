"""Versions of a network: what the plans of an operator say of each cell, one form of it after the other."""

import polars as pl

CELL = ("operator", "cell_id")
GEOMETRY = (
    "latitude", "longitude", "azimuth_degrees", "beam_width_degrees", "range_m", "technology", "power_w", "height_m",
    "cell_type",
)  # fmt: skip
POSITION = ("easting_m", "northing_m")
COLUMNS = (*CELL, "valid_from_utc", "valid_until_utc", *GEOMETRY, *POSITION, "said_by")


def network_versions(cells: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Return the forms of each cell, of which no two hold at the same moment.

    Of records of one cell and first moment, what was said last counts; an end that was said is not unsaid by a record
    that does not know one, as a snapshot of an earlier day. A form ends where the next begins, if not before. Forms
    that are the same and follow without a gap are one.

    Parameters
    ----------
    cells
        Rows of `mobile/cells`, in any order, of any number of files.

    Returns
    -------
    pl.DataFrame
        operator, cell_id, valid_from_utc, valid_until_utc (null if it still holds; the moment itself no longer does),
        the geometry, easting_m, northing_m, said_by (records). Sorted by cell and time.
    """
    said_last = pl.struct("arrival", "line")
    known_end = pl.col("valid_until_utc").is_not_null()
    forms = (
        cells.lazy()
        .group_by(*CELL, "valid_from_utc")
        .agg(
            pl.col("valid_until_utc").filter(known_end).sort_by(said_last.filter(known_end)).last(),
            pl.col(*GEOMETRY, *POSITION).sort_by(said_last).last(),
            said_by=pl.len().cast(pl.Int64()),
        )
        .sort(*CELL, "valid_from_utc")
        .collect()
    )
    following = pl.col("valid_from_utc").shift(-1).over(CELL)
    forms = forms.with_columns(pl.min_horizontal("valid_until_utc", following))
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in (*CELL, *GEOMETRY))
    goes_on = same & (pl.col("valid_from_utc") == pl.col("valid_until_utc").shift(1))
    runs = forms.with_columns(run=(~goes_on.fill_null(False)).cum_sum())
    return (
        runs.group_by("run", maintain_order=True)
        .agg(
            pl.col(*CELL, "valid_from_utc", *GEOMETRY, *POSITION).first(),
            pl.col("valid_until_utc").last(),
            pl.col("said_by").sum(),
        )
        .select(COLUMNS)
    )
