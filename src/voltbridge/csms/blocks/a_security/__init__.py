"""Block A, Security: who may connect, passwords, and the security events stations report."""

__all__: list[str] = []
