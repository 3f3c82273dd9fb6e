"""Paths and method parameters: from the environment, one TOML file, or the defaults here.

`ONS_ASSETS_HOME=/data/ons` sets the home; `ONS_ASSETS_PRICES__QUOTES__MAX_PRICE=500` a parameter of a
method. The same names, in tables, may stand in `<home>/ons-assets.toml`; the environment wins.
`ons-assets parameters` shows what there is to set.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Literal
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ons_assets.parameters.calendar import InstallationCalendar
from ons_assets.parameters.description import Parameter, parameters_in
from ons_assets.parameters.geography import Country
from ons_assets.parameters.governance import Governance
from ons_assets.parameters.meters import Meters
from ons_assets.parameters.mobile import MOBILE_PRESETS, Mobile
from ons_assets.parameters.names import is_structured, kind_at, paths_in, unknown
from ons_assets.parameters.prices import Prices
from ons_assets.parameters.tweets import Tweets
from ons_assets.shipped import shipped
from ons_assets.wording import fault_in_words, no_such, or_known

DEFAULT_HOME = Path("data")
TOML_NAME = "ons-assets.toml"
WEB_ADDRESS = r"^https?://[^\s<>\"{}|\\^`]+$"
PREFIX, NESTED = "ONS_ASSETS_", "__"
# Read by the build of the kernels and by tests, not by the program.
NO_SETTINGS = ("DEBUG_KERNELS", "SLOW_TESTS", "SHARED_DATA", "BROWSER_TESTS", "POSTGRES_TESTS", "SPARK_TESTS")


HOST = r"[A-Za-z0-9._-]+(:[0-9]+)?"
SPARK_ADDRESS = re.compile(
    rf"sc://{HOST}(/(;use_ssl=(true|false))?)?|spark://{HOST}(,{HOST})*|k8s://(https?://)?{HOST}|yarn|local(\[[0-9,*]+\])?"
)


class Disposal(StrEnum):
    """What becomes of a file that is archived."""

    REMOVE = "remove"
    MOVE = "move"
    KEEP = "keep"


class Drops(BaseModel):
    """When a file is complete, and how much of it is read."""

    model_config = ConfigDict(extra="forbid")

    settle_seconds: float = Field(5, ge=0, description="a file is complete when it has not changed for so long")
    max_bytes: int = Field(4 << 30, gt=0, description="largest file that is taken")
    max_unpacked_bytes: int = Field(
        1 << 30, gt=0, description="largest content after decompression; text needs about eight times as much memory"
    )
    rows_at_once: int = Field(
        750_000, gt=0, description="rows of a raw table that are in memory together; a day is never divided"
    )
    max_line_bytes: int = Field(1 << 20, gt=0, description="longest record")
    max_document_bytes: int = Field(
        256 << 20, gt=0, description="largest JSON document or workbook, which cannot be read piece by piece"
    )
    files_per_look: int = Field(500, gt=0, description="files of a source that the sensor takes at one look")
    seconds_per_look: float = Field(20, gt=0, description="after which the sensor leaves the rest to the next look")
    attempts: int = Field(3, gt=0, description="runs that may die over a drop before it is refused")
    retention_days: dict[str, PositiveInt] = Field(
        {}, description="by source, how many local days of individual rows, and of files, are kept; else all are"
    )
    taken: Disposal = Field(
        Disposal.REMOVE,
        description="what becomes of a file in its drop folder when it is archived: remove, move (to taken/ in it) or "
        "keep; one that is not about people is moved where others are removed",
    )


class Office(BaseModel):
    """Who releases: what every description of a release says of the office."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("Office for National Statistics", min_length=1, description="as it is written out")
    agency: str = Field(
        "ONS",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$",
        description="its id as a maintenance agency of SDMX",
    )
    homepage: str = Field("https://www.ons.gov.uk/", pattern=WEB_ADDRESS, description="its address on the web")
    licence: str = Field(
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        pattern=WEB_ADDRESS,
        description="address of the licence under which it releases",
    )
    licence_name: str = Field("Open Government Licence v3.0", min_length=1, description="of that licence")


