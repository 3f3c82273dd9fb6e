"""The vocabulary: every column that stands in more than one table, with its one type and its one meaning.

What is special about a column in one table is said in the description of that table. Whether it may be empty
is the table's to say: `columns.AREA.or_null()`.
"""

import polars as pl

from ons_assets.lakehouse.tables import Column

UTC = pl.Datetime("us", "UTC")

# Where a row comes from.
ARRIVAL = Column("arrival", pl.Int64(), "number of the arrival of its file: what has a higher one came later")
DROP_SHA256 = Column("drop_sha256", pl.String(), "SHA-256 of the file that the row came in")
LINE = Column("line", pl.Int64(), "record of that file, the header being 1")
LAYOUT = Column("layout", pl.String(), "layout of the file that delivered it")
BUCKET = Column("bucket", pl.Int16(), "part of the units (meters, users, devices) by their pseudonym, 0 and up")

# Who it is about.
METER = Column("meter", pl.Int64(), "pseudonym of the meter: keyed hash of trial and name")
USER = Column("user", pl.Int64(), "pseudonym of the user or device, by a keyed hash")
TWEET_ID = Column("tweet_id", pl.Int64(), "id of the tweet")
OPERATOR = Column("operator", pl.String(), "operator of the network")
CONTRACT = Column("contract", pl.String(), "contract, prepaid, business, or all")
AGE = Column("age", pl.String(), "age group, or all")
SEX = Column("sex", pl.String(), "sex, or all")
AGE_GROUP = Column("age_group", pl.String(), "such as 25-44, or all")

# When.
DAY = Column("day", pl.Date(), "local day")
FIRST_DAY = Column("first_day", pl.Date(), "first day of the run or spell")
LAST_DAY = Column("last_day", pl.Date(), "last day of the run or spell")
START_UTC = Column("start_utc", pl.Datetime("us", "UTC"), "when it begins")
END_UTC = Column("end_utc", pl.Datetime("us", "UTC"), "when it ends")
MONTH = Column("month", pl.Date(), "first day of the month, by the local clock")
HOUR = Column("hour", pl.Int8(), "hour of the local clock, 0 to 23")
DAY_TYPE = Column("day_type", pl.String(), "weekday, saturday or sunday; public holidays are sundays")
DAY_OF_WEEK = Column("day_of_week", pl.Int8(), "1 Monday to 7 Sunday, on the local clock")
LOCAL_DATE = Column("local_date", pl.Date(), "local day of the tweet")
CREATED_UTC = Column("created_utc", UTC, "time of the tweet")
FIRST_UTC = Column("first_utc", UTC, "time of the first located tweet")
LAST_UTC = Column("last_utc", UTC, "time of the last located tweet")
EVENT_DATE = Column("event_date", pl.Date(), "local day of the events")
OBSERVED = Column("observed", pl.String(), "first and last day of the events, such as 2014-10-06/2014-11-02")
FROM = Column("from", pl.Date(), "first day of the evidence for the anchor, or for both")
TO = Column("to", pl.Date(), "last day of the evidence for the anchor, or for both")
VALID_FROM_UTC = Column("valid_from_utc", UTC, "moment from which it holds")
VALID_UNTIL_UTC = Column("valid_until_utc", UTC, "moment from which it holds no longer; null if it still does")
FREQUENCY = Column("frequency", pl.String(), "day, week or month")
PERIOD = Column("period", pl.String(), "such as 2016-07-21, 2016-W29 (ISO 8601), 2016-07 or 2016")

