"""Anypoint Platform as a source: planes, token, organization tree, audit query, pacing, the shape of an entry."""
