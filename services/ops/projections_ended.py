"""What ends projections until a person has looked at it."""


class ProjectionsEndedError(Exception):
    """The log or the views are not what they have to be; the message names the error, its reason and the remedy."""
