"""What is known of the projections without taking part in them: reads alone, for the engine, operators and the API."""
