"""A local Anypoint Platform with the documented behaviour and its faults.

with running(World(Scenario(seed=7, days=2)), Behaviour(requests_per_minute=40)) as anypoint:
    ...  # anypoint.url, anypoint.client_id, anypoint.client_secret, anypoint.truth(anypoint.root)
"""

from anypoint_simulator.behaviour import Behaviour
from anypoint_simulator.running import CLIENT_SECRET, Anypoint, running
from anypoint_simulator.scenario import Scenario, quiet
from anypoint_simulator.world import CLIENT_ID, World

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "Anypoint", "Behaviour", "Scenario", "World", "quiet", "running"]
