"""The escalation scheduler: posts an escalation for each clock of a complaint that was breached (C7)."""
