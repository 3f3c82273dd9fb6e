"""What is learned of households: targets, models, and that no home is told by a model that saw its answer."""

import numpy as np
import polars as pl
import pytest

from ons_assets.meters.households.household_accuracy import accuracies, scores
from ons_assets.meters.households.household_model import classes_of, design, fit_household_model, out_of_fold, profile
from ons_assets.meters.households.household_tables import household_tables
from ons_assets.meters.households.targets import SIZE_BANDS, joined_bands, labelled
from ons_assets.meters.profiles.load_profiles import INDICATORS, descriptors
from ons_assets.parameters.meters import HouseholdParameters
from ons_assets.simulate.meters import survey as simulated
from tests.meters.homes import readings_of, world

QUICK = HouseholdParameters(repeats=2)


def band(people: int) -> str:
    return "1" if people == 1 else "2" if people == 2 else "3-4" if people < 5 else "5+"


@pytest.fixture(scope="module")
def survey():
    homes = [home for home in world(330, 42, seed=5) if str(home.household.kind) == "main"]
    answers = pl.DataFrame(
        {
            "meter": np.arange(len(homes)),
            "size_band": [band(home.household.size) for home in homes],
            "has_children": [home.household.children > 0 for home in homes],
            "earner_in_work": [simulated.employment_of(home.household) == simulated.EMPLOYEE for home in homes],
        }
    )
    return descriptors(readings_of(homes)), answers


