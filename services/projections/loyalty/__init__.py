"""The ledger of points: what programmes promise, how events change an account, and what it shows at a time.

Everything here is pure; only `programme_file.load` reads a file. Rules are numbered L1 to L15 as in the documentation.
"""
