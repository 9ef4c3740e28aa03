"""Telling others how runs go: pings to a service that notices when they stay away, and metrics in a file."""
