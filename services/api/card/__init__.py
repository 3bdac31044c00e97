"""The recognition card: what front-line staff should know of a customer, from one snapshot of many views."""
