"""Households of small areas: shares of sizes, with children, of 65 and over, in work. Never of one home."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.disclosure import EVIDENCE, shares_of
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.meters.areas.dwelling_weights import dwelling_weights
from ons_assets.meters.areas.small_area import coarse_share, of_every_area, tellable
from ons_assets.parameters.meters import AreaParameters, HouseholdParameters

# What a share is of: the target and class of `meters/household_size`.
MEASURES = {
    "one_person": ("size_band", "1"),
    "two_people": ("size_band", "2"),
    "three_or_four": ("size_band", "3-4"),
    "five_or_more": ("size_band", "5+"),
    "has_children": ("has_children", "yes"),
    "respondent_over_65": ("respondent_over_65", "yes"),
    "earner_in_work": ("earner_in_work", "yes"),
    "is_rented": ("is_rented", "yes"),
}
SIZES = tuple(name for name, (target, _) in MEASURES.items() if target == "size_band")
NOT_LEARNED = "too few answers to learn it, or to tell its classes apart"
FEWEST_RESIDUALS = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ModelError:
    """How far the model of one target is off, over all areas.

    Parameters
    ----------
    answers
        Homes that answered, by which it is judged.
    unexplained
        By class: mean square of what is left of an answer, over that of answers about their mean; 1 if profiles say
        nothing.
    variance
        By class: variance of what is left of an answer, within areas.
    between
        By class: variance between areas of the mean of what is left.
    """

    answers: int
    unexplained: Floats
    variance: Floats
    between: Floats

    def kept(self, number: Floats) -> Floats:
        """Return how much of the mean of what is left of so many answers is the area's, and no chance."""
        between, variance = self.between.sum(), self.variance.sum()
        whole = between + variance / np.maximum(number, 1)
        return np.where((number > 0) & (between > 0), between / np.where(whole > 0, whole, 1), 0.0)


def area_households(
    characteristics: pl.DataFrame,
    homes: pl.DataFrame,
    dwellings: pl.DataFrame,
    parameters: AreaParameters | None = None,
) -> pl.DataFrame:
    """Estimate shares of the households of each area.

    A home that answered brings its answer, another its probability, moved by what the answers of its area differ from
    theirs: as much as areas are seen to differ (an empirical best predictor). Each home counts for the dwellings of its
    type that it stands for. The interval carries the sampling of homes and of who answered, what profiles leave
    unexplained, and the error of the model; it follows from the estimate, the numbers of homes and of answers, the
    weights, and figures over all areas: no answer or reading of the area moves it but through the estimate.

    Parameters
    ----------
    characteristics
        Rows of `meters/household_size`.
    homes
        One row a metered home: `meter`, `area_code`, `dwelling_type`, and `lived_in`, the share of its days.
    dwellings
        Dwellings by area and type; without rows all homes count alike.
    parameters
        Level of the intervals, thresholds of the weights, and from when a home holds a household.

    Returns
    -------
    DataFrame
        `area_code`, `measure`, `homes` (those metered of which something is known, whether or not a household lives
        there), `estimate`, `lower`, `upper`, `weighting`, `reason` and what the disclosure step asks of shares; sorted.
        Small areas are in it: it leaves by that step only. A target that could not be learned has null figures.

    References
    ----------
    Rao and Molina (2015), Small area estimation, chapters 5 and 7; Korn and Graubard (1998), Confidence intervals for
    proportions with small expected number of positive counts, Survey Methodology 24, for the effective number.
    """
    parameters = parameters or AreaParameters()
    known = characteristics.filter(pl.col("probability").is_not_null())
    placed = homes.join(known.select("meter").unique(), on="meter", how="semi").sort("area_code", "meter")
    weighted = dwelling_weights(placed, dwellings, parameters.fewest_of_type)
    is_household = pl.col("lived_in") >= parameters.lived_in_share
    lived_in = weighted.filter(is_household)
    share_lived_in = coarse_share(len(lived_in), len(weighted))
    areas = weighted.group_by("area_code").agg(
        homes=pl.len().cast(pl.Int64),
        dwellings=pl.col("dwellings").first(),
        weighting=pl.col("weighting").first(),
        effective=exact_sum("weight") ** 2 / exact_sum(pl.col("weight") ** 2),
    )
    tables = []
    for target in dict.fromkeys(target for target, _ in MEASURES.values()):
        measures = {name: each for name, (of, each) in MEASURES.items() if of == target}
        of_target = known.filter(target=target)
        if not set(measures.values()) <= set(of_target["target_class"]):
            tables += [_not_learned(areas, measure) for measure in measures]
            continue
        wide = _wide(lived_in, of_target)
        error, moved = _moved(wide)
        for measure, of_class in measures.items():
            place = wide.classes.index(of_class)
            brought = wide.homes.with_columns(share=pl.Series(moved[:, place]))
            tables.append(_shares(brought, areas, measure, error, place, share_lived_in, parameters))
    return pl.concat(tables, how="diagonal_relaxed").sort("area_code", "measure")


