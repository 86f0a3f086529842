"""Firmware: images, what became of updates on stations, and what local controllers publish."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import (
    Flag,
    Id,
    Moment,
    PageOf,
    PageQuery,
    Printable,
    RequestBody,
    Shape,
    number_of,
    page_of,
)
from voltbridge.api.stations import StationId
from voltbridge.csms.blocks.l_firmware.service import ImageContent
from voltbridge.domain import firmware as domain
from voltbridge.domain.firmware import UpdateState

__all__ = [
    "Firmware",
    "FirmwareId",
    "FirmwarePage",
    "NewFirmware",
    "PublishedFirmware",
    "PublishedFirmwarePage",
    "Status",
    "Update",
    "UpdatePage",
    "router",
]

router = APIRouter(tags=["firmware"])

FirmwareId = Annotated[Id, Path(description="The image's id.")]
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\u0000]*$")]


class NewFirmware(RequestBody):
    """What to know of a file that is firmware."""

    file_id: Id = Field(description="The file, uploaded before to `/files`.")
    version: Annotated[Printable, Field(max_length=50, description="As stations tell it when they boot.")]
    vendor: _Text | None = Field(default=None, description="Only for stations of this vendor.")
    model: _Text | None = Field(default=None, description="Only for stations of this model.")
    signature: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="The manufacturer's signature over the file, in base64.",
    )
    signing_certificate: str | None = Field(
        default=None, min_length=1, max_length=6000, description="The firmware signing certificate in PEM."
    )
    verify_signature: Flag = Field(
        default=True,
        description="Refuse a signature that is not the certificate's over this file (RSA-PSS or ECDSA, with SHA-256). "
        "Only switch it off for algorithms that are not known here, such as ECSchnorr.",
    )
    note: _Text | None = None


class Firmware(Shape):
    """An image."""

    id: str
    file_id: str
    version: str
    vendor: str | None
    model: str | None
    signature: str | None
    signing_certificate: str | None
    signature_verified: bool = Field(description="Whether the signature was held against the file.")
    note: str | None
    created_at: Moment


class FirmwarePage(PageOf[Firmware]):
    """One page of images, newest first."""


class Status(Shape):
    """What a station told."""

    status: str = Field(examples=["Downloading"])
    at: Moment


class Update(Shape):
    """What becomes of firmware on a station."""

    id: str = Field(description="That of the command that began it.")
    station_id: str
    request_id: int
    firmware_id: str | None
    signed: bool
    state: UpdateState
    status: str | None = Field(description="The last that the station told.")
    statuses: list[Status]
    version: str | None = Field(description="What it is to boot with.")
    from_version: str | None
    installed_version: str | None = Field(description="What it has booted with since.")
    verified: bool | None = Field(description="Whether it boots with the version wanted; null: not known (yet).")
    problem: str | None
    requested_at: Moment
    deadline_at: Moment
    finished_at: Moment | None


class UpdatePage(PageOf[Update]):
    """One page of a station's updates, newest first."""


class PublishedFirmware(Shape):
    """Firmware that a local controller publishes, or was asked to."""

    station_id: str
    checksum: str = Field(description="MD5 of the file.")
    firmware_id: str | None
    request_id: int
    status: str | None = Field(description="The last that the controller told.", examples=["Published"])
    locations: list[str] = Field(description="Where stations of its site fetch it.")
    requested_at: Moment
    updated_at: Moment | None


class PublishedFirmwarePage(PageOf[PublishedFirmware]):
    """All that a local controller publishes, on one page."""


@router.post("/firmware", status_code=201, response_model=Firmware, responses=responses(400, 401, 422))
async def add_firmware(services: UsesServices, new: NewFirmware) -> Any:
    """Make an image of a file. A signature that is not right is refused here, before a fleet is sent it."""
    content = ImageContent(
        file_id=number_of(new.file_id),
        version=new.version,
        vendor=new.vendor,
        model=new.model,
        signature=new.signature,
        signing_certificate=new.signing_certificate,
        verify_signature=new.verify_signature,
        note=new.note,
    )
    return _image(await services.firmware.add_image(content))


@router.get("/firmware", response_model=FirmwarePage, responses=responses(400, 401, 422))
async def list_firmware(services: UsesServices, query: Annotated[PageQuery, Query()]) -> Any:
    """List images, newest first."""
    return page_of(await services.firmware.images(query.page), _image)


@router.get("/firmware/{id}", response_model=Firmware, responses=responses(400, 401, 404))
async def get_firmware(services: UsesServices, id: FirmwareId) -> Any:
    """One image."""
    return _image(await services.firmware.image(number_of(id)))


@router.delete("/firmware/{id}", status_code=204, response_class=Response, responses=responses(400, 401, 404, 422))
async def delete_firmware(services: UsesServices, id: FirmwareId) -> None:
    """Forget an image; its file stays. Refused while a station is being updated with it."""
    await services.firmware.delete_image(number_of(id))


@router.get("/stations/{station_id}/firmware", response_model=UpdatePage, responses=responses(400, 401, 404, 422))
async def list_firmware_updates(
    services: UsesServices, station_id: StationId, query: Annotated[PageQuery, Query()]
) -> Any:
    """List the updates of a station, newest first."""
    return page_of(await services.firmware.updates(station_id, query.page), _update)


@router.get(
    "/stations/{station_id}/published-firmware", response_model=PublishedFirmwarePage, responses=responses(401, 404)
)
async def list_published_firmware(services: UsesServices, station_id: StationId) -> Any:
    """What a local controller publishes."""
    found = await services.publishing.of_station(station_id)
    return {"items": [_published(one) for one in found], "next": None}


def _image(image: domain.FirmwareImage) -> Firmware:
    return Firmware(
        id=str(image.id),
        file_id=str(image.file_id),
        version=image.version,
        vendor=image.vendor,
        model=image.model,
        signature=image.signature,
        signing_certificate=image.signing_certificate,
        signature_verified=image.signature_verified,
        note=image.note,
        created_at=image.created_at,
    )


def _update(update: domain.FirmwareUpdate) -> Update:
    return Update(
        id=str(update.id),
        station_id=update.station_id,
        request_id=update.request_id,
        firmware_id=None if update.firmware_id is None else str(update.firmware_id),
        signed=update.signed,
        state=update.state,
        status=update.status,
        statuses=[Status.model_validate(one) for one in update.statuses],
        version=update.version,
        from_version=update.from_version,
        installed_version=update.installed_version,
        verified=update.verified,
        problem=update.problem,
        requested_at=update.requested_at,
        deadline_at=update.deadline_at,
        finished_at=update.finished_at,
    )


def _published(one: domain.PublishedFirmware) -> PublishedFirmware:
    return PublishedFirmware(
        station_id=one.station_id,
        checksum=one.checksum,
        firmware_id=None if one.firmware_id is None else str(one.firmware_id),
        request_id=one.request_id,
        status=one.status,
        locations=list(one.locations),
        requested_at=one.requested_at,
        updated_at=one.updated_at,
    )
