"""Currencies beside the digits of a price: as symbols, as codes, as what people write in shops."""

import polars as pl

# What is written, and the codes of ISO 4217 for which it may stand.
CODES = (
    *("AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK"),
    *("JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "RSD", "SEK", "SGD", "THB", "TRY", "UAH", "USD"),
    "ZAR",
)
DOLLARS = ("AUD", "BRL", "CAD", "HKD", "MXN", "NZD", "SGD", "USD")
CROWNS = ("DKK", "ISK", "NOK", "SEK")
WRITTEN = {
    **{code.casefold(): (code,) for code in CODES},
    "£": ("GBP",),
    "€": ("EUR",),
    "euro": ("EUR",),
    "$": DOLLARS,
    "kr": CROWNS,
    "kr.": CROWNS,
    "zł": ("PLN",),
    "zl": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON",),
    "лв": ("BGN",),
    "лв.": ("BGN",),
    "fr": ("CHF",),
    "fr.": ("CHF",),
    "sfr.": ("CHF",),
    "¥": ("CNY", "JPY"),
    "₹": ("INR",),
    "₺": ("TRY",),
    "₴": ("UAH",),
}
BLANKS = r"[ \t\x{a0}\x{202f}\x{2009}]*"
# Of a round sum people write a dash for the decimals: `3,-`.
DASH = r"[.,][-\x{2013}\x{2014}]+"
# From the longest, so that `kr.` is not `kr` and a point.
ANY = "|".join(sorted((each.replace(".", r"\.").replace("$", r"\$") for each in WRITTEN), key=len, reverse=True))
BEFORE, BEHIND = rf"(?i)^({ANY}){BLANKS}", rf"(?i){BLANKS}({ANY})$"


def without_currency(column: pl.Series) -> pl.Series:
    """Return texts without a currency before or behind them, and without the dash that stands for no decimals."""
    return column.str.replace(BEFORE, "").str.replace(BEHIND, "").str.replace(rf"{DASH}$", "")


def has_other_currency(column: pl.Series, currency: pl.Series) -> pl.Series:
    """Return whether texts say another currency than they should.

    Parameters
    ----------
    column
        Prices as they are written; anything but text says none.
    currency
        Codes of ISO 4217, of the same rows.

    Returns
    -------
    Series
        Boolean; false where a text says no currency.
    """
    if column.dtype != pl.String():
        return pl.Series([False]).new_from_index(0, len(column))
    stripped = column.str.strip_chars()
    said = pl.select(pl.coalesce(stripped.str.extract(BEFORE), stripped.str.extract(BEHIND))).to_series()
    said = said.str.to_lowercase()
    other = pl.Series([False]).new_from_index(0, len(column))
    for written in said.drop_nulls().unique():
        other |= (said == written).fill_null(False) & ~currency.is_in(WRITTEN[written]).fill_null(False)
    return other