def noise(homes: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return indicators and answers that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    indicators = {name: rng.gamma(2, 1, homes) for name in INDICATORS}
    described = pl.DataFrame({"bucket": np.zeros(homes, dtype=np.int16), "meter": np.arange(homes), **indicators})
    coins = {name: rng.random(homes) < 0.5 for name in ("has_children", "respondent_over_65")}
    nothing = {name: pl.Series([None] * homes, dtype=pl.Boolean()) for name in ("earner_in_work", "is_rented")}
    answers = pl.DataFrame({"meter": np.arange(homes), "size_band": ["1"] * homes, **coins, **nothing})
    return described, answers.with_columns(dwelling_type=pl.lit(None, pl.String()))


def test_profiles_say_more_of_size_and_employment_than_chance_and_than_the_level(survey):
    for target in ("size_band", "earner_in_work"):
        homes = labelled(*survey, target)
        table, said = accuracies(homes, target, QUICK)
        assert table["model"].to_list() == ["most frequent", "level only", "profile"]
        chance, level, found = table["balanced_accuracy"]
        assert chance == pytest.approx(1 / len(classes_of(homes)))
        assert found > level >= chance
        assert table["log_loss"][2] < table["log_loss"][0]
        assert table["brier_score"][2] < table["brier_score"][0]
        assert (table["accuracy_least"] <= table["accuracy"]).all()
        assert (table["accuracy"] <= table["accuracy_most"]).all()
        assert table["accuracy_upper"][2] - table["accuracy_lower"][2] > 0.05
        np.testing.assert_allclose(said.mean(axis=0), [(homes["answer"] == each).mean() for each in classes_of(homes)],
                                   atol=0.02)  # fmt: skip


def test_a_home_that_answered_is_never_told_by_a_model_that_saw_its_answer():
    """Coins cannot be foretold: what does better than chance, or is surer than chance lets, has seen them."""
    right, surprise, seen_right, n = 0.0, 0.0, 0, 0
    for seed in range(4):
        described, answers = noise(60, seed)
        rows, _ = household_tables(described, answers, HouseholdParameters(repeats=2, coefficient_sd=5))
        said = rows.filter(target="has_children", basis="out_of_fold")
        assert said["meter"].n_unique() == 60
        told = said.filter("is_answer")["probability"].to_numpy()
        right, surprise, n = right + (told > 0.5).sum(), surprise - np.log(told.clip(1e-6)).sum(), n + len(told)
        seen = fit_household_model(described, answers, "has_children", HouseholdParameters(coefficient_sd=5))
        fitted = seen.probabilities(described).join(answers, on="meter")
        is_right = (pl.col("target_class") == "yes") == pl.col("has_children")
        seen_right += fitted.filter(is_right & (pl.col("probability") > 0.5)).height
    assert seen_right / n > 0.7, "the test would see a model that has seen them"
    assert right / n < 0.5 + 3 * np.sqrt(0.25 / n)
    assert surprise / n > np.log(2)


def test_answers_of_other_homes_alone_say_what_a_home_is(survey):
    """A home's own answer changed, what is said of it stays, but for the seed that parts the classes."""
    described, answers = survey
    homes = labelled(described, answers, "has_children")
    p = out_of_fold(homes, profile(QUICK), folds=5, seed=0)
    from sklearn.model_selection import StratifiedKFold

    y = homes["answer"].to_numpy().astype(str)
    for fitted, told in StratifiedKFold(5, shuffle=True, random_state=0).split(y, y):
        model = profile(QUICK).fit(design(homes)[fitted], y[fitted])
        np.testing.assert_allclose(p[told], model.predict_proba(design(homes)[told]))


def test_every_home_has_one_basis_and_its_probabilities_add_up(survey):
    described, answers = survey
    half = answers.height // 2
    more = answers.with_columns(
        respondent_over_65=pl.lit(None, pl.Boolean()),
        is_rented=pl.lit(None, pl.Boolean()),
        dwelling_type=pl.lit(None, pl.String()),
    )
    rows, accuracy = household_tables(described, more.head(half), QUICK)
    sizes = rows.filter(target="size_band")
    assert sizes["meter"].n_unique() == described.height
    total = sizes.group_by("meter").agg(
        pl.col("probability").sum(), pl.col("basis").n_unique(), pl.col("is_answer").sum()
    )
    np.testing.assert_allclose(total["probability"].to_numpy(), 1)
    assert set(total["basis"]) == {1}
    by_basis = dict(sizes.group_by("basis").agg(pl.col("meter").n_unique()).rows())
    assert by_basis == {"out_of_fold": half, "predicted": described.height - half}
    assert (
        sizes.filter(basis="out_of_fold").group_by("meter").agg(pl.col("is_answer").sum())["is_answer"].to_list()
        == [1] * half
    )
    assert sizes.filter(basis="predicted")["is_answer"].null_count() == len(sizes.filter(basis="predicted"))
    assert accuracy.filter(target="is_rented")["warning"].str.contains("two classes or more").all()


def test_a_target_that_profiles_cannot_know_is_warned_of():
    table, _ = accuracies(labelled(*noise(200, 0), "has_children"), "has_children", QUICK)
    assert "say little" in table["warning"][0]
    lower, upper = table.filter(model="profile").select("accuracy_lower", "accuracy_upper").row(0)
    assert lower < 0.5 < upper


def test_a_model_says_nothing_of_homes_without_a_profile(survey):
    described, answers = survey
    model = fit_household_model(described, answers)
    assert model.probabilities(described.clear()).height == 0
    unknown = described.with_columns(pl.lit(None, pl.Float64).alias(name) for name in INDICATORS)
    assert model.probabilities(unknown).height == 0
    assert np.isnan(design(unknown)).all()


def test_scores_are_those_of_scikit_learn():
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss

    rng = np.random.default_rng(1)
    classes = ("a", "b", "c")
    p, answers = rng.dirichlet(np.ones(3), 200), rng.choice(classes, 200, p=(0.6, 0.3, 0.1))
    made, said = scores(answers, classes, p), np.array(classes)[p.argmax(axis=1)]
    assert made["accuracy"] == pytest.approx(accuracy_score(answers, said))
    assert made["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(answers, said))
    assert made["log_loss"] == pytest.approx(log_loss(answers, p))
    assert scores(answers, classes, np.eye(3)[np.searchsorted(classes, answers)])["brier_score"] == 0


@pytest.mark.parametrize(
    ("homes", "names"),
    [
        ((20, 20, 20, 20), ["1", "2", "3-4", "5+"]),
        ((20, 20, 20, 3), ["1", "2", "3+", "3+"]),
        ((20, 20, 4, 3), ["1", "2+", "2+", "2+"]),
        ((4, 20, 20, 20), ["1-2", "1-2", "3-4", "5+"]),
        ((20, 4, 6, 20), ["1", "2-4", "2-4", "5+"]),
        ((3, 2, 1, 0), ["1+", "1+", "1+", "1+"]),
    ],
)
def test_bands_with_few_homes_are_joined(homes, names):
    joined = joined_bands(np.repeat(SIZE_BANDS, homes), 10)
    expected = np.repeat(names, homes)
    assert joined.tolist() == expected.tolist()


def test_too_few_or_strange_answers_are_refused(survey):
    described, answers = survey
    with pytest.raises(ValueError, match="at least 10 labelled homes"):
        fit_household_model(described, answers.head(12))
    with pytest.raises(ValueError, match="unknown classes"):
        fit_household_model(described, answers.with_columns(size_band=pl.lit("many")))
    with pytest.raises(ValueError, match="target must be one of"):
        fit_household_model(described, answers, "income")
