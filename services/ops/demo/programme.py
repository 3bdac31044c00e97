"""The loyalty programme that the sample's purchases earn points in."""

from importlib.resources import files
from pathlib import Path


def programmes_file() -> Path:
    """The file, for the setting that names one."""
    return Path(str(files("services.ops.demo").joinpath("programmes.toml")))


def programmes_text() -> str:
    """What stands in it. Reads the file."""
    return programmes_file().read_text(encoding="utf-8")
