"""What it costs to collect, measured: `make bench`."""
