"""Files: firmware and whatever else stations are to fetch, and what they delivered."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from voltbridge.api.bodies import UNLIMITED
from voltbridge.api.context import UsesServices
from voltbridge.api.problems import ProblemError, responses
from voltbridge.api.shapes import Id, Moment, PageOf, PageQuery, RequestBody, Shape, number_of, page_of
from voltbridge.domain import files as domain
from voltbridge.domain.files import LONGEST_NAME, FileFilter, FilePurpose

__all__ = ["File", "FileId", "FilePage", "FileQuery", "NewFile", "router", "show"]

router = APIRouter(tags=["files"])

FileId = Annotated[Id, Path(description="The file's id.")]
_BINARY: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_FORMS: Final = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")

UNLIMITED.add(("POST", "/api/v1/files"))


class File(Shape):
    """A file that is kept. Its content never changes."""

    id: str = Field(examples=["1893456000000123456"])
    name: str = Field(examples=["wallbox-2.4.1.bin"])
    purpose: FilePurpose
    media_type: str = Field(examples=["application/octet-stream"])
    size_bytes: int
    sha256: str
    md5: str = Field(description="What local controllers know firmware by.")
    created_at: Moment
    station_id: str | None = Field(description="The station that delivered it; null: you.")


class FilePage(PageOf[File]):
    """One page of files, newest first."""


class FileQuery(PageQuery):
    """Which files."""

    purpose: FilePurpose | None = None
    station_id: str | None = Field(default=None, description="Those that this station delivered.")


class NewFile(RequestBody):
    """What a new file is called and for."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["wallbox-2.4.1.bin"])
    purpose: FilePurpose = FilePurpose.FIRMWARE


def show(file: domain.StoredFile) -> File:
    """A file of the domain as the API shows it."""
    return File(
        id=str(file.id),
        name=file.name,
        purpose=file.purpose,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        md5=file.md5,
        created_at=file.created_at,
        station_id=file.station_id,
    )


@router.post(
    "/files",
    status_code=201,
    response_model=File,
    responses=responses(400, 401, 413, 415, 422, 507),
    openapi_extra={"requestBody": {"required": True, "content": _BINARY}},
)
async def add_file(services: UsesServices, request: Request, query: Annotated[NewFile, Query()]) -> Any:
    """Upload a file: the body is its content as it is (`curl --data-binary @FILE`), not a form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in _FORMS or not media_type:
        detail = "Send the content itself as the body, with the header Content-Type: application/octet-stream."
        raise ProblemError(415, "unsupported-media-type", "The body must be the file", detail)
    length = request.headers.get("content-length", "")
    return show(
        await services.files.add(
            query.name,
            query.purpose,
            media_type,
            request.stream(),
            length=int(length) if length.isdecimal() else None,
        )
    )


@router.get("/files", response_model=FilePage, responses=responses(400, 401, 422))
async def list_files(services: UsesServices, query: Annotated[FileQuery, Query()]) -> Any:
    """List files, newest first."""
    return page_of(await services.files.list(FileFilter(query.purpose, query.station_id), query.page), show)


@router.get("/files/{id}", response_model=File, responses=responses(400, 401, 404))
async def get_file(services: UsesServices, id: FileId) -> Any:
    """What is known of a file."""
    return show(await services.files.get(number_of(id)))


@router.get(
    "/files/{id}/content",
    response_class=FileResponse,
    responses={
        200: {"description": "The content.", "content": _BINARY},
        206: {"description": "The part asked for by Range.", "content": _BINARY},
        **responses(400, 401, 404),
    },
)
async def get_file_content(services: UsesServices, id: FileId) -> Any:
    """Read a file; parts of it by Range."""
    file = await services.files.get(number_of(id))
    path = services.files.path(file)
    if not path.is_file():
        raise ProblemError(404, "not-found", "Not found", f"The content of file {id} is gone from the disk.")
    # A station's file may claim to be a page with a script: never shown, always saved.
    headers = {"X-Content-Type-Options": "nosniff", "ETag": f'"{file.sha256}"'}
    return FileResponse(path, media_type="application/octet-stream", filename=file.name, headers=headers)


@router.delete("/files/{id}", status_code=204, response_class=Response, responses=responses(400, 401, 404, 409))
async def delete_file(services: UsesServices, id: FileId) -> None:
    """Forget a file. One that firmware is made of stays as long as that."""
    await services.files.delete(number_of(id))
