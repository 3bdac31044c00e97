"""Complaints: which state each is in, which answers are due when, and how they end.

Everything here is pure; only `policy_file.load` reads a file. Rules are numbered C1 to C9 as in the documentation.
"""
