"""What reports, lists of customers and scoring runs have in common: pure measures, and the SQL of views."""
