"""The pages of the report beside the UI: found, and nothing else of the home with them."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.report.pages import path_of
from ons_assets.orchestration.guard import guarded
from ons_assets.orchestration.report_pages import REPORT, address_of, with_report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the report is to be, in a home that has more."""
    (tmp_path / "secret.key").write_text("of the home")
    return tmp_path / "reports" / "governance"


@pytest.fixture
def client(folder: Path) -> TestClient:
    ui = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("the UI"))])
    return TestClient(guarded(with_report(ui, folder), ["localhost"]), base_url="http://localhost")


def written(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def test_the_report_is_found_as_soon_as_it_is_there_and_all_else_is_the_ui(client: TestClient, folder: Path) -> None:
    assert client.get(f"{REPORT}/").status_code == 404
    written(folder, "index.html", "how the figures stand")
    written(folder, path_of("prices/raw_quotes"), "quotes")
    assert client.get(REPORT).text == client.get(f"{REPORT}/").text == "how the figures stand"
    assert client.get(address_of(CATALOGUE["prices/raw_quotes"])).text == "quotes"
    assert client.get(f"{REPORT}/none.html").status_code == 404
    for path in ("/", "/reports", "/assets/prices/report/", "/runs"):
        assert client.get(path).text == "the UI"


@pytest.mark.parametrize(
    "path",
    [
        "../../secret.key",
        "%2e%2e/%2e%2e/secret.key",
        "..%2f..%2fsecret.key",
        "tables/../../../secret.key",
        "//secret.key",
    ],
)
def test_no_other_file_of_the_home_is_found_beside_it(client: TestClient, folder: Path, path: str) -> None:
    written(folder, "index.html", "how the figures stand")
    assert "of the home" not in client.get(f"{REPORT}/{path}").text
    (folder / "link.html").symlink_to(folder.parent.parent / "secret.key")
    assert client.get(f"{REPORT}/link.html").status_code == 404


def test_it_is_guarded_as_the_ui_is(client: TestClient, folder: Path) -> None:
    written(folder, "index.html", "how the figures stand")
    assert client.get(f"{REPORT}/", headers={"host": "elsewhere.example"}).status_code == 421
    assert client.get(f"{REPORT}/").headers["x-frame-options"] == "DENY"
    assert client.post(f"{REPORT}/").status_code == 405


def test_every_table_is_looked_for_where_its_page_is() -> None:
    for table in CATALOGUE.values():
        assert address_of(table) == f"{REPORT}/{path_of(table.name)}"
