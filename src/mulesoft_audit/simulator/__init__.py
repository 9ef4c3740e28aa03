"""A local Anypoint Platform with the documented behaviour and its faults."""