# Where.
AREA = Column("area", pl.String(), "code of the area, as the GSS has them in Great Britain; or all")
AREA_CODE = Column("area_code", pl.String(), "code of the small area")
AREA_METHOD = Column(
    "area_method",
    pl.String(),
    "boundary or nearest_centre; of what has no area, none_near, or no_areas if there are none at all",
)
AREA_DISTANCE_M = Column("area_distance_m", pl.Float64(), "distance to the centre of the area")
AREA_LEVEL = Column(
    "area_level", pl.String(), "level of the area in reference/areas; all levels that have it; unknown if none has"
)
LATITUDE = Column("latitude", pl.Float64(), "degrees, WGS 84")
LONGITUDE = Column("longitude", pl.Float64(), "degrees, WGS 84")
EASTING_M = Column("easting_m", pl.Float64(), "on the grid of geography.crs; the centre of what is more than a point")
NORTHING_M = Column("northing_m", pl.Float64(), "on the grid of geography.crs; the centre of what is more than a point")
TILE_EASTING_M = Column("tile_easting_m", pl.Int64(), "west edge of the tile, on the grid of the footprints")
TILE_NORTHING_M = Column("tile_northing_m", pl.Int64(), "south edge of the tile, on the grid of the footprints")
DWELLING_TYPE = Column(
    "dwelling_type", pl.String(), "flat, terraced, semi_detached or detached; all for dwellings of any type"
)
UPRN = Column("uprn", pl.Int64(), "Unique Property Reference Number of an address")
POSTCODE = Column("postcode", pl.String(), "postcode of the address")
CELL_ID = Column("cell_id", pl.String(), "cell of the operator's plan")
TECHNOLOGY = Column("technology", pl.String(), "2G, 3G, 4G, 5G or unknown")
CELL_TYPE = Column("cell_type", pl.String(), "macro, small or unknown")
AZIMUTH_DEGREES = Column("azimuth_degrees", pl.Float64(), "direction, clockwise from north; null for all round")
BEAM_WIDTH_DEGREES = Column("beam_width_degrees", pl.Float64(), "width of the sector; null for all round")
RANGE_M = Column("range_m", pl.Float64(), "how far it reaches; null if the plan does not say")
POWER_W = Column("power_w", pl.Float64(), "power of the antenna; null if the plan does not say")
HEIGHT_M = Column("height_m", pl.Float64(), "height of the antenna above the ground; null if not said")
CLUSTER = Column("cluster", pl.Int32(), "number of the cluster of tweets within its user")
PLACE = Column("place", pl.String(), "cell that the device uses most, of those that are one place")
YEAR_SEASON = Column("year_season", pl.String(), "all, or such as 2014-autumn; a winter is of the year of its January")
DAY_GROUP = Column("day_group", pl.String(), "all, workdays, weekends or holidays")
TIME_INTERVAL = Column("time_interval", pl.String(), "all, night, working_hours or evening")
LABEL = Column("label", pl.String(), "home, work, second_home or usual")
PERMANENCE_HOURS = Column("permanence_hours", pl.Int32(), "hours at the place")
DAYS_THERE = Column("days_there", pl.Int32(), "days with an hour at the place")
OBSERVED_HOURS = Column("observed_hours", pl.Int32(), "hours of the device at any place")
OBSERVED_DAYS = Column("observed_days", pl.Int32(), "days with an hour at any place")
REGULARITY_MEAN_DAYS = Column("regularity_mean_days", pl.Float64(), "mean of the gaps between its days at the place")
REGULARITY_STD_DAYS = Column("regularity_std_days", pl.Float64(), "standard deviation of the gaps, or of their means")
ANCHOR = Column("anchor", pl.String(), "home, second_home, work or study")
HOME_CLUSTER = Column("home_cluster", pl.Int32(), "cluster of the main home of that time")
HOME_AREA = Column("home_area", pl.String(), "GSS code of the main home")
DISTANCE_KM = Column("distance_km", pl.Float64(), "between the centres of the two clusters")

# From where to where.
ORIGIN = Column("origin", pl.String(), "code of the area of home, or of the old home; or all")
DESTINATION = Column(
    "destination", pl.String(), "code of the area of work, or of the new home; or all; of phones none_seen, several too"
)
TOURISM = Column("tourism", pl.String(), "inbound, outbound or domestic")
TRIP = Column("trip", pl.Int32(), "number of the trip of its kind, of the device")
VISIT = Column("visit", pl.String(), "overnight or same_day")
NIGHTS = Column("nights", pl.Int32(), "nights spent")
COUNTRY = Column(
    "country",
    pl.String(),
    "ISO 3166-1 alpha-2 of the country that a visitor comes from (inbound) or is in (outbound); unknown, or all",
)
DEVICES = Column("devices", pl.Float64(), "devices, weighted by where they may be")
PERIOD_TYPE = Column("period_type", pl.String(), "month or year")
MOVERS = Column("movers", pl.Int64(), "users who moved")
WEIGHTED_BY = Column(
    "weighted_by",
    pl.String(),
    "what was known of users: area; as far as it goes age, sex, study (who studies) and activity (how well moves are "
    "seen)",
)
FLOW = Column("flow", pl.Float64(), "people who make the flow, estimated")
FLOW_LOW = Column("flow_low", pl.Float64(), "lower bound of the 95 % interval")
FLOW_HIGH = Column("flow_high", pl.Float64(), "upper bound of the 95 % interval")
OPERATORS = Column("operators", pl.Int32(), "operators that say anything of it")
ERROR_OF_ESTIMATE = Column(
    "error_of_estimate",
    pl.Float64(),
    "standard error: of chance, and of what operators differ by; not of what they share",
)

