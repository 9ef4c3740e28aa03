"""Reconciling: which stretches are due, reading one, running many under one pace and one deadline."""
