"""Why a scoring run ended without a result, in words for the person who asked for it."""


class ScoringRefusedError(Exception):
    """The run cannot be made as asked; nothing was written. The message says why and what to do."""


class ScoringBusyError(Exception):
    """Another scoring run is at work; nothing was written."""


class ScoringFailedError(Exception):
    """The run did not end; the message says what is missing. Repeating it is safe.

    `part` is `database` or `log`.
    """

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(detail)
        self.part = part