@dataclass(frozen=True)
class _Wide:
    """Homes with their probabilities and answers, (homes, classes), in one order."""

    homes: pl.DataFrame
    classes: list[str]
    probabilities: Floats
    answers: Floats
    has_answered: npt.NDArray[np.bool_]
    area: npt.NDArray[np.intp]


def _wide(homes: pl.DataFrame, of_target: pl.DataFrame) -> _Wide:
    classes = sorted(set(of_target["target_class"]))
    of_class = {str(place): name for place, name in enumerate(classes)}
    said = of_target.group_by("meter").agg(
        *(pl.col("probability").filter(target_class=name).first().alias(f"p{n}") for n, name in of_class.items()),
        *(pl.col("is_answer").filter(target_class=name).first().alias(f"a{n}") for n, name in of_class.items()),
    )
    both = homes.join(said, on="meter", how="inner").sort("area_code", "meter")
    places = range(len(classes))
    return _Wide(
        both,
        classes,
        both.select(f"p{place}" for place in places).to_numpy(),
        both.select(pl.col(f"a{place}").cast(pl.Float64()).fill_null(0) for place in places).to_numpy(),
        both["a0"].is_not_null().to_numpy(),
        both["area_code"].rank("dense").cast(pl.Int64()).to_numpy() - 1 if len(both) else np.empty(0, dtype=np.intp),
    )


def _moved(wide: _Wide) -> tuple[ModelError, Floats]:
    """Return how far the model is off, and what each home brings: its answer, or its probability moved by its area."""
    answered, area = wide.has_answered, wide.area
    left = (wide.answers - wide.probabilities)[answered]
    count = int(area.max()) + 1 if len(area) else 0
    number = np.bincount(area[answered], minlength=count).astype(float)
    sums = np.stack([np.bincount(area[answered], column, minlength=count).astype(float) for column in left.T], axis=1)
    mean = np.divide(sums, number[:, None], out=np.zeros_like(sums), where=number[:, None] > 0)
    error = _model_error(wide.answers[answered], left, left - mean[area[answered]], mean, number)
    kept = error.kept(number)
    p = np.clip(wide.probabilities + (kept[:, None] * mean)[area], 0, 1)
    p /= p.sum(axis=1, keepdims=True)
    return error, np.where(answered[:, None], wide.answers, p)


def _model_error(answers: Floats, left: Floats, within: Floats, mean: Floats, number: Floats) -> ModelError:
    """Fit the variances by moments: the square of an area's mean is variance / number + between."""
    homes, areas = len(left), int((number > 0).sum())
    plain = answers.var(axis=0)
    free = homes - areas
    if free < FEWEST_RESIDUALS:
        return ModelError(homes, np.ones_like(plain), plain, np.zeros_like(plain))
    variance = (within**2).sum(axis=0) / free
    between = (number @ mean**2 - areas * variance) / homes
    total = max(between.sum(), 0.0)
    unexplained = np.divide((left**2).mean(axis=0), plain, out=np.ones_like(plain), where=plain > 0)
    # Between areas each class has the part that it has within: then classes are moved alike, and still add up.
    of_class = variance / variance.sum() if variance.sum() > 0 else np.full_like(variance, 1 / len(variance))
    return ModelError(homes, np.clip(unexplained, 0, 1), variance, total * of_class)


def _shares(
    brought: pl.DataFrame,
    areas: pl.DataFrame,
    measure: str,
    error: ModelError,
    place: int,
    share_lived_in: float,
    parameters: AreaParameters,
) -> pl.DataFrame:
    """Return the rows of one measure."""
    found = (
        brought.group_by("area_code", maintain_order=True)
        .agg(
            estimate=exact_sum(pl.col("share") * pl.col("weight")) / exact_sum("weight"),
            answered=pl.col("a0").is_not_null().sum(),
            households=pl.len().cast(pl.Int64()),
            **shares_of("share", "weight"),
        )
        .join(areas, on="area_code")
    )
    p, homes = found["estimate"].to_numpy(), found["homes"].to_numpy() * share_lived_in
    dwellings = found["dwellings"].cast(pl.Float64()).fill_null(np.nan).to_numpy() * share_lived_in
    # A finer number would tell, by the interval, how many of few homes answered.
    step = np.maximum(parameters.fewest_contributors, homes / 20)
    answered = np.minimum(np.floor(found["answered"].to_numpy() / step) * step / np.maximum(homes, 1), 1)
    design_effect = found["homes"].to_numpy() / found["effective"].to_numpy()
    z = NormalDist().inv_cdf(0.5 + parameters.level / 2)
    centre = (p * homes + z**2 / 2) / (homes + z**2)
    variance = estimate_variance(centre * (1 - centre), homes, dwellings, answered, design_effect, error, place)
    # So many homes of a simple random sample would tell as much.
    effective = centre * (1 - centre) / variance
    middle = (p * effective + z**2 / 2) / (effective + z**2)
    half = z * np.sqrt(middle * (1 - middle) / (effective + z**2))
    told = found.select(
        "area_code",
        "households",
        "estimate",
        pl.Series("lower", np.clip(np.minimum(middle - half, p), 0, 1)),
        pl.Series("upper", np.clip(np.maximum(middle + half, p), 0, 1)),
        *EVIDENCE,
    )
    every = areas.select("area_code", "homes", "weighting", measure=pl.lit(measure), reason=pl.lit(None, pl.String()))
    return of_every_area(told, every, "households").with_columns(households=tellable("households", parameters))


