"""OCPP on the wire: messages, their JSON, the frames around them and the rules of the exchange.

Pure values and functions: no I/O, no clock, and no import of any other part of Voltbridge.
"""

__all__: list[str] = []
