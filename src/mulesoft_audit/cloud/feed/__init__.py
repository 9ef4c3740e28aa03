"""The Google SecOps feed that reads the archive."""
