"""Every row of the table in ``a_security/service.py``, and what floods may cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.csms.fakes import START, FakeStations, World

from voltbridge.csms.blocks.a_security.passwords import generate_password, hash_password
from voltbridge.csms.blocks.a_security.service import AdmissionPolicy, SecurityService
from voltbridge.domain.admission import AdmissionRequest, Arrival, Credentials, Refused
from voltbridge.domain.stations import Onboarding, RegistrationStatus, StationSettings

PASSWORD = generate_password()


class Door:
    """Admission with a book of stations; ``admit`` gives "admitted", "authenticated" or the HTTP status."""

    def __init__(self, onboarding: Onboarding = Onboarding.ASK, inbox_limit: int = 1000) -> None:
        self.world = World()
        self.stations = FakeStations()
        policy = AdmissionPolicy(onboarding, inbox_limit)
        self.security = SecurityService(self.stations, self.world.events, self.world.clock, policy)

    def know(
        self,
        registration: RegistrationStatus = RegistrationStatus.ACCEPTED,
        password: str | None = None,
        least: int | None = None,
    ) -> None:
        hashed = hash_password(password, 1) if password else None
        self.stations.settings["CS1"] = StationSettings(
            "CS1", registration, START, password_hash=hashed, minimum_security_profile=least
        )

    async def admit(
        self, identity: str = "CS1", credentials: Credentials | None = None, *, secure: bool = False
    ) -> str | int:
        decision = await self.security.admit(AdmissionRequest(identity, credentials, "192.0.2.7", secure))
        if isinstance(decision, Refused):
            return decision.http_status
        return "authenticated" if decision.authenticated else "admitted"


def run(test: Awaitable[None]) -> None:
    async def body() -> None:
        await test

    asyncio.run(body())


def right(identity: str = "CS1") -> Credentials:
    return Credentials(identity, PASSWORD.encode())


WRONG = Credentials("CS1", generate_password().encode())
EMPTY = Credentials("CS1", b"")
OTHER_USER = Credentials("CS1Invalid", PASSWORD.encode())
SAME_BYTES = Credentials("CS1", bytes.fromhex(PASSWORD))


@pytest.mark.parametrize("onboarding", list(Onboarding))
@pytest.mark.parametrize("registration", list(RegistrationStatus))
@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (None, 401),
        (WRONG, 401),
        (EMPTY, 401),
        (OTHER_USER, 401),
        (right(), "authenticated"),
        (SAME_BYTES, "authenticated"),
    ],
)
def test_a_known_station_with_a_password_has_to_present_it(
    onboarding: Onboarding, registration: RegistrationStatus, credentials: Credentials | None, expected: str | int
) -> None:
    async def body() -> None:
        door = Door(onboarding)
        door.know(registration, PASSWORD)
        assert await door.admit(credentials=credentials) == expected

    run(body())


@pytest.mark.parametrize("registration", list(RegistrationStatus))
@pytest.mark.parametrize(("credentials", "expected"), [(None, "admitted"), (WRONG, "admitted"), (OTHER_USER, 401)])
def test_a_known_station_without_a_password_is_admitted_but_not_authenticated(
    registration: RegistrationStatus, credentials: Credentials | None, expected: str | int
) -> None:
    async def body() -> None:
        door = Door(Onboarding.REJECT)
        door.know(registration)
        assert await door.admit(credentials=credentials) == expected
        assert door.stations.settings["CS1"].password_hash is None, "the first password seen is not claimed"

    run(body())


@pytest.mark.parametrize(
    ("least", "known", "credentials", "secure", "expected"),
    [
        (1, True, right(), False, "authenticated"),
        (1, True, None, False, 401),
        (1, False, None, False, 403),
        (1, False, None, True, 403),
        (2, True, right(), False, 403),
        (2, True, WRONG, False, 403),  # the same, so that it tells nothing of the password
        (2, True, right(), True, "authenticated"),
        (2, True, WRONG, True, 401),
        (2, False, None, True, 403),
    ],
)
def test_a_station_below_its_least_security_profile_is_turned_away(
    least: int, known: bool, credentials: Credentials | None, secure: bool, expected: str | int
) -> None:
    async def body() -> None:
        door = Door()
        door.know(password=PASSWORD if known else None, least=least)
        assert await door.admit(credentials=credentials, secure=secure) == expected
        told = door.world.emitted("station.refused")
        assert [(each["http_status"], each["secure"]) for each in told] == (
            [] if isinstance(expected, str) else [(expected, secure)]
        )
        if expected == 403:
            assert told[0]["reason"].startswith(f"security profile {least} is wanted, and ")

    run(body())


@pytest.mark.parametrize(
    ("secure", "authenticated", "profile"), [(False, False, 0), (True, False, 0), (False, True, 1), (True, True, 2)]
)
def test_security_profiles_have_the_numbers_of_the_standard(secure: bool, authenticated: bool, profile: int) -> None:
    assert Arrival("::1", secure, authenticated).security_profile == profile


@pytest.mark.parametrize("credentials", [None, WRONG])
def test_an_unknown_station_is_turned_away_when_onboarding_rejects(credentials: Credentials | None) -> None:
    async def body() -> None:
        door = Door(Onboarding.REJECT)
        assert await door.admit(credentials=credentials) == 404
        assert door.stations.settings == {}

    run(body())


def test_an_unknown_station_waits_in_the_inbox_when_onboarding_asks() -> None:
    async def body() -> None:
        door = Door(Onboarding.ASK)
        assert await door.admit(credentials=WRONG) == "admitted"
        assert await door.admit() == "admitted"
        assert door.stations.settings["CS1"] == StationSettings("CS1", RegistrationStatus.PENDING, START)
        assert door.world.emitted("station.awaiting_adoption") == [
            {"remote_address": "192.0.2.7", "secure": False, "credentials_offered": True}
        ]

    run(body())


def test_an_unknown_station_is_adopted_when_onboarding_accepts() -> None:
    async def body() -> None:
        door = Door(Onboarding.ACCEPT)
        assert await door.admit() == "admitted"
        expected = StationSettings("CS1", RegistrationStatus.ACCEPTED, START, adopted_at=START)
        assert door.stations.settings["CS1"] == expected
        assert len(door.world.emitted("station.adopted")) == 1

    run(body())


@pytest.mark.parametrize("onboarding", [Onboarding.ASK, Onboarding.ACCEPT])
def test_another_user_name_never_makes_a_station_known(onboarding: Onboarding) -> None:
    async def body() -> None:
        door = Door(onboarding)
        assert await door.admit(credentials=OTHER_USER) == 401
        assert door.stations.settings == {}

    run(body())


@pytest.mark.parametrize("onboarding", list(Onboarding))
@pytest.mark.parametrize("identity", ["", "x" * 49, "a:b", "a/b", "a\\b", "a\nb", "..", " CS1", "a%2Fb", "a?b", "a#b"])
def test_an_identity_that_cannot_be_one_is_unknown(onboarding: Onboarding, identity: str) -> None:
    async def body() -> None:
        door = Door(onboarding)
        assert await door.admit(identity, Credentials(identity, b"x")) == 404
        assert door.stations.settings == {}
        await door.world.events.told()
        assert [event.station_id for event in door.world.bus.published] == [None]

    run(body())


@pytest.mark.parametrize("identity", ["CS1", "RDAM 123", "NL*ABC*E0001", "a.b-c_d=e+f|g@h", "x" * 48, "Zürich"])
def test_identities_of_every_version_are_taken(identity: str) -> None:
    async def body() -> None:
        assert await Door(Onboarding.ACCEPT).admit(identity, Credentials(identity, b"x")) == "admitted"

    run(body())


def test_the_inbox_holds_so_many_and_then_is_full() -> None:
    async def body() -> None:
        door = Door(Onboarding.ASK, inbox_limit=3)
        answers = await asyncio.gather(*(door.admit(f"CS{n}") for n in range(10)))
        assert sorted(map(str, answers)) == ["404"] * 7 + ["admitted"] * 3
        waiting = next(iter(door.stations.settings))
        assert await door.admit(waiting) == "admitted", "who waits already may come again"
        door.stations.settings[waiting] = replace(door.stations.settings[waiting], adopted_at=START)
        assert await door.admit("next") == "admitted"

    run(body())


@pytest.mark.parametrize("onboarding", [Onboarding.ASK, Onboarding.ACCEPT])
def test_two_first_connections_at_once_make_one_station(onboarding: Onboarding) -> None:
    async def body() -> None:
        door = Door(onboarding)
        slow = door.stations.get

        async def get_late(station_id: str) -> object:
            found = await slow(station_id)
            await asyncio.sleep(0)
            return found

        door.stations.get = get_late  # type: ignore[method-assign,assignment]
        assert list(await asyncio.gather(door.admit(), door.admit())) == ["admitted", "admitted"]
        emitted = door.world.emitted("station.awaiting_adoption") + door.world.emitted("station.adopted")
        assert len(emitted) == 1

    run(body())


def test_refusals_are_told_now_and_then_with_their_number() -> None:
    async def body() -> None:
        door = Door()
        door.know(password=PASSWORD)
        for _ in range(50):
            assert await door.admit(credentials=WRONG) == 401
        assert door.world.emitted("station.refused") == [
            {
                "identity": "CS1",
                "http_status": 401,
                "reason": "the password is wrong",
                "remote_address": "192.0.2.7",
                "secure": False,
                "more_since_last_event": 0,
            }
        ]
        door.world.clock.advance(61)
        await door.admit(credentials=WRONG)
        assert door.world.emitted("station.refused")[1]["more_since_last_event"] == 49

    run(body())


def test_a_scan_of_identities_writes_few_events() -> None:
    async def body() -> None:
        door = Door(Onboarding.REJECT)
        for n in range(5000):
            await door.admit(f"guess-{n}")
        assert len(door.world.emitted("station.refused")) == 100

    run(body())


@pytest.mark.parametrize("shown", [repr, str])
def test_secrets_do_not_show(shown: Callable[[object], str]) -> None:
    request = AdmissionRequest("CS1", right(), "192.0.2.7", secure=True)
    assert PASSWORD not in shown(request)
    settings = StationSettings("CS1", RegistrationStatus.ACCEPTED, START, password_hash=hash_password(PASSWORD, 1))
    assert "pbkdf2" not in shown(settings)
