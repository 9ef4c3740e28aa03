"""Anypoint Platform as a source: control planes, token, organization tree, audit query, pacing, the shape of an entry."""
