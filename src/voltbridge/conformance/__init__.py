"""The conformance kit: the test cases of OCPP 2.0.1 Part 6 (after its errata), runnable against any peer.

A case is a small function named by its Part 6 id; it plays the other side of the system under test over a real socket
and checks what comes back. Drivers hide how that system is prepared and told to act.
"""

__all__: list[str] = []
