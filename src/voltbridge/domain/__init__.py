"""The version-free model of charging: plain frozen values and pure functions over them.

Nothing here performs I/O, knows an OCPP version or imports another part of Voltbridge.
"""

__all__: list[str] = []
