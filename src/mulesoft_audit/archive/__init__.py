"""A store of immutable objects, and what lies in it: parts of NDJSON, keys, manifests."""
