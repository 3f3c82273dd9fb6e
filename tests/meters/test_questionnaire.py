"""Answers of households in the columns of the CER survey, and the areas of meters."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue.meters import METER_AREAS, QUESTIONNAIRE
from ons_assets.intake.source import Piece, Source
from ons_assets.intake.unreadable import Unreadable
from ons_assets.meters.areas.meter_areas import MeterAreaFiles
from ons_assets.meters.households.questionnaire import QuestionnaireFiles
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.parameters.meters import MeterAreaParameters, Meters
from ons_assets.simulate.meters import Scale, simulate_meters
from tests.meters.conftest import SECRET, keyed

HEADER = "ID,Question 300: age,Question 410: who,Question 420: over,Question 43111: under\n"


def survey(tmp_path: Path) -> QuestionnaireFiles:
    return QuestionnaireFiles(home=keyed(tmp_path))


def places(tmp_path: Path) -> MeterAreaFiles:
    return MeterAreaFiles(home=keyed(tmp_path), trials=Meters().meter_areas.trials)


def parsed(source: Source, path: Path) -> Piece:
    return source.whole(path, path.name, datetime(2026, 6, 1, tzinfo=UTC))


def answers(tmp_path: Path, *rows: str, header: str = HEADER) -> Piece:
    path = tmp_path / "survey.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return parsed(survey(tmp_path), path)


def areas(tmp_path: Path, *rows: str, header: str = "meter,area_code\n") -> Piece:
    path = tmp_path / "areas.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return parsed(places(tmp_path), path)


def test_answers_become_households(tmp_path: Path) -> None:
    made = answers(tmp_path, "1392,6,1,,", "1393,3,2,2,", "1394,3,3,2,2", "1395,7,3,3,3").accepted
    assert made["people"].to_list() == [1, 2, 4, 6]
    assert made["size_band"].to_list() == ["1", "2", "3-4", "5+"]
    assert made["has_children"].to_list() == [False, False, True, True]
    assert made["respondent_over_65"].to_list() == [True, False, False, None]
    assert made["meter"][0] == Pseudonyms(SECRET).of("cer", "1392")
    assert made["line"].to_list() == [2, 3, 4, 5]
    QUESTIONNAIRE.conform(made.with_columns(drop_sha256=pl.lit("0")))


def test_more_questions_may_be_answered(tmp_path: Path) -> None:
    header = HEADER.strip() + ",Question 310: work,Question 450: home,Question 452: own\n"
    rows = ("1,6,1,,,6,1,2", "2,3,2,2,,3,5,4", "3,3,2,2,,9,6,5", "4,3,2,2,,,,")
    made = answers(tmp_path, *rows, header=header).accepted
    assert made["earner_in_work"].to_list() == [False, True, None, None]
    assert made["dwelling_type"].to_list() == ["flat", "detached", None, None]
    assert made["is_rented"].to_list() == [True, False, None, None]
    plain = answers(tmp_path, "1,6,1,,").accepted
    assert plain.select("earner_in_work", "dwelling_type", "is_rented").row(0) == (None, None, None)


def test_answers_that_say_nothing_or_contradict_themselves_have_a_reason(tmp_path: Path) -> None:
    made = answers(tmp_path, "1,3,,2,", "2,3,2,,", "3,3,3,2,0", "4,3,2,1,", "5,3,9,2,2", "6,3,3,14,7", "7,x,2,2,")
    assert made.accepted["people"].to_list() == [None] * 6 + [2]
    assert made.accepted["reason"].to_list() == [
        "who lives there is not said",
        "how many live there is not said",
        "the answers contradict each other",
        "the answers contradict each other",
        "who lives there is not said",
        "the household is larger than the survey can say",
        None,
    ]


def test_rows_that_are_no_answer_are_rejected_with_their_line(tmp_path: Path) -> None:
    made = answers(tmp_path, "1,3,1,,", ",3,1,,", "2,3,1,,", "2,3,2,2,", "1,3,1,,", "4,3", "5,3,1,,")
    assert made.rejected.select("line", "reason").rows() == [
        (3, "meter is missing"),
        (4, "contradicts line 5"),
        (5, "contradicts line 4"),
        (6, "repeats line 2"),
        (7, "2 fields where 5 are expected"),
    ]
    assert made.accepted["line"].to_list() == [2, 8]


def test_files_that_are_no_survey(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="in a layout that is not known"):
        answers(tmp_path, "1,2,3,4", header="meter,Question 300,Question 420,Question 43111\n")
    path = tmp_path / "survey.csv"
    path.write_text(HEADER)
    assert survey(tmp_path).recognises(path, path.name)
    assert not places(tmp_path).recognises(path, path.name)
    with pytest.raises(Unreadable, match="has a header and no rows"):
        parsed(survey(tmp_path), path)
    path.write_bytes(b"")
    with pytest.raises(Unreadable, match="is empty"):
        parsed(survey(tmp_path), path)


def test_simulated_answers_meet_the_simulated_meters(tmp_path: Path) -> None:
    scale = Scale("test", homes=20, days=3)
    simulate_meters(tmp_path / "drops", tmp_path / "truth", survey_drops=tmp_path / "survey", scale=scale)
    (answered,) = (tmp_path / "survey").glob("*survey*.csv")
    made = parsed(survey(tmp_path), answered).accepted
    assert made["reason"].null_count() == len(made) > 5
    pseudonyms = Pseudonyms(SECRET)
    truth = pl.read_parquet(tmp_path / "truth" / "homes.parquet").filter(pl.col("file") != "LCL_simulated.csv")
    truth = truth.with_columns(meter=pl.Series(pseudonyms.all_of("cer", truth["meter"]), dtype=pl.Int64()))
    both = made.join(truth, on="meter", validate="1:1")
    assert len(both) == len(made)
    assert both.select((pl.col("people") == pl.col("size")).all()).item()
    placed = parsed(places(tmp_path), tmp_path / "survey" / "meter_areas.csv").accepted
    assert len(placed) == 20
    assert truth.join(placed, on="meter").select((pl.col("area_code") == pl.col("area_code_right")).all()).item()


def test_a_meter_is_in_one_area_of_one_trial(tmp_path: Path) -> None:
    made = areas(tmp_path, "1,A", "2,A", "2.0,B", "3,", ",A", "MAC000002,C", "x-9,C", "1 ,A", f"4,{'A' * 33}")
    assert made.accepted["line"].to_list() == [2, 7]
    assert made.accepted["meter"].to_list() == [
        Pseudonyms(SECRET).of("cer", "1"),
        Pseudonyms(SECRET).of("low-carbon-london", "MAC000002"),
    ]
    assert made.rejected.select("line", "reason").rows() == [
        (3, "contradicts line 4"),
        (4, "contradicts line 3"),
        (5, "area_code is missing"),
        (6, "meter is missing"),
        (8, "nothing says of which trial the meter is (say it in a column trial)"),
        (9, "repeats line 2"),
        (10, "area_code is longer than 32 characters"),
    ]
    METER_AREAS.conform(made.accepted.with_columns(drop_sha256=pl.lit("0")))


def test_a_file_of_areas_may_say_the_trial(tmp_path: Path) -> None:
    made = areas(tmp_path, "1,A,edrp", "1,B,cer", "2,B,", header="meter,area_code,trial\n")
    assert made.accepted["meter"].to_list() == [Pseudonyms(SECRET).of(trial, "1") for trial in ("edrp", "cer")]
    assert made.rejected["reason"].to_list() == ["nothing says of which trial the meter is (say it in a column trial)"]


def test_areas_may_come_as_parquet_with_numbers(tmp_path: Path) -> None:
    path = tmp_path / "areas.parquet"
    pl.DataFrame({"meter": [1.0, 2.0], "area_code": [7, 8]}).write_parquet(path)
    assert places(tmp_path).recognises(path, path.name)
    made = parsed(places(tmp_path), path).accepted
    assert made["meter"].to_list() == [Pseudonyms(SECRET).of("cer", name) for name in ("1", "2")]
    assert made["area_code"].to_list() == ["7", "8"]


def test_a_file_without_areas_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="in a layout that is not known"):
        areas(tmp_path, "1,A", header="meter,place\n")


def test_a_pattern_that_is_none_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ValueError, match="is not a pattern"):
        MeterAreaParameters(trials={"(": "cer"})
