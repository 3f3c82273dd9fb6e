"""Countries of SIMs and networks, by the mobile country codes of ITU-T E.212."""

from functools import cache
from pathlib import Path

import polars as pl

CODES = Path(__file__).parent / "data" / "country_codes.csv"
# Networks of ships, aeroplanes and things have codes of no country (901 and the like); so has what nobody knows.
NO_COUNTRY = "unknown"


@cache
def country_codes() -> pl.DataFrame:
    """Return the table of countries: mcc, country (ISO 3166-1 alpha-2), name.

    A code that several countries share stands for the largest of them: 234 is the United Kingdom, and Guernsey,
    Jersey and the Isle of Man too.

    References
    ----------
    ITU, List of mobile country or geographical area codes, and mobile network codes for the international
    identification plan (Recommendation ITU-T E.212), annexes to Operational Bulletins 1111 and 1162; names are those of
    the Unicode CLDR.
    """
    return pl.read_csv(CODES, schema={"mcc": pl.String(), "country": pl.String(), "name": pl.String()})


def country_of(mcc: str | pl.Expr) -> pl.Expr:
    """Return the country of a mobile country code: `NO_COUNTRY` if none has it, null of null.

    Parameters
    ----------
    mcc
        Column of codes of three digits.
    """
    table = country_codes()
    codes = pl.col(mcc) if isinstance(mcc, str) else mcc
    found = codes.replace_strict(table["mcc"], table["country"], default=NO_COUNTRY, return_dtype=pl.String())
    return pl.when(codes.is_not_null()).then(found)


def home_codes(events: pl.LazyFrame, given: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the mobile country codes of the country that the networks are in.

    Parameters
    ----------
    events
        Rows of `mobile/phone_events`: operator, and mcc, the country of the SIM.
    given
        What the office says; empty if the events are to say it: most are of the country's own SIMs.

    Returns
    -------
    frozenset of str
        All codes of the country; empty if no operator names the country of most of its events: files may name that of
        foreign SIMs only, and of such an operator nothing is known, however large it is.
    """
    if given:
        return frozenset(given)
    counted = events.group_by("operator", "mcc").len().collect()
    unnamed = pl.col("len").filter(pl.col("mcc").is_null()).sum().over("operator")
    names_most = unnamed * 2 < pl.col("len").sum().over("operator")
    counted = counted.filter(names_most, pl.col("mcc").is_not_null()).group_by("mcc").agg(pl.col("len").sum())
    by_country = counted.with_columns(country=country_of("mcc")).group_by("country").agg(pl.col("len").sum())
    ordered = by_country.sort("len", "country", descending=[True, False])["country"]
    most = ordered[0] if len(ordered) else None
    if most is None:
        return frozenset()
    if most == NO_COUNTRY:
        return frozenset(counted["mcc"])
    return frozenset(country_codes().filter(country=most)["mcc"])


def is_foreign(home: frozenset[str], mcc: str = "mcc") -> pl.Expr:
    """Return whether a SIM is of another country; one of which nobody says it is not.

    Parameters
    ----------
    home
        What `home_codes` returns.
    mcc
        Column with the code of its country.
    """
    return pl.col(mcc).is_not_null() & ~pl.col(mcc).is_in(sorted(home)) if home else pl.lit(value=False)


def served_abroad(home: frozenset[str], plmn: str = "plmn") -> pl.Expr:
    """Return whether a network of another country served an event.

    Parameters
    ----------
    home
        What `home_codes` returns. Some files name the network of every event, at home too; if no file says whose SIMs
        it is about, a network is named of events abroad only.
    plmn
        Column with country and network.
    """
    return pl.col(plmn).is_not_null() & ~pl.col(plmn).str.head(3).is_in(sorted(home))


def foreign_devices(events: pl.LazyFrame, home: frozenset[str]) -> pl.DataFrame:
    """Return the devices with a SIM of another country: operator, user, mcc (the commonest of its events). Sorted.

    A SIM is of one country: a device of which most events that name one name that of the networks is of it.

    Parameters
    ----------
    events
        Rows of `mobile/phone_events`.
    home
        What `home_codes` returns.
    """
    counted = events.filter(is_foreign(home)).group_by("operator", "user", "mcc").len().collect()
    if counted.is_empty():
        return counted.drop("len")
    device = ["operator", "user"]
    at_home = events.filter(pl.col("mcc").is_in(sorted(home))).join(counted.lazy(), on=device, how="semi")
    own = at_home.group_by(device).len("own").collect()
    abroad = pl.col("len").sum().over(device)
    counted = counted.join(own, on=device, how="left").filter(abroad > pl.col("own").fill_null(0)).drop("own")
    ordered = counted.sort("operator", "user", "len", "mcc", descending=[False, False, True, False])
    return ordered.unique(["operator", "user"], keep="first", maintain_order=True).drop("len")
