"""The REST API: routers, one per noun, over the services."""

__all__: list[str] = []
