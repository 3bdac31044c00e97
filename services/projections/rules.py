"""What a business decides and projections follow, read once from the files that the settings name."""

from dataclasses import dataclass

from services.projections.complaints import policy_file
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.loyalty import programme_file
from services.projections.loyalty.programme import Programmes
from services.projections.rule_file import RuleFileError
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, variable_of


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one deployment. Services that project and services that answer must be given the same."""

    programmes: Programmes
    policies: PoliciesInForce


def rules_of(settings: Settings) -> Rules:
    """The rules that the settings name, or those that come with the service. Raises `WrongSettingsError`. Blocks."""
    default = default_rules()
    programmes, policies = default.programmes, default.policies
    try:
        if settings.programmes is not None:
            programmes = programme_file.load(settings.programmes)
    except RuleFileError as error:
        raise WrongSettingsError(f"{variable_of('programmes')}: {error}") from None
    try:
        if settings.complaint_policies is not None:
            policies = PoliciesInForce(policy_file.load(settings.complaint_policies))
    except RuleFileError as error:
        raise WrongSettingsError(f"{variable_of('complaint_policies')}: {error}") from None
    return Rules(programmes, policies)


def default_rules() -> Rules:
    """The rules that come with the service. Blocks."""
    policies = policy_file.parse(policy_file.default_text(), policy_file.DEFAULT_FILE)
    return Rules(programme_file.default_programmes(), PoliciesInForce(policies))
