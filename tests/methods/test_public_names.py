"""What analysts may rely on: the names of `ons_assets`, as docs/python.md promises them."""

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ons_assets

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "python.md"

# Whoever changes one of these changes other people's programs: docs/python.md says how that is done.
SIGNATURES = {
    "compare_flows": "(estimate, benchmark)",
    "dbscan": "(points, *, by=None, eps_m=20.0, min_points=3)",
    "infer_anchors": "(stays, *, source='stays', parameters=None, terms=None)",
    "occupancy_probabilities": "(readings, *, method='hmm', parameters=None)",
    "price_index": (
        "(quotes, method, *, by=None, base=None, window=None, splice=None, chain=None, periods=None,"
        " weight_period=None, carry=False, min_matched=1, features=None, sigma=None, order=None)"
    ),
    "protect": "(counts, *, count='count', totals=None, fewest=10, unit='units', rounded_to=None)",
}
# A notebook that asks for an index waits for no pipeline.
LOADED_BY_EXAMPLES = """
import doctest, importlib, sys
import ons_assets
assert not {"numpy", "polars"} & set(sys.modules), "nothing is loaded before it is asked for"
for name in ons_assets.__all__:
    module = importlib.import_module(getattr(ons_assets, name).__module__)
    assert doctest.testmod(module).failed == 0, name
unwanted = {"dagster", "great_expectations", "deltalake", "duckdb", "altair", "sklearn", "pydantic_settings"}
print(sorted(unwanted & set(sys.modules)))
"""


def test_the_public_names_are_those_that_are_promised() -> None:
    assert sorted(ons_assets.__all__) == sorted(SIGNATURES) == dir(ons_assets)
    assert all(f"`{name}`" in PAGE.read_text() for name in SIGNATURES)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_public_function_is_called_as_it_was(name: str) -> None:
    signature = inspect.signature(getattr(ons_assets, name))
    plain = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_public_function_says_all_that_its_user_needs(name: str) -> None:
    text = inspect.getdoc(getattr(ons_assets, name)) or ""
    sections = re.findall(r"^([A-Z][A-Za-z ]+)\n-+$", text, re.MULTILINE)
    assert sections == ["Parameters", "Returns", "Raises", "See Also", "References", "Examples"]
    pages = re.findall(r"docs/[\w/]+\.md", text)
    assert pages
    assert all((REPOSITORY / page).is_file() for page in pages)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'price_indices'"):
        ons_assets.price_indices  # type: ignore[attr-defined]  # noqa: B018


def test_no_pipeline_is_loaded_by_any_of_them() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED_BY_EXAMPLES], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 6
    assert result.failed == 0
