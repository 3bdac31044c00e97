"""What operators are told of projections, and what they ask of them."""