class Mail(BaseModel):
    """A mail server, and who is written to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="of the server")
    port: int = Field(587, gt=0, lt=65536, description="at which it listens")
    starttls: bool = Field(True, description="whether the connection is encrypted before anything is said")
    user: str | None = Field(None, description="by which one logs in; none if nobody has to")
    password_variable: str | None = Field(None, description="environment variable that holds the password")
    sender: str = Field(min_length=3, pattern="^[^@\\s]+@[^@\\s]+$", description="address that it comes from")
    recipients: tuple[str, ...] = Field(min_length=1, description="addresses that it goes to")


class Alerts(BaseModel):
    """Who is told when a file was refused or a table was not made; nobody, unless it is said here.

    What is secret stands in the environment: the settings are shown in the UI.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field((), description="a program with its arguments, which is given a JSON document")
    webhook_variable: str | None = Field(
        None, description="environment variable that holds the address to which the JSON document is posted"
    )
    mail: Mail | None = Field(None, description="a mail server, and who is written to")


class Warehouse(BaseModel):
    """Where the analytical database is, beside the DuckDB files of the home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postgres: str | None = Field(
        None,
        description="address of a PostgreSQL database, postgresql://user@host/database, into which every table is "
        "loaded; the password stands in PGPASSWORD or a password file",
    )
    sensitivities: tuple[Literal["public", "aggregate", "individual"], ...] = Field(
        ("public", "aggregate"),
        min_length=1,
        description="of the tables that are loaded: public, aggregate, individual",
    )

    @field_validator("postgres")
    @classmethod
    def _has_no_password(cls, uri: str | None) -> str | None:
        if uri is None:
            return None
        if not uri.startswith(("postgresql://", "postgres://")):
            raise ValueError("an address of PostgreSQL begins with postgresql://")
        rest = uri.partition("://")[2]
        # As libpq reads it, and not the rules of the web: a password may have ? and #, and so may a name before them.
        names = parse_qs(rest.partition("?")[2], keep_blank_values=True)
        if re.match("[^@]*:[^@]*@", rest) or any(re.search("password|secret", name, re.IGNORECASE) for name in names):
            raise ValueError(
                "a password stands in PGPASSWORD or a password file, and never in the settings; "
                "an @ that ends no name of a user is written %40"
            )
        return uri


class EngineSettings(BaseModel):
    """Where the parts of tables are worked; it changes no figure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    processes: int = Field(
        1, gt=0, le=256, description="of this machine that work parts side by side, each with a part in memory"
    )
    spark: str | None = Field(
        None,
        description="address of a cluster that works parts: sc://host:port of a Spark Connect server, or a master URL",
    )
    spark_options: dict[str, str] = Field({}, description="of the session there, by Spark's names")

    @field_validator("spark")
    @classmethod
    def _is_an_address_alone(cls, address: str | None) -> str | None:
        # Settings are shown in the UI, and kept with every run: an address that says more may hold a secret.
        if address is not None and not SPARK_ADDRESS.fullmatch(address):
            raise ValueError(
                "an address of Spark is sc://host:port, with /;use_ssl=true behind it where it is encrypted, "
                "spark://host:port, k8s://https://host:port, yarn or local[2]; a token stands in "
                "SPARK_CONNECT_AUTHENTICATE_TOKEN, and never in the settings"
            )
        return address

    @field_validator("spark_options")
    @classmethod
    def _hold_no_secret(cls, options: dict[str, str]) -> dict[str, str]:
        if secret := [name for name in options if re.search("token|password|secret|key", name, re.IGNORECASE)]:
            raise ValueError(f"{secret[0]} is a secret by its name: it stands in the configuration of Spark, not here")
        return options


class Service(BaseModel):
    """What the service keeps of its own doings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_logs_days: PositiveInt = Field(
        90, description="how long what runs logged and printed is kept; what they made and checked stays known"
    )


class Settings(BaseSettings):
    """Everything that a user can set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, env_ignore_empty=True, extra="forbid"
    )

    home: Path = DEFAULT_HOME
    expectations: Path = shipped("expectations")
    drops: Drops = Drops()
    office: Office = Office()
    alerts: Alerts = Alerts()
    warehouse: Warehouse = Warehouse()
    engine: EngineSettings = EngineSettings()
    service: Service = Service()
    calendar: InstallationCalendar = InstallationCalendar()
    geography: Country = Country()
    prices: Prices = Prices()
    tweets: Tweets = Tweets()
    meters: Meters = Meters()
    mobile: Mobile = Mobile()
    governance: Governance = Governance()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read, in this order: arguments, the environment, the TOML file in the home.

        Parameters
        ----------
        settings_cls
            This class, which the TOML file is read for.
        init_settings, env_settings
            Arguments and environment, which go before the file.
        dotenv_settings, file_secret_settings
            Not read: settings have no other place.
        """
        home = _home(init_settings().get("home"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / TOML_NAME)


class BadSettings(ValueError):
    """Settings cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Origin:
    """A parameter, and where its value comes from: default, a preset, the file, or a variable."""

    parameter: Parameter
    source: str


