"""What a business decides and projections follow, read once from the files that the settings name."""

from dataclasses import dataclass

from services.projections.loyalty.programme import Programmes
from services.projections.loyalty.programme_file import ProgrammeFileError, default_programmes, load
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, variable_of


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one deployment. Services that project and services that answer must be given the same."""

    programmes: Programmes


def rules_of(settings: Settings) -> Rules:
    """The rules that the settings name, or those that come with the service. Raises `WrongSettingsError`. Blocks."""
    if settings.programmes is None:
        return default_rules()
    try:
        return Rules(load(settings.programmes))
    except ProgrammeFileError as error:
        raise WrongSettingsError(f"{variable_of('programmes')}: {error}") from None


def default_rules() -> Rules:
    """The rules that come with the service. Blocks."""
    return Rules(default_programmes())
