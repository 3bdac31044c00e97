"""Consent in SQL, for counts over rows of scores: the same as `consents.is_granted_anywhere` says of one customer."""


def granted(purpose: str, parties: str) -> str:
    """Whether a purpose is allowed in general, or on one channel at least, by the last words of some parties.

    `purpose` and `parties` are SQL: a text, and an array of texts. A word on all channels is also one on each.
    """
    return f"""exists (
        select from live.consents word
        where word.party = any({parties}) and word.purpose = {purpose} and word.granted and not exists (
            select from live.consents later
            where later.party = any({parties}) and later.purpose = word.purpose
                and later.channel in (word.channel, '')
                and (later.time, later.event_id collate "C") > (word.time, word.event_id collate "C")
        )
    )"""  # noqa: S608 - names in the code
