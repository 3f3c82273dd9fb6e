"""Files that say of which age and sex users are, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.plain import PlainSource
from ons_assets.intake.pseudonyms import pseudonym, pseudonyms
from ons_assets.intake.rules import Rule, missing
from ons_assets.intake.source import layout_folders, limits
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.tweets.user_demographics import ALL


@dataclass(frozen=True)
class DemographicsFiles(PlainSource):
    """Ages and sexes of users: what a source says of them, or what a classifier takes them for.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, so that users meet their tweets.
    """

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "user_demographics"
    table = "tweets/supplied_demographics"
    files_are = "`user`, and `age`, `sex` or both as the population has them, with their `probability` if it is not 1"
    unit = "rows"
    is_individual = True
    person = "user"
    key = ("user", "age", "sex")
    columns = {"user": pl.String()}
    optional = {"age": pl.String(), "sex": pl.String(), "probability": pl.Float64()}
    defaults = {"age": ALL, "sex": ALL}
    one_of = ((("age",), ("sex",)),)
    faults = (
        missing("user", "user is missing"),
        Rule(~pl.col("probability").is_between(0, 1), "probability is no number from 0 to 1", null_is_fault=True),
        Rule((pl.col("age") == ALL) & (pl.col("sex") == ALL), "neither age nor sex is said"),
    )

    @classmethod
    def of(cls, settings: Settings) -> "DemographicsFiles":
        """Return the source of one home."""
        return cls(layout_folders(settings, cls.name), limits(settings), home=Home(settings.home))

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`; names of users become the pseudonyms that their tweets have."""
        names = values.identifier(rows["user"])
        user = names.cast(pl.Int64(), strict=False) if layout.pseudonymised else pseudonyms(names, self.home.secret())
        made = super().typed(rows, layout).with_columns(user.alias("user"))
        # Without a probability it is certain; one that cannot be read is not.
        given = values.column_text(rows, "probability")
        certain = pl.when(pl.lit(given).is_null()).then(1.0).otherwise("probability")
        return made.with_columns(probability=certain)

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`; files that hold pseudonyms already name people by them."""
        given = any(layout.pseudonymised for layout in layouts) and name.lstrip("-").isdecimal()
        return frozenset([pseudonym(name, self.home.secret()), *([int(name)] if given else [])])
