"""Hints that something changed, for whoever looks: no data, so any client asks for it by its own right."""