# Prices.
ITEM_ID = Column("item_id", pl.String(), "consumer price item, such as 210111; all for what is about no single item")
ITEM = Column("item", pl.String(), "name of the item")
GROUP = Column("group", pl.String(), "group of items that is published")
RETAILER = Column("retailer", pl.String(), "shop, in lower case")
RUN = Column("run", pl.String(), "run of the scraper: time at which it started, YYYYMMDDHHMMSS, or name of its file")
COLLECTED_ON = Column("collected_on", pl.Date(), "local day of the quote")
COLLECTED_AT_UTC = Column("collected_at_utc", UTC, "time of the quote")
SHELF = Column("shelf", pl.String(), "shelf, category or address that was scraped")
PRODUCT = Column("product", pl.String(), "name of the product as displayed")
PRICE = Column("price", pl.Float64(), "price of the pack, in the currency")
CURRENCY = Column("currency", pl.String(), "ISO 4217 code")
UNIT_PRICE = Column("unit_price", pl.Float64(), "displayed price for unit_quantity of unit")
UNIT_QUANTITY = Column("unit_quantity", pl.Float64(), "number of units that unit_price is for")
PROMOTION = Column("promotion", pl.String(), "text of the offer")
NOTE = Column("note", pl.String(), "why the person who says so thinks it")
OUTLET = Column("outlet", pl.String(), "branch of the retailer")
SKU = Column("sku", pl.String(), "number of the product, as the retailer has it")
QUANTITY = Column("quantity", pl.Float64(), "number that was sold, in scanner data")
IN_SCOPE = Column("in_scope", pl.Boolean(), "whether the product is the item")
DECIDED_BY = Column("decided_by", pl.String(), "label, model, rule, or nothing: no rule for the item")
NEEDS_REVIEW = Column("needs_review", pl.Boolean(), "whether a person should look at the product")
SCOPE_REASON = Column("scope_reason", pl.String(), "why it was decided so")
MODEL_VERSION = Column("model_version", pl.String(), "model that decided; null where none did")
METHOD = Column("method", pl.String(), "index method, see docs/methods/price_indices.md")
INDEX = Column("index", pl.Float64(), "price index, 100 in its base period")
YEAR = Column("year", pl.Int32(), "first year in which it is used as a weight")
HOUSEHOLDS_ASKED = Column("households_asked", pl.Int64(), "households of the area that the survey asked")
WEIGHT_SHARE = Column("weight_share", pl.Float64(), "share of the weight that lies on items with an index")
INDEXED_ITEMS = Column("items", pl.Int64(), "items with an index")
WEIGHT = Column("weight", pl.Float64(), "share of the item in its group")
CONTRIBUTION = Column("contribution", pl.Float64(), "percentage points of the rate")
PRODUCTS = Column("products", pl.Int64(), "different products that were found")
OBSERVED_QUOTES = Column("observed_quotes", pl.Int64(), "quotes that an index uses, without those that are imputed")
SHARE_IMPUTED = Column("share_imputed", pl.Float64(), "share of the products whose price of the month is imputed")
EDITION = Column("edition", pl.String(), "edition of the published series; its parameter says what that is")
HEADING_TYPE = Column("heading_type", pl.String(), "item, group, division or all")
HEADING = Column("heading", pl.String(), "item_id, name of the group, code of the division, or name of all items")
BASE_PERIOD = Column("base_period", pl.String(), "period in which the index is 100")
REFERENCE_PERIOD = Column("reference_period", pl.String(), "month that is 100 in the figures, or year whose mean is")
SERIES = Column("series", pl.String(), "index that somebody else published: whose it is, and of what kind")

