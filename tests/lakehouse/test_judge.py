"""Great Expectations is imported without what is seldom asked of it, and loses no expectation by that."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ons_assets.lakehouse import judge
from tests.lakehouse.test_gate import audit, counts, expect

WEIGHTS = {"values": [1, 2, 3], "weights": [0.25, 0.5, 0.25]}


def test_what_is_seldom_asked_for_is_not_imported_and_is_there_when_it_is_asked_for() -> None:
    asked = (
        "import sys\n"
        "from ons_assets.lakehouse.judge import SELDOM_ASKED_FOR, great_expectations\n"
        "gx = great_expectations()\n"
        "assert not {*SELDOM_ASKED_FOR} & {*sys.modules}, 'they were imported'\n"
        "from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence\n"
        "assert divergence.stats.entropy([0.5, 0.5], [0.5, 0.5]) == 0\n"
        "import altair, scipy.stats\n"
        "assert altair.Chart is divergence.alt.Chart\n"
        "assert scipy.stats.entropy is divergence.stats.entropy\n"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("trips", "is_like_it"), [((1, 2, 2, 3), True), ((3, 3, 3, 3), False)])
def test_an_expectation_of_a_distribution_is_evaluated(trips: tuple[int, ...], is_like_it: bool) -> None:
    like = expect(
        "column_kl_divergence_to_be_less_than",
        column="trips",
        partition_object=WEIGHTS,
        threshold=0.01,
        internal_weight_holdout=0,
        tail_weight_holdout=0,
    )
    found = audit(counts(*trips), like)
    assert [failure.expectation for failure in found.failures] == (
        [] if is_like_it else ["column kl divergence to be less than"]
    )
    assert "could not be evaluated" not in found.reason


def test_batches_go_unmarked() -> None:
    markers = audit(counts(1, 2), expect("table_row_count_to_be_between", min_value=1)).result["meta"]["batch_markers"]
    assert markers["pandas_data_fingerprint"] == judge.UNMARKED


def test_who_was_imported_before_is_not_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ModuleType("a_module")
    monkeypatch.setitem(sys.modules, "a_module", before)
    with judge._put_off(("a_module", "another_module")):
        assert sys.modules["a_module"] is before
        assert sys.modules["another_module"] is not before
    assert sys.modules["a_module"] is before
    assert "another_module" not in sys.modules


def test_who_is_not_there_is_missed_when_it_is_asked_for() -> None:
    with judge._put_off(("not_installed",)):
        import not_installed  # type: ignore[import-not-found]
    with pytest.raises(ModuleNotFoundError):
        not_installed.something  # noqa: B018


def test_nobody_imports_it_but_by_the_judge() -> None:
    """Beside it stands what ends a process (PySpark's client), and what takes long to import."""
    root = Path(judge.__file__).parents[2]
    imports = re.compile(r"^ *import great_expectations|preload.*great_expectations", re.MULTILINE)
    files = [path for folder in ("ons_assets", "benchmarks", "tests") for path in (root / folder).rglob("*.py")]
    found = {path.relative_to(root) for path in files if imports.search(path.read_text())}
    assert found == {Path(__file__).relative_to(root)}, "which names it to find it"
