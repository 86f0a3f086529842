"""The admin key on every request below ``/api/v1``, asked for before anything of the request is read.

A layer around the routes rather than a dependency of each: so an address that does not exist, a wrong method and a
broken body are told apart only to those who hold the key.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from voltbridge.api.admin_key import AdminKey
from voltbridge.api.problems import ProblemError, problem_response

__all__ = ["PROTECTED", "RequireKey"]

PROTECTED: Final = "/api/v1"


class RequireKey:
    """ASGI layer that answers 401 unless the request carries ``Authorization: Bearer KEY``."""

    def __init__(self, app: ASGIApp, key: AdminKey) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _protected(scope["path"]):
            await self.app(scope, receive, send)
            return
        scheme, _, offered = Headers(scope=scope).get("authorization", "").strip().partition(" ")
        if scheme.lower() == "bearer" and self.key.matches(offered.strip()):
            await self.app(scope, receive, send)
            return
        detail = (
            "Send the header Authorization: Bearer KEY with the key from the server's admin.key file."
            if not offered
            else "This is not the admin key."
        )
        problem = ProblemError(
            401,
            "unauthorized",
            "The admin key is needed",
            detail,
            headers={"WWW-Authenticate": 'Bearer realm="voltbridge"'},
        )
        await problem_response(problem)(scope, receive, send)


def _protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(PROTECTED + "/")