# Readings.
RECEIVED = Column("received", pl.Int32(), "readings received, repeated ones included")
REPEATED = Column("repeated", pl.Int32(), "readings received again with the same value; one of them counts")
CONTRADICTORY = Column("contradictory", pl.Int32(), "half hours received with different values; none of them counts")
NEGATIVE = Column("negative", pl.Int32(), "readings below zero (export), or steps back of a register")
OFF_GRID = Column("off_grid", pl.Int32(), "records whose time is not on the grid of its interval")
UNREADABLE = Column("unreadable", pl.Int32(), "records whose value is missing, no number or not finite")
TOO_LARGE = Column(
    "too_large", pl.Int32(), "records, or half hours of a register, above what a domestic supply can carry"
)
SKIPPED_HOUR = Column("skipped_hour", pl.Int32(), "records in the hour that the clock skips in spring")
ESTIMATED = Column("estimated", pl.Int32(), "readings that their file flags as estimated; they count")
SUBSTITUTED = Column("substituted", pl.Int32(), "readings that their file flags as substituted; they count")
HOURLY = Column("hourly", pl.Int32(), "readings of a whole hour; each is two half hours of half its energy")
PARTIAL = Column("partial", pl.Int32(), "half hours of which some intervals were read and some not")
DELIVERED_MASK = Column(
    "delivered_mask",
    pl.Int64(),
    "half hours of which anything came, whether it can be used or not: bit 0 for the first",
)
ESTIMATED_MASK = Column(
    "estimated_mask", pl.Int64(), "half hours whose reading was estimated or substituted: bit 0 for the first"
)
REPLACED = Column("replaced", pl.Int32(), "half hours that a file received later changed")
TARGET = Column(
    "target",
    pl.String(),
    "size_band, has_children, respondent_over_65, earner_in_work, is_rented or dwelling_type",
)
PROFILE_CLUSTER = Column(
    "profile_cluster", pl.Int32(), "cluster of shapes of days, 0 the largest; -1 for days without a usable shape"
)

# Counts, estimates and what is said of them.
APPLICATION = Column(
    "application", pl.String(), "class of the application: mobile, web, check_in, sharing, automated, other, unknown"
)
TWEETS = Column("tweets", pl.Int32(), "located tweets of the user that the row is about")
DAYS = Column("days", pl.Int32(), "days with data: with any reading, or with a located tweet")
EVIDENCE_DAYS = Column("evidence_days", pl.Int32(), "days with evidence of the anchor")
HOMES = Column("homes", pl.Int64(), "homes behind the figures")
POPULATION = Column("population", pl.Float64(), "people who live there")
DWELLINGS = Column("dwellings", pl.Float64(), "dwellings, with people or empty")
MEAN_PEOPLE = Column("mean_people", pl.Float64(), "mean of the sizes of households, weighted by their shares")
UNIT = Column("unit", pl.String(), "what the numbers are of: kg, l, each, %, devices or trips; of quotes as displayed")
ESTIMATE = Column("estimate", pl.Float64(), "mean over the homes")
LOWER = Column("lower", pl.Float64(), "lower end of its interval")
UPPER = Column("upper", pl.Float64(), "upper end of its interval")
PROBABILITY = Column(
    "probability", pl.Float64(), "that the unit is what the row names: its state, class, area, type or item"
)
VACANT_PROBABILITY = Column(
    "vacant_probability", pl.Float64(), "probability that nobody lives in a home, and that it is no second home"
)
SECOND_HOME_PROBABILITY = Column(
    "second_home_probability", pl.Float64(), "probability that the people of a home live elsewhere most of the time"
)
CONFIDENCE = Column(
    "confidence", pl.Float64(), "probability that the place is visited more than the next; of two places the product"
)
RATIO = Column("ratio", pl.Float64(), "what was found over what is usual; null where the usual is zero or unknown")
IS_SUPPRESSED = Column("is_suppressed", pl.Boolean(), "whether figures are withheld, as too few stand behind them")
SUBJECT_TYPE = Column("subject_type", pl.String(), "kind of what is compared")
SUBJECT = Column("subject", pl.String(), "what is compared, by its code or name; or all")
MEASURE = Column("measure", pl.String(), "what is measured")
VALUE = Column("value", pl.Float64(), "value of the measure; null where it is not defined")
ERROR_CODE = Column("error_code", pl.Int16(), "number of what is wrong; see docs/methods/quality_warnings.md")
REASON = Column("reason", pl.String(), "why it is so, or why figures are missing; null where there is nothing to say")
EVIDENCE = Column("evidence", pl.String(), "why it was found, in a sentence with figures")
TABLE_NAME = Column("table_name", pl.String(), "table")
