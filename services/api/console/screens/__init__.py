"""A module a screen: which calls it makes, and what its template is given."""
