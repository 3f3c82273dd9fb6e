"""The words in which shops say what a pack holds: units, containers, pieces, and words that deny a pack."""

from typing import Final

LITRES_OF_A_PINT: Final = 0.56826125

# A unit as shops write it, its standard unit, and how many of the standard unit it is. Pints, gallons and fluid
# ounces are imperial.
UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("MG",), ("kg", 1e-6)),
    **dict.fromkeys(("G", "GM", "GMS", "GR", "GRS", "GRAM", "GRAMS", "GRAMME", "GRAMMES"), ("kg", 0.001)),
    **dict.fromkeys(("KG", "KGS", "KILO", "KILOS", "KILOGRAM", "KILOGRAMS"), ("kg", 1.0)),
    **dict.fromkeys(("OZ", "OZS", "OUNCE", "OUNCES"), ("kg", 0.028349523125)),
    **dict.fromkeys(("LB", "LBS", "POUND", "POUNDS"), ("kg", 0.45359237)),
    **dict.fromkeys(("ML", "MLS", "MILLILITRE", "MILLILITRES"), ("l", 0.001)),
    **dict.fromkeys(("CL", "CLS", "CENTILITRE", "CENTILITRES"), ("l", 0.01)),
    **dict.fromkeys(("L", "LT", "LTR", "LTRS", "LITR", "LITRE", "LITRES", "LITER", "LITERS"), ("l", 1.0)),
    **dict.fromkeys(("FLOZ", "FLOZS"), ("l", LITRES_OF_A_PINT / 20)),
    **dict.fromkeys(("PT", "PTS", "PINT", "PINTS"), ("l", LITRES_OF_A_PINT)),
    **dict.fromkeys(("QUART", "QUARTS"), ("l", 2 * LITRES_OF_A_PINT)),
    **dict.fromkeys(("GAL", "GALS", "GALLON", "GALLONS"), ("l", 8 * LITRES_OF_A_PINT)),
    "EACH": ("each", 1.0),
}
# Of these a pack has hundreds: a separator before three digits stands for thousands ("1,000G"), of kilograms and
# litres for decimals ("1.136L").
SMALL_UNITS = frozenset(unit for unit, (_, factor) in UNITS.items() if factor <= 0.001)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Closed containers of which a pack has several: the volume that a name gives is that of one.
MULTIPLES = _words("PACK PACKS PK PKS PCK CAN CANS TIN TINS BOTTLE BOTTLES CARTON CARTONS")
# What a number may count.
PIECES = MULTIPLES | _words(
    """TEABAGS TEABAG BAGS BAG SACHETS SACHET PIECES PIECE PCS PC SZT ROLLS ROLL TABLETS TABLET TABS CAPSULES CAPSULE
    CAPS CAPLETS SOFTGELS LOZENGES PYRAMIDS ENVELOPES POTS POT BARS SLICES EGGS BAPS BUNS BAGELS MUFFINS CRUMPETS
    TEACAKES WRAPS TORTILLAS PITTAS NAANS CROISSANTS SAUSAGES BURGERS FILLETS JARS JAR TUBS TUB PODS STICKS WIPES
    NAPPIES SHEETS CUBES TEMPLES PORTIONS COUNT CT"""
)
# Of these a number of milligrams is the strength, and not the pack.
DOSES = _words("TABLETS TABLET TABS CAPSULES CAPSULE CAPS CAPLETS SOFTGELS LOZENGES")
PACKINGS = _words("PACK PACKS BOX CASE BAG TRAY SET CARTON BUNDLE")
TIMES = _words("X × * Х")
RANGES = _words("- – — TO")
# "5G PROTEIN" says what is in it.
NUTRIENTS = _words("PROTEIN FIBRE FIBER SUGAR SUGARS FAT FATS CARBS CARBOHYDRATE CARBOHYDRATES SALT")
# "12 YEAR BOTTLE" and "7 UP CANS" count neither.
NOT_COUNTED = _words("YEAR YEARS YR YRS YO MONTH MONTHS DAY DAYS UP SEED STAR IN FOR CALORIE CALORIES KCAL")
# Words between a number and what it counts, any number of them; of other words one ("100 ASSAM TEA BAGS").
QUALIFIERS = _words(
    """LARGE MEDIUM SMALL MINI MIXED FREE RANGE ORGANIC WHITE BROWN WHOLEMEAL SOFT SLICED FRESH BRITISH TEA STOCK GOLD
    FOIL"""
)
FRACTIONS = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 1 / 8}
# A word for what the content is in, and the container.
CONTAINERS: dict[str, str] = {
    **dict.fromkeys(("CAN", "CANS", "TIN", "TINS"), "can"),
    **dict.fromkeys(("BOTTLE", "BOTTLES", "BOTTLED"), "bottle"),
    **dict.fromkeys(("CARTON", "CARTONS"), "carton"),
    **dict.fromkeys(("JAR", "JARS"), "jar"),
    **dict.fromkeys(("POUCH", "POUCHES"), "pouch"),
    **dict.fromkeys(("KEG", "KEGS"), "keg"),
}
