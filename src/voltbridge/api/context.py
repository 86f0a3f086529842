"""What routes are given: the services, put on the application when it is built."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from voltbridge.csms.services import Services

__all__ = ["UsesServices"]


def _services(request: Request) -> Services:
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


UsesServices = Annotated[Services, Depends(_services)]
"""Type of a route's parameter that wants the services."""