def load_settings(home: Path | None = None) -> Settings:
    """Return the settings of a home; without one, of `$ONS_ASSETS_HOME` or `./data`.

    Raises
    ------
    BadSettings
        If a name is not known, or a value is not allowed.
    """
    _check_variables()
    try:
        settings = Settings(home=home) if home is not None else Settings()
    except TOMLDecodeError as error:
        raise BadSettings(f"{_home(home) / TOML_NAME} cannot be read as TOML: {error}") from None
    except ValidationError as error:
        raise BadSettings(_sentence(error, _home(home))) from None
    return settings.model_copy(update={"home": settings.home.resolve()})


def origins(settings: Settings) -> list[Origin]:
    """Return every parameter of the methods, with its value and where that comes from."""
    file, variables = _toml(settings.home), EnvSettingsSource(Settings)()
    preset = MOBILE_PRESETS[settings.mobile.preset]
    found = []
    for parameter in parameters_in(settings):
        path = parameter.path.split(".")
        if _holds(variables, path):
            source = f"environment variable {_variable(path)}"
        elif _holds(file, path):
            source = TOML_NAME
        elif path[0] == "mobile" and _holds(preset, path[1:]):
            source = f"preset {settings.mobile.preset}"
        else:
            source = "default"
        found.append(Origin(parameter, source))
    return found


def below(found: Sequence[Origin], path: str | None) -> list[Origin]:
    """Return the parameters at a path: of a domain, of a group, or one; without a path all.

    Raises
    ------
    LookupError
        If there is none at it.
    """
    if path is None:
        return list(found)
    # Such as tweets, tweets.flows and tweets.flows.fewest_movers.
    paths: dict[str, list[Origin]] = {}
    for each in found:
        words = each.parameter.path.split(".")
        for length in range(1, len(words) + 1):
            paths.setdefault(".".join(words[:length]), []).append(each)
    if path in paths:
        return paths[path]
    domain, dot, _ = path.partition(".")
    if not dot or domain not in paths:
        raise LookupError(no_such("domain of parameters", domain, [each for each in paths if "." not in each]))
    near = or_known(path, [each for each in paths if each.startswith(f"{domain}.")])
    raise LookupError(f"there is nothing at {path!r} among the parameters{near}")


def _home(home: Path | None) -> Path:
    return Path(home or os.environ.get(f"{PREFIX}HOME") or DEFAULT_HOME)


def _toml(home: Path) -> dict[str, Any]:
    return TomlConfigSettingsSource(Settings, home / TOML_NAME)()


def _variables() -> Iterator[tuple[str, list[str]]]:
    """Environment variables that are meant as settings, with their paths."""
    for name, value in os.environ.items():
        rest = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and value and rest not in NO_SETTINGS:
            yield name, rest.lower().split(NESTED)


def _check_variables() -> None:
    """Refuse what pydantic would pass over, or not name."""
    for name, path in _variables():
        kind = kind_at(Settings, path)
        if kind is None:
            raise BadSettings(f"the environment variable {name} is no setting: {unknown(Settings, path)}")
        if is_structured(kind) and kind_at(Settings, path[:-1]) is not kind and not _is_json(os.environ[name]):
            raise BadSettings(f"the environment variable {name} must hold JSON: {'.'.join(path)} is a table or a list")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _variable(path: Sequence[str]) -> str:
    """The variable that sets a parameter; it may set a whole group, or only a part of a table."""
    names = {tuple(each): variable for variable, each in _variables()}
    above = [names[part] for end in range(len(path), 0, -1) if (part := tuple(path[:end])) in names]
    below = sorted(variable for each, variable in names.items() if each[: len(path)] == tuple(path))
    return (above or below)[0]


def _holds(values: Any, path: Sequence[str]) -> bool:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def _sentence(error: ValidationError, home: Path) -> str:
    """What is wrong with settings, in one sentence."""
    file, faults = _toml(home), []
    for fault in error.errors():
        path = [str(part) for part in fault["loc"]]
        where = f" ({home / TOML_NAME})" if _holds(file, path) else ""
        if fault["type"] == "extra_forbidden":
            faults.append(f"{unknown(Settings, path)}{where}")
        elif fault["type"] == "model_type":
            inside = [each for each in paths_in(Settings) if each.startswith(".".join(path) + ".")]
            faults.append(f"{'.'.join(path)} is a group of parameters: {', '.join(inside)}{where}")
        else:
            faults.append(f"{'.'.join(path)}: {fault_in_words(fault)}{where}")
    return f"the settings cannot be used: {'; '.join(faults)}"
