"""Reading entries back from an archive."""
