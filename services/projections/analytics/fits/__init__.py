"""Models of how often customers buy until they leave, and of what they spend: fitted to all, told of one."""
