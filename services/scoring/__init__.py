"""The scoring run: reads all customers in one snapshot, fits, and keeps what scores are computed with as an event."""
