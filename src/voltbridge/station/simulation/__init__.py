"""Hardware that is not there: EVSEs, vehicles, meters and drivers, behind the ports of a charge controller."""

from __future__ import annotations

from voltbridge.station.simulation.car import Car
from voltbridge.station.simulation.cars import CARS, make_car
from voltbridge.station.simulation.evse import VirtualEvse
from voltbridge.station.simulation.grid import Grid
from voltbridge.station.simulation.hardware import VirtualHardware
from voltbridge.station.simulation.heat import Heat
from voltbridge.station.simulation.talk import Talk
from voltbridge.station.simulation.visit import Visit

__all__ = ["CARS", "Car", "Grid", "Heat", "Talk", "VirtualEvse", "VirtualHardware", "Visit", "make_car"]
