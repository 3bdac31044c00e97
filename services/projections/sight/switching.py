"""Whether a view's generation can be shown to readers as things stand, and if not, why. Pure.

The engine asks the same under a lock when it comes to it; this is for people, before they order it.
"""

from collections.abc import Sequence

from services.projections.sight.generations import Generation


def previous_of(generations: Sequence[Generation]) -> Generation | None:
    """The generation of a view that readers saw before, of those kept; None where none is."""
    kept = [each for each in generations if not each.shown and each.switched_at is not None]
    return max(kept, key=lambda each: (each.switched_at, each.generation), default=None)


def why_not_switch(generations: Sequence[Generation], wanted: int, version: int | None) -> str | None:
    """Why a view, of which these are all generations, cannot be switched to one; None where it can.

    `version` is that of the view in this program, None where it does not know it.
    """
    found = next((each for each in generations if each.generation == wanted), None)
    if found is None:
        numbers = ", ".join(str(each.generation) for each in generations) or "none"
        return f"there is no generation {wanted}; there are {numbers}"
    if found.state == "live":
        return f"readers see generation {wanted} already"
    if found.state == "building":
        return f"generation {wanted} is not complete; `rapport rebuild {found.view}` goes on with it"
    if version is None:
        return f"this program does not know the view {found.view}"
    if found.version != version:
        return (
            f"generation {wanted} was made by version {found.version} of the view and this program has version "
            f"{version}: only that program can bring it up to date"
        )
    return None


def why_not_roll_back(generations: Sequence[Generation], version: int | None) -> str | None:
    """As `why_not_switch`, of the generation that readers saw before."""
    previous = previous_of(generations)
    if previous is None:
        return "no earlier generation is kept, so there is nothing to roll back to"
    return why_not_switch(generations, previous.generation, version)
