"""Who is who: which identifiers are one customer, and which are shared by too many to tell (rules I1 to I5)."""
