"""Exit codes, and errors that a command tells as a sentence; whatever else is raised shows where, for it is ours."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.settings_errors import WrongSettingsError, unknown_variables

FAILED = 1
WRONG_USAGE = 2


@contextmanager
def told_to_people(*failures: type[Exception]) -> Iterator[None]:
    """Turns errors that a person can mend into a message and an exit code: 2 for wrong settings, 1 for `failures`."""
    for sentence in unknown_variables(os.environ):
        sys.stderr.write(f"rapport: {sentence}\n")
    try:
        yield
    except WrongSettingsError as error:
        sys.stderr.write(f"rapport: {error}\n")
        raise SystemExit(WRONG_USAGE) from None
    except failures as error:
        sys.stderr.write(f"rapport: {error}\n")
        raise SystemExit(FAILED) from None
