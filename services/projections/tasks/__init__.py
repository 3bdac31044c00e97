"""Tasks: what staff have to do for customers, by when, and what became of it. Everything here is pure."""
