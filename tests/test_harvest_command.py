"""The commands of harvesters: what a person types first, and what is said where nothing can be done."""

from pathlib import Path

import pytest
import yaml

from ons_assets.cli import main
from ons_assets.collectors.streams.process import command_of


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, fails: bool = False) -> str:
    """Return what a command prints, its errors too."""
    if fails:
        with pytest.raises(SystemExit):
            main([*map(str, words)])
    else:
        with pytest.raises(SystemExit) as end:
            main([*map(str, words)])
        assert not end.value.code
    shown = capsys.readouterr()
    return " ".join((shown.out + shown.err).split())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "collectors" / "streams").mkdir(parents=True)
    return tmp_path


def test_from_an_example_to_a_stream_that_is_in_order(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(capsys, "harvest", "example") == "jetstream mastodon x"
    assert "there are jetstream, mastodon and x" in said(capsys, "harvest", "example", "y", fails=True)
    monkeypatch.delenv("X_BEARER_TOKEN", raising=False)
    with pytest.raises(SystemExit):
        main(["harvest", "example", "x"])
    path = home / "collectors" / "streams" / "x.yaml"
    path.write_text(capsys.readouterr().out)
    assert "x.yaml: the variable X_BEARER_TOKEN holds no token" in said(
        capsys, "harvest", "check", "--home", home, fails=True
    )
    monkeypatch.setenv("X_BEARER_TOKEN", "s3cret")
    assert "x: json-lines, files come to drops/tweets; what is missed is lost" in said(
        capsys, "harvest", "check", "--home", home
    )
    assert "never begun" in said(capsys, "harvest", "status", "--home", home)
    assert f"harvest streams --home {home} -- x" in said(capsys, "harvest", "unit", "x", "--home", home)


@pytest.mark.parametrize(("command", "lacking"), [("harvest", "stream"), ("collect", "shop")])
def test_where_nothing_is_described_the_status_says_so_and_where(
    home: Path, capsys: pytest.CaptureFixture[str], command: str, lacking: str
) -> None:
    assert f"no {lacking} is described in {home / 'collectors'}" in said(capsys, command, "status", "--home", home)


def test_a_stream_that_is_not_described_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no stream is described in" in said(capsys, "harvest", "check", "--home", home, fails=True)
    assert "there is no stream 'y'; there are none" in said(capsys, "harvest", "y", "--home", home, fails=True)
    assert "there is no stream 'y'" in said(capsys, "harvest", "y", "z", "--home", home, fails=True)


@pytest.mark.parametrize("name", ["streams", "status", "--help"])
def test_a_stream_that_is_named_like_a_command_is_a_stream(
    home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Of a file streams.yaml the processes of all streams would begin those of all streams, and so on without end."""
    words = command_of(home, name)[3:]
    assert f"there is no stream {name!r}" in said(capsys, *words, fails=True)


def test_a_drop_folder_that_does_not_exist_is_none_to_leave_files_in(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["harvest", "example", "jetstream"])
    described = yaml.safe_load(capsys.readouterr().out)
    (home / "collectors" / "streams" / "jetstream.yaml").write_text(yaml.safe_dump({**described, "into": "places"}))
    assert "there is no drop folder places" in said(capsys, "harvest", "jetstream", "--home", home, fails=True)


def test_every_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "harvest", "--help")
    assert all(each in shown for each in ("streams", "status", "check", "look", "example", "unit", "schema"))
    assert '"title": "Stream"' in said(capsys, "harvest", "schema")
