"""Proving an archive whole and unaltered: against itself, against the source, and by seals; and repairing it."""
