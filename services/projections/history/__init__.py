"""What happened under some stream keys, and the states folded from it, as of any time; for the API and for operators.

Only the journal is read: the views of the live set neither serve as a source nor are they waited for.
"""
