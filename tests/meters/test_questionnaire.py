"""Answers of households in the columns of the CER survey, and the areas of meters."""

from pathlib import Path

import polars as pl
import pytest

from ons_assets.lakehouse.sources import Unreadable
from ons_assets.meters.identifiers import Pseudonyms
from ons_assets.meters.questionnaire import read_meter_areas, read_questionnaire
from ons_assets.simulate.meters import Scale, simulate_meters
from tests.meters.conftest import SECRET

HEADER = "ID,Question 300: age,Question 410: who,Question 420: over,Question 43111: under\n"


def answers(tmp_path: Path, *rows: str, header: str = HEADER) -> pl.DataFrame:
    path = tmp_path / "survey.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return read_questionnaire(path, Pseudonyms(SECRET))


def test_answers_become_households(tmp_path: Path) -> None:
    made = answers(tmp_path, "1392,6,1,,", "1393,3,2,2,", "1394,3,3,2,2", "1395,7,3,3,3")
    assert made["people"].to_list() == [1, 2, 4, 6]
    assert made["size_band"].to_list() == ["1", "2", "3-4", "5+"]
    assert made["has_children"].to_list() == [False, False, True, True]
    assert made["respondent_over_65"].to_list() == [True, False, False, None]
    assert made["meter"][0] == Pseudonyms(SECRET).of("cer", "1392")


def test_answers_that_say_nothing_or_contradict_themselves_have_a_reason(tmp_path: Path) -> None:
    made = answers(tmp_path, "1,3,,2,", "2,3,2,,", "3,3,3,2,0", "4,3,2,1,", "5,3,9,2,2", "6,3,3,14,7", "7,x,2,2,")
    assert made["people"].to_list() == [None] * 6 + [2]
    assert made["reason"].to_list() == [
        "who lives there is not said",
        "how many live there is not said",
        "the answers contradict each other",
        "the answers contradict each other",
        "who lives there is not said",
        "the household is larger than the survey can say",
        None,
    ]


def test_files_that_are_no_survey(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="lacks the columns ID, Question 410"):
        answers(tmp_path, "1,2,3", header="meter,Question 300,Question 420,Question 43111\n")
    with pytest.raises(Unreadable, match="answered twice"):
        answers(tmp_path, "1,3,1,,", "1,3,2,2,")


def test_simulated_answers_meet_the_simulated_meters(tmp_path: Path) -> None:
    scale = Scale("test", homes=20, days=3)
    simulate_meters(tmp_path / "drops", tmp_path / "truth", survey_drops=tmp_path / "survey", scale=scale)
    (survey,) = (tmp_path / "survey").glob("*survey*.csv")
    pseudonyms = Pseudonyms(SECRET)
    made = read_questionnaire(survey, pseudonyms)
    assert made["reason"].null_count() == len(made) > 5
    truth = pl.read_parquet(tmp_path / "truth" / "homes.parquet").filter(pl.col("file") != "LCL_simulated.csv")
    truth = truth.with_columns(meter=pl.Series(pseudonyms.all_of("cer", truth["meter"]), dtype=pl.Int64()))
    both = made.join(truth, on="meter", validate="1:1")
    assert len(both) == len(made)
    assert both.select((pl.col("people") == pl.col("size")).all()).item()
    trials = {r"\d+": "cer", r"MAC\d+": "low-carbon-london"}
    areas = read_meter_areas(tmp_path / "survey" / "meter_areas.csv", pseudonyms, trials)
    assert len(areas) == 20
    assert truth.join(areas, on="meter").select((pl.col("area_code") == pl.col("area_code_right")).all()).item()


def test_a_meter_in_two_areas_is_refused(tmp_path: Path) -> None:
    (tmp_path / "areas.csv").write_text("meter,area_code\n1,A\n1,B\n")
    with pytest.raises(Unreadable, match="in two areas"):
        read_meter_areas(tmp_path / "areas.csv", Pseudonyms(SECRET), {r"\d+": "cer"})
