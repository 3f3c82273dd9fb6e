"""What is in deploy/ is what systemd and containers take, and says of the program what is true."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from ons_assets import cli
from ons_assets.lakehouse.signs import NEEDED, Part
from ons_assets.orchestration.history import INSTANCE_FILE
from ons_assets.settings import Settings

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
PROGRAM = "/opt/ons-assets/bin/ons-assets"
# Of systemd-analyze security, where 10 is a program that may do everything, and which a network is worth nearly 1 of.
MOST_EXPOSED = 20


@pytest.fixture
def analyze(tmp_path: Path) -> tuple[str, list[Path]]:
    """The command that checks units, and copies of them in which the program is one that is there."""
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd-analyze is not installed: units are not checked")
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        copy.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return command, copies


def test_systemd_takes_every_unit_without_a_word(analyze: tuple[str, list[Path]]) -> None:
    command, units = analyze
    done = subprocess.run(
        [command, "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_unit_may_do_no_more_than_it_has_to(analyze: tuple[str, list[Path]]) -> None:
    command, units = analyze
    services = [unit for unit in units if unit.suffix == ".service"]
    assert services
    for unit in services:
        asked = [command, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-500:] + done.stderr


def words_of(command: list[str]) -> None:
    """Let the command line read words, and do nothing."""
    with get_command(cli.app).make_context("ons-assets", list(command), resilient_parsing=False) as context:
        name, found, rest = context.command.resolve_command(context, list(command))  # type: ignore[attr-defined]
        assert found is not None
        found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_what_units_begin_is_what_the_program_takes(unit: Path) -> None:
    [words] = re.findall(rf"^ExecStart={PROGRAM} (.*)$", unit.read_text(), re.MULTILINE)
    words_of(words.replace("%i", "positions").split())


def test_there_is_a_unit_for_every_part_and_the_target_begins_those_that_are_needed() -> None:
    assert {f"ons-assets-{part}.service" for part in Part} <= {unit.name for unit in UNITS}
    target = (DEPLOY / "systemd" / "ons-assets.target").read_text()
    assert all(f"ons-assets-{part}.service" in target for part in NEEDED)


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_containers_begin_what_the_program_takes(compose: Any) -> None:
    ours = [each for each in compose["services"].values() if "build" in each and each.get("entrypoint") is None]
    assert len(ours) >= len(Part)
    for service in ours:
        words_of([re.sub(r"\$\{.*\}", "assets.example.gov", word) for word in service["command"]])
        check = service["healthcheck"]
        if "test" in check:
            assert check["test"][:2] == ["CMD", "ons-assets"]
            words_of(check["test"][2:])


def test_containers_write_nothing_but_what_they_are_given_and_hold_no_secret(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        for variable, value in service.get("environment", {}).items():
            assert variable.endswith("FILE") or "PASSWORD" not in variable, (name, variable)
            assert not re.search(r"://[^/@]*:[^/@]*@", value), (name, variable)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["logging"]["options"]["max-size"], name


def test_settings_in_containers_are_settings(compose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = compose["services"]["code"]["environment"]
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings().warehouse.postgres == given["ONS_ASSETS_WAREHOUSE__POSTGRES"]


def test_the_image_is_made_of_files_that_are_there_and_runs_as_nobody_special() -> None:
    said = (DEPLOY / "Containerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", said, re.MULTILINE) for word in line.split()]
    assert copied
    assert [path for path in copied if not (DEPLOY.parent / path).exists()] == []
    assert re.search(r"^USER \$\{UID\}:\$\{UID\}$", said, re.MULTILINE)


def test_the_history_in_postgresql_is_else_configured_as_everywhere() -> None:
    shipped, other = (yaml.safe_load(path.read_text()) for path in (INSTANCE_FILE, DEPLOY / "dagster-postgres.yaml"))
    assert "postgres" in other.pop("storage")
    del shipped["storage"]
    assert other == shipped


def test_secrets_come_from_files(tmp_path: Path) -> None:
    script = DEPLOY / "with-secrets"
    assert script.stat().st_mode & stat.S_IXUSR
    secret = tmp_path / "token"
    secret.write_text("a b$c'd\n")
    shown = ["sh", "-c", 'printf "%s|%s" "$X_TOKEN" "${X_TOKEN_FILE-none}"']
    environment = {"PATH": "/usr/bin:/bin", "X_TOKEN_FILE": str(secret)}
    done = subprocess.run([script, *shown], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "a b$c'd|none"
    lacking = environment | {"X_TOKEN_FILE": str(tmp_path / "nowhere")}
    done = subprocess.run([script, *shown], env=lacking, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "which X_TOKEN_FILE names, cannot be read" in done.stderr
