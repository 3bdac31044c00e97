"""What the demo goes by, whatever settings say: its loyalty programme, its policies, its analytics settings."""

from importlib.resources import files
from pathlib import Path


def programmes_file() -> Path:
    """The file of the programme, for the setting that names one."""
    return Path(str(files("services.ops.demo").joinpath("programmes.toml")))


def policies_file() -> Path:
    """The file of the complaint policies, for the setting that names one."""
    return Path(str(files("services.ops.demo").joinpath("policies.toml")))


def analytics_file() -> Path:
    """The file of the analytics settings, for the setting that names one."""
    return Path(str(files("services.ops.demo").joinpath("analytics.toml")))


def programmes_text() -> str:
    """What stands in the programme's file. Reads it."""
    return programmes_file().read_text(encoding="utf-8")
