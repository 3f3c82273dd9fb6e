"""What the text of an offer says: the price without it, the price now, and what one pays who buys several packs."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import polars as pl

# A sum of money: £1.50, £1,299.00, 69p, 2.00 EUR, or a plain number where the words before it say that it is money.
_AMOUNT = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,5}(?:[.,]\d{1,2})?)(?!\d)"
_SIGNED = rf"(?:[£€$]\s?{_AMOUNT}|{_AMOUNT}\s?(?:[£€$]|p\b|c\b|ct\b|eur\b|pence\b|pounds?\b))"
_CENTS = re.compile(r"p\b|c\b|ct\b|pence\b")
_NUMBER_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "both": "2"}
_THOUSANDS = re.compile(r",(?=\d{3})")
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b")
# Nobody pays for fewer, or is sold more, at once; what is more is a size or a code.
MOST_PACKS = 48
# A saving of more than this share of a price is no saving, but a number that was misread.
LARGEST_CUT = 0.95
# An offer is said in a line; what goes on for pages is not read to its end.
MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Promotion:
    """An offer, in the currency of the price that it stands beside.

    Attributes
    ----------
    regular_price
        Price of one pack without the offer; None if it is not lower now, or the text does not say by how much.
    paid_price
        Price of one pack, now and without any condition, that the text names; None if it names none.
    is_named
        Whether the text gives the regular price as a sum, not as a share or a saving.
    packs
        How many packs one must buy for an offer on several; None if there is none.
    multibuy_price
        Price of one of them then; None if the text does not say.
    """

    regular_price: float | None = None
    paid_price: float | None = None
    is_named: bool = False
    packs: int | None = None
    multibuy_price: float | None = None

    @property
    def kind(self) -> str:
        """Return cut, multibuy, cut and multibuy, or other."""
        kinds = [*(["cut"] if self.regular_price else []), *(["multibuy"] if self.packs else [])]
        return " and ".join(kinds) or "other"


def parse_promotion(text: str | None, price: float) -> Promotion | None:
    """Read the text of an offer.

    Parameters
    ----------
    text
        As displayed; English. Several offers may follow each other.
    price
        Price of one pack as displayed beside it, in the currency, above 0. Of what shops display it is the price
        with a cut, and the one without an offer on several packs.

    Returns
    -------
    None where there is no text.

    Examples
    --------
    >>> parse_promotion("Save 50p Was £1.50 Now £1.00", 1.00).regular_price
    1.5
    >>> offer = parse_promotion("Any 3 for £5.00", 2.00)
    >>> offer.packs, round(offer.multibuy_price, 4)
    (3, 1.6667)
    """
    if text is None or not text.strip():
        return None
    said = _NUMBER_WORD.sub(lambda word: _NUMBER_WORDS[word[0]], " ".join(text.lower().split())[:MOST_CHARACTERS])
    found = Promotion()
    for pattern, read in _MULTIBUYS:
        if match := pattern.search(said):
            found = _plausible_multibuy(read(match, price), price)
            said = f"{said[: match.start()]} ; {said[match.end() :]}"
            break
    for pattern, read in _CUTS:
        if match := pattern.search(said):
            cut = _plausible_cut(read(match, price), price)
            conditional = found.packs or _MEMBERS.search(said)
            if conditional and not cut.is_named and cut.paid_price is None:
                break  # "Buy 2 for £3, save 50p", "10% off with Clubcard": the saving is not of the displayed price
            return replace(cut, packs=found.packs, multibuy_price=found.multibuy_price)
    return found


def promotions(texts: Iterable[str | None], prices: Iterable[float]) -> pl.DataFrame:
    """Read many texts, each pair of text and price once.

    Returns
    -------
    DataFrame
        One row a text: ``promotion_type`` (null without a text), ``regular_price`` (the price itself where no cut is
        said), ``named_price`` and ``named_paid`` (sums in the text), ``multibuy_packs``, ``multibuy_price``.
    """
    read: dict[tuple[str | None, float], tuple[str | None, float, float | None, float | None, int | None, float | None]]
    read = {}
    rows = []
    for text, price in zip(texts, prices, strict=True):
        if (text, price) not in read:
            offer = parse_promotion(text, price) or Promotion()
            read[text, price] = (
                offer.kind if text and text.strip() else None,
                offer.regular_price or price,
                offer.regular_price if offer.is_named else None,
                offer.paid_price,
                offer.packs,
                offer.multibuy_price,
            )
        rows.append(read[text, price])
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


_SCHEMA = {
    "promotion_type": pl.String,
    "regular_price": pl.Float64,
    "named_price": pl.Float64,
    "named_paid": pl.Float64,
    "multibuy_packs": pl.Int64,
    "multibuy_price": pl.Float64,
}

# Prices for some: the displayed one is that of everybody else.
_MEMBERS = re.compile(r"\b(?:clubcard|nectar|members?|mywaitrose|loyalty|more\s+card|app\s+only|coupon)\b")
Read = Callable[[re.Match[str], float], Promotion]


def _money(text: str) -> float:
    value = float(re.sub(r"[^\d.]", "", _THOUSANDS.sub("", text).replace(",", ".")))
    return value / 100 if _CENTS.search(text) else value


def _plausible_cut(offer: Promotion, price: float) -> Promotion:
    """Leave out a regular price that is none: below what is paid, or so far above it that it was misread."""
    regular = offer.regular_price
    if regular is None:
        return offer
    paid = min(offer.paid_price or price, price)
    if round(regular, 2) < max(price, paid) or regular * (1 - LARGEST_CUT) > paid or round(regular, 2) == paid:
        return replace(offer, regular_price=None, is_named=False)
    return replace(offer, regular_price=round(regular, 2))


def _plausible_multibuy(offer: Promotion, price: float) -> Promotion:
    if offer.packs is None or not 2 <= offer.packs <= MOST_PACKS:
        return Promotion()
    each = offer.multibuy_price
    if each is not None and not price * (1 - LARGEST_CUT) <= each <= price:
        return replace(offer, multibuy_price=None)
    return offer


# --- offers on several packs -----------------------------------------------------------------------------------


def _several(packs: str, each: float | None) -> Promotion:
    return Promotion(packs=int(packs), multibuy_price=each)


def _for_money(match: re.Match[str], price: float) -> Promotion:
    """2 for £3; 3 for 2, which is the price of two; 2 for 3, which can only be money."""
    packs, stated = int(match["packs"]), match["total"]
    if stated.isdigit() and int(stated) < packs:
        return _several(match["packs"], price * int(stated) / packs)
    return _several(match["packs"], _money(stated) / packs if packs else None)


def _free(match: re.Match[str], price: float) -> Promotion:
    bought, free = int(match["packs"]), int(match["free"])
    return Promotion(packs=bought + free, multibuy_price=price * bought / max(bought + free, 1))


def _last_at_half(match: re.Match[str], price: float) -> Promotion:
    """Add 2 get 2nd half price; buy 1 get 1 half price."""
    packs = int(match["nth"]) if match["nth"] else int(match["packs"] or 1) + int(match["more"])
    return Promotion(packs=packs, multibuy_price=price * (packs - 0.5) / max(packs, 1))


def _share_off_several(match: re.Match[str], price: float) -> Promotion:
    return _several(match["packs"], price * (1 - float(match["percent"]) / 100))


def _save_on_several(match: re.Match[str], price: float) -> Promotion:
    packs = int(match["packs"])
    return _several(match["packs"], price - _money(match["save"]) / packs if packs else None)


def _money_as(name: str) -> str:
    """Return a pattern for a sum where the words around say that it is money."""
    return rf"(?P<{name}>{_SIGNED}|{_AMOUNT})"


def _signed_as(name: str) -> str:
    """Return a pattern for a sum with its currency."""
    return rf"(?P<{name}>{_SIGNED})"


_BUY = r"\b(?:buy|add|any|get|pick|choose)\s+(?:any\s+)?"
_PACKS = r"(?P<packs>\d{1,2})"
_PERCENT = r"(?P<percent>\d{1,2}(?:\.\d)?)\s?%"
_MULTIBUYS: tuple[tuple[re.Pattern[str], Read], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"{_PERCENT}\s+off\s+when\s+you\s+buy\s+(?:any\s+)?{_PACKS}\b[^;]*", _share_off_several),
        (
            rf"{_BUY}{_PACKS}(?:\s+or\s+more)?,?\s+(?:and\s+)?(?:you\s+)?(?:save|get)\s+{_PERCENT}(?:\s+off)?",
            _share_off_several,
        ),
        (
            rf"{_BUY}{_PACKS}(?:\s+or\s+more)?,?\s+(?:and\s+)?(?:you\s+)?save\s+{_money_as('save')}",
            _save_on_several,
        ),
        (rf"save\s+{_signed_as('save')}\s+when\s+you\s+buy\s+(?:any\s+)?{_PACKS}\b", _save_on_several),
        (rf"{_BUY}{_PACKS},?\s+get\s+(?P<free>\d)\s+free\b", _free),
        (r"\bbogof\b", lambda _match, price: Promotion(packs=2, multibuy_price=price / 2)),
        (
            rf"(?:{_BUY}{_PACKS},?\s+)?\bget\s+(?:the\s+)?(?:(?P<nth>\d)(?:nd|rd|th)|(?P<more>\d))\s+(?:at\s+|for\s+)?half\s+price"
            r"(?:\s+cheape(?:r|st)\s+\w+\s+half\s+price)?",
            _last_at_half,
        ),
        (rf"(?<![\w.,£€$]){_PACKS}\s+for\s+(?:the\s+price\s+of\s+)?{_money_as('total')}", _for_money),
        # A meal of several different things.
        (r"\bmeal\s+deal\b[^;]*|\bbuy\s[^;]*\+[^;]*\bfor\s[^;]*", lambda _match, _price: Promotion()),
    )
)


# --- cuts of the price of one pack -------------------------------------------------------------------------------


def _was_now(match: re.Match[str], _price: float) -> Promotion:
    now = match["now"]
    return Promotion(regular_price=_money(match["was"]), paid_price=_money(now) if now else None, is_named=True)


def _only_save(match: re.Match[str], _price: float) -> Promotion:
    paid = _money(match["only"])
    save = match["save"]
    return Promotion(regular_price=paid + _money(save) if save else None, paid_price=paid, is_named=bool(save))


def _save(match: re.Match[str], price: float) -> Promotion:
    return Promotion(regular_price=price + _money(match["save"]))


def _share_off(share: float, price: float) -> Promotion:
    return Promotion(regular_price=price / (1 - share) if 0 < share <= LARGEST_CUT else None)


def _fraction(match: re.Match[str], price: float) -> Promotion:
    return _share_off(int(match["part"]) / max(int(match["whole"]), 1), price)


def _percent(match: re.Match[str], price: float) -> Promotion:
    return _share_off(float(match["percent"]) / 100, price)


_FRACTION = r"(?P<part>\d)/(?P<whole>\d)"
_CUTS: tuple[tuple[re.Pattern[str], Read], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (
            rf"\bnow\b:?\s*(?:only\s+)?{_money_as('now')}.*?\bwas\b:?\s*{_money_as('was')}",
            _was_now,
        ),
        (
            rf"\b(?:was|were|rrp)\b:?\s*{_money_as('was')}(?:.*?\bnow\b:?\s*(?:only\s+)?{_money_as('now')})?",
            _was_now,
        ),
        (
            rf"\b(?:only|now)\b:?\s*{_signed_as('only')}(?:\s*[:,;-]?\s*(?:you\s+)?save\s+{_signed_as('save')})?",
            _only_save,
        ),
        (rf"{_signed_as('only')}\s+each\b(?P<save>)?", _only_save),
        (rf"\bsave\s+{_FRACTION}", _fraction),
        (rf"(?<!up to )\b{_FRACTION}\s+off\b", _fraction),
        (rf"\bsave\s+{_PERCENT}", _percent),
        (rf"(?<!up to )(?<![\d.]){_PERCENT}\s+off\b", _percent),
        (rf"\bsave\s+{_signed_as('save')}", _save),
        (rf"(?<!up to )(?<![\d.,]){_signed_as('save')}\s+off\b", _save),
        (r"(?<!than )\bhalf\s+price\b", lambda _m, price: _share_off(0.5, price)),
    )
)
