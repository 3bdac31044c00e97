"""What it takes to recognise a customer: whose word on them counts, and what a day says of it. Pure."""