def estimate_variance(
    spread: Floats,
    homes: Floats,
    dwellings: Floats,
    answered: Floats,
    design_effect: Floats,
    error: ModelError,
    place: int,
) -> Floats:
    """Return the variance of the estimates of areas about the shares of all their households.

    An answer is what profiles tell of a home, and what they leave. Of the first, the sample of the metered homes is in
    error. Of the second, those who answered are a sample too, and of all others it is not known. For those who did not
    answer comes what the model is wrong by in the area, and over all areas.

    Parameters
    ----------
    spread
        Variance of an answer in the area.
    homes, dwellings
        Households metered, and in all; NaN where not counted: then the variance is the largest of any number.
    answered
        Share of the metered that answered.
    design_effect
        By how much unequal weights raise the variance of a mean.
    error
        Of the model of the target.
    place
        Class.
    """
    homes = np.maximum(homes, 1)
    told, left = (1 - error.unexplained[place]) * spread, error.unexplained[place] * spread
    silent = 1 - answered
    # It is linear in one over the number of all, so largest where all are metered, or where few are.
    of_all = np.where(left * (1 - 2 * answered) > told, 1 / homes, 0.0)
    of_all = np.where(np.isnan(dwellings), of_all, 1 / np.fmax(dwellings, homes))
    replies = homes * answered
    of_sample = told * (design_effect / homes - of_all)
    of_rest = left * (replies * (np.sqrt(design_effect) / homes - of_all) ** 2 + of_all - replies * of_all**2)
    of_area = error.between[place] * (1 - error.kept(replies))
    of_model = left / max(error.answers, 1)
    variance_of_all: Floats = of_sample + of_rest + silent**2 * (of_area + of_model)
    return np.maximum(variance_of_all, 1e-9)


def mean_people(told: pl.DataFrame, size: HouseholdParameters | None = None, level: float = 0.95) -> pl.DataFrame:
    """Return the mean number of people of the households of areas, of what is published of their sizes.

    It is made of the shares that left, and of nothing else: where one of them is withheld, there is no mean, as the
    withheld one would follow from it.

    Parameters
    ----------
    told
        Rows of `meters/area_households`.
    size
        Mean people of the bands 3-4 and 5+.
    level
        Of the intervals of the shares, and so of these.

    Returns
    -------
    DataFrame
        `area_code`, `homes`, `mean_people`, `lower`, `upper`, `reason`; sorted.
    """
    size = size or HouseholdParameters()
    people = dict(zip(SIZES, (1.0, 2.0, size.people_3_4, size.people_5_plus), strict=True))
    z = NormalDist().inv_cdf(0.5 + level / 2)
    shares = told.filter(pl.col("measure").is_in(list(people))).sort("area_code", "measure")
    p, n = pl.col("estimate"), pl.col("measure").replace_strict(people, return_dtype=pl.Float64())
    mean = (p * n).sum()
    # As many homes as a simple random sample of shares with these intervals would have.
    effective = (p * (1 - p)).sum() / (((pl.col("upper") - pl.col("lower")) / (2 * z)) ** 2).sum()
    spread = (p * (n - mean) ** 2).sum()
    made = shares.group_by("area_code", maintain_order=True).agg(
        homes=pl.col("homes").first(),
        mean_people=mean,
        half=z * (spread / effective).sqrt(),
        is_told=p.is_not_null().all() & (pl.len() == len(people)),
    )
    figures = ("homes", "mean_people", "lower", "upper")
    return made.with_columns(
        lower=(pl.col("mean_people") - pl.col("half")).clip(1, size.people_5_plus),
        upper=(pl.col("mean_people") + pl.col("half")).clip(1, size.people_5_plus),
    ).select(
        "area_code",
        *(pl.when("is_told").then(name).alias(name) for name in figures),
        reason=pl.when(~pl.col("is_told")).then(pl.lit("not all shares of sizes are told")),
    )


def _not_learned(areas: pl.DataFrame, measure: str) -> pl.DataFrame:
    nothing = pl.lit(None, pl.Float64())
    return areas.select(
        "area_code",
        "homes",
        "weighting",
        measure=pl.lit(measure),
        reason=pl.lit(NOT_LEARNED),
        # There is no figure; what is said of the area is its number of homes, and why.
        households="homes",
        estimate=nothing,
        lower=nothing,
        upper=nothing,
        **dict.fromkeys(EVIDENCE, pl.lit(None)),
    )
