"""A loopback Google Cloud control plane: validates every request against Google's own descriptions, and keeps state."""

from __future__ import annotations

from tests.control_plane.server import ControlPlane
from tests.control_plane.world import World

__all__ = ["ControlPlane", "World"]
