"""Voltbridge: an OCPP charging platform.

Three things in one package: a CSMS and gateway, charging stations, and a conformance kit.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
