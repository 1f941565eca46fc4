"""Limit groups: connections, boards and feeders whose chargers share what their cables and fuses let through."""
