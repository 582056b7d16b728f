"""Outgoing webhooks on real sockets: signed, tried by the schedule, never sent inside, sent once by two couriers."""

import asyncio
import ipaddress
import json
import random
import string
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core import urls
from core.errors import InvalidRequest, Reason
from jobs import signing, tables
from jobs.events import EventKind
from jobs.notify import JITTER, SCHEDULE
from jobs.traffic import AT_FIRST, AT_MOST, Traffic
from jobs.webhooks import EndpointChange
from tests.core.test_urls import DIFFERENTIALS, PRIVATE_HOSTS
from tests.jobs.office import OK, ROOT, Office, Open, answering, header, status, verified
from tests.jobs.test_http_public import ANSWERS

if TYPE_CHECKING:
    from tests.jobs.conftest import Serve, Served


async def receiver(serve: "Serve", office: Office, raw: bytes = OK) -> tuple["Served", str]:
    """A server that answers the same to everybody, and its allowed address."""
    served = await serve(answering(raw))
    office.allow(f"http://127.0.0.1:{served.port}")
    return served, f"http://127.0.0.1:{served.port}/hook?a=b"


def test_the_official_library_verifies_a_thousand_payloads() -> None:
    dice = random.Random(11)
    alphabet = string.printable + "äßłøé漢字🎬\u2028\x00"
    for number in range(1000):
        data = {"text": "".join(dice.choices(alphabet, k=dice.randrange(200))), "n": dice.random(), "i": number}
        body = json.dumps(data, ensure_ascii=dice.random() < 0.5).encode()
        secret = ROOT.secret(f"hook_{number}", dice.randrange(1, 9))
        headers = signing.headers([secret], f"evt_{number}", int(time.time()), body)
        assert Webhook(secret).verify(body, headers) == data


def test_every_owner_and_serial_has_a_secret_of_its_own() -> None:
    owners = ["tenant:acme", "tenant:acme2", "hook_1", "hook_2"]
    secrets = {ROOT.secret(owner, serial) for owner in owners for serial in (1, 2, 11)}
    assert len(secrets) == 12
    assert ROOT.text not in repr(ROOT)
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)


async def test_the_request_and_every_endpoint_that_asks_get_one_each(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    own = await room.webhooks.own_secret("acme")
    secrets = {"/own": own}
    wishes: dict[str, tuple[str, list[str]]] = {
        "/default": ("acme", []),
        "/ended": ("acme", ["ENDED", "PROGRESS"]),
        "/progress": ("acme", ["PROGRESS"]),
        "/other": ("other", []),
    }
    for path, (tenant, events) in wishes.items():
        _, secrets[path] = await room.webhooks.create(tenant, url.replace("/hook", path), events)
    await room.announce(webhook={"url": url.replace("/hook", "/own")})
    await room.announce(EventKind.STARTED, webhook={"url": url.replace("/hook", "/own")})
    assert await room.courier.deliver_due() == 3
    paths = [head.split()[1].decode().partition("?")[0] for head in served.heads]
    assert sorted(paths) == ["/default", "/ended", "/own"]
    assert len(set(served.bodies)) == 1
    for path, head, body in zip(paths, served.heads, served.bodies, strict=True):
        told = verified(secrets[path], head, body)
        assert (told["type"], told["data"]["job_id"], told["data"]["labels"]) == ("job.ended", "job_1", {"a": "é"})
        for other in secrets.keys() - {path}:
            with pytest.raises(WebhookVerificationError):
                verified(secrets[other], head, body)
    assert {view.state for view in await room.log()} == {"DELIVERED"}
    assert len({view.id for view in await room.log()}) == 3


async def test_nothing_secret_is_in_the_database(serve: "Serve", office: Open, tmp_path: Path) -> None:
    room = office()
    _, url = await receiver(serve, room)
    endpoint, first = await room.webhooks.create("acme", url)
    _, second = await room.webhooks.rotate(endpoint.id, "acme", timedelta(hours=1))
    await room.announce()
    await room.courier.deliver_due()
    raw = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("filmgate.sqlite*")))  # noqa: ASYNC240 - small
    assert endpoint.id.encode() in raw
    for secret in (first, second, ROOT.text):
        assert secret.removeprefix("whsec_").encode() not in raw


async def test_both_secrets_sign_until_the_overlap_is_over(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    endpoint, old = await room.webhooks.create("acme", url)
    _, new = await room.webhooks.rotate(endpoint.id, "acme", timedelta(hours=1))
    for _ in range(3):
        await room.announce()
    await room.courier.deliver_due()
    for head, body in zip(served.heads, served.bodies, strict=True):
        assert verified(old, head, body) == verified(new, head, body)
        assert header(head, "webhook-signature").count("v1,") == 2
        assert header(head, "webhook-signature").startswith(
            signing.sign(new, header(head, "webhook-id"), int(header(head, "webhook-timestamp")), body)
        )
    room.passed += timedelta(hours=1, seconds=1)
    await room.announce()
    await room.courier.deliver_due()
    assert header(served.heads[-1], "webhook-signature").count("v1,") == 1
    head, body = served.heads[-1], served.bodies[-1]
    stamp = int(header(head, "webhook-timestamp"))
    assert header(head, "webhook-signature") == signing.sign(new, header(head, "webhook-id"), stamp, body)


async def test_rotating_at_once_ends_the_old_secret_and_no_serial_comes_twice(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    endpoint, first = await room.webhooks.create("acme", url)
    secrets = [first]
    for overlap in (0, 60, 60, 60, 60, 60, 0):
        _, secret = await room.webhooks.rotate(endpoint.id, "acme", timedelta(seconds=overlap))
        secrets.append(secret)
    own = [await room.webhooks.own_secret("acme")]
    own += [await room.webhooks.rotate_own("acme", timedelta(seconds=overlap)) for overlap in (60, 0, 0)]
    assert len({*secrets, *own}) == len(secrets) + len(own)
    await room.announce(webhook={"url": url})
    await room.courier.deliver_due()
    assert [header(head, "webhook-signature").count("v1,") for head in served.heads] == [1, 1]
    assert await room.webhooks.own_secret("acme") == own[-1]


async def test_at_most_four_secrets_sign(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    endpoint, _ = await room.webhooks.create("acme", url)
    for _ in range(9):
        await room.webhooks.rotate(endpoint.id, "acme", timedelta(days=1))
    await room.announce()
    await room.courier.deliver_due()
    assert header(served.heads[0], "webhook-signature").count("v1,") == 4


async def test_ten_attempts_by_the_schedule_with_one_id_and_one_body(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room, status(500))
    endpoint, secret = await room.webhooks.create("acme", url)
    await room.announce()
    gaps = []
    for number in range(1, 11):
        assert await room.courier.deliver_due() == 1
        view = await room.only()
        assert len(view.tries) == number
        if view.next_time is not None:
            gap = view.next_time - view.tries[-1].time
            gaps.append(gap.total_seconds())
            room.passed += gap - timedelta(seconds=0.5)
            assert await room.courier.deliver_due() == 0
            room.passed += timedelta(seconds=0.6)
    assert (view.state, view.next_time) == ("EXHAUSTED", None)
    assert len(gaps) == len(SCHEDULE)
    assert all(abs(gap / step - 1) <= JITTER for gap, step in zip(gaps, SCHEDULE, strict=True))
    assert len({round(gap / step, 4) for gap, step in zip(gaps, SCHEDULE, strict=True)}) > 5
    assert sum(SCHEDULE) == (75 * 60 + 35) * 60 + 5
    assert len({header(head, "webhook-id") for head in served.heads}) == len(set(served.bodies)) == 1
    assert len({header(head, "webhook-timestamp") for head in served.heads}) == 10
    assert (await room.webhooks.get(endpoint.id, "acme")).enabled
    assert secret


@pytest.mark.parametrize("dated", [False, True])
async def test_retry_after_is_waited_out_and_never_shortens(serve: "Serve", office: Open, dated: bool) -> None:
    room = office()
    later = format_datetime(room.now() + timedelta(seconds=4000), usegmt=True) if dated else "4000"
    _, url = await receiver(serve, room, status(503, f"Retry-After: {later}"))
    await room.webhooks.create("acme", url)
    await room.announce()
    await room.courier.deliver_due()
    view = await room.only()
    assert view.next_time is not None
    assert 3990 <= (view.next_time - view.tries[0].time).total_seconds() <= 4001
    served, url = await receiver(serve, room, status(429, "Retry-After: 1"))
    await room.move(url)
    room.passed += timedelta(seconds=4100)
    await room.courier.deliver_due()
    view = await room.only()
    assert view.next_time is not None
    assert (view.next_time - view.tries[1].time).total_seconds() >= 270
    assert served.connections == 1


async def _hang(reader: Any, _writer: Any) -> None:
    await reader.read()  # for as long as the other side waits


async def _late(_reader: Any, writer: Any) -> None:
    await asyncio.sleep(0.3)
    writer.write(OK)


FAILURES = {
    "301": (answering(status(301, "Location: http://127.0.0.1:1/")), "301"),
    "308": (answering(status(308, "Location: http://127.0.0.1:1/")), "308"),
    "304": (answering(status(304)), "304"),
    "400": (answering(status(400)), "400"),
    "500": (answering(status(500)), "500"),
    "503": (answering(status(503)), "503"),
    "hangs": (_hang, "no reply came in time"),
    "closes early": (answering(b""), "ended early"),
    "half a head": (answering(b"HTTP/1.1 200 O"), "ended early"),
    "half a body": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), "ended early"),
    "no HTTP": (answering(b"SSH-2.0-OpenSSH\r\n"), "broken HTTP"),
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_what_is_not_a_2xx_in_time_is_tried_again(serve: "Serve", office: Open, kind: str) -> None:
    script, told = FAILURES[kind]
    room = office(seconds=0.2)
    served = await serve(script)
    room.allow(f"http://127.0.0.1:{served.port}")
    await room.webhooks.create("acme", f"http://127.0.0.1:{served.port}/hook")
    await room.announce()
    await room.courier.deliver_due()
    view = await room.only()
    assert (view.state, len(view.tries), served.connections) == ("DUE", 1, 1)
    assert told in (view.tries[0].error or str(view.tries[0].status))
    assert view.next_time is not None


async def test_a_late_2xx_within_the_time_is_a_success(serve: "Serve", office: Open) -> None:
    room = office(seconds=5.0)
    served = await serve(_late)
    room.allow(f"http://127.0.0.1:{served.port}")
    await room.webhooks.create("acme", f"http://127.0.0.1:{served.port}/hook")
    await room.announce()
    await room.courier.deliver_due()
    view = await room.only()
    assert (view.state, view.tries[0].status) == ("DELIVERED", 204)
    assert view.tries[0].milliseconds >= 290


async def test_410_disables_the_endpoint_and_what_waits_for_it(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room, status(500))
    endpoint, _ = await room.webhooks.create("acme", url)
    for _ in range(3):
        await room.announce()
    await room.courier.deliver_due()
    gone, gone_url = await receiver(serve, room, status(410))
    await room.webhooks.update(endpoint.id, "acme", EndpointChange(url=gone_url))
    room.passed += timedelta(seconds=6)
    room.courier._traffic.end(urls.origin(gone_url), answered=False)
    tried = await room.courier.deliver_due()
    assert tried == gone.connections
    assert {view.state for view in await room.log()} == {"DISABLED"}
    found = await room.webhooks.get(endpoint.id, "acme")
    assert (found.enabled, found.reason) == (False, "the address answered 410 Gone")
    await room.announce()
    room.passed += timedelta(days=1)
    assert await room.courier.deliver_due() == 0
    assert served.connections == 3


async def test_410_at_a_requests_own_address_ends_that_jobs_webhooks_only(serve: "Serve", office: Open) -> None:
    room = office()
    _, url = await receiver(serve, room, status(410))
    await room.announce(EventKind.STALLED, webhook={"url": url})
    await room.announce(EventKind.STALLED, webhook={"url": url}, job_id="job_2")
    await room.courier.deliver_due()
    await room.announce(webhook={"url": url}, job_id="job_3")
    states = {view.job_id: view.state for view in await room.log()}
    assert states == {"job_1": "DISABLED", "job_2": "DISABLED", "job_3": "DUE"}


async def test_the_policy_is_asked_at_every_delivery(serve: "Serve", office: Open) -> None:
    canary = await serve(answering(OK))

    answers = [["93.184.216.34"], ["127.0.0.1"]]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers[-1] if len(answers) == 1 else answers.pop(0)

    room = office(resolve=resolve)
    await room.webhooks.create("acme", "https://hook.example.com/x")
    targets = [f"https://{host}/" for host in PRIVATE_HOSTS] + DIFFERENTIALS
    targets += [f"http://127.0.0.1:{canary.port}/", f"https://127.0.0.1:{canary.port}/"]
    targets = [target for target in targets if "\x00" not in target]  # no Postgres could hold it
    for number in range(len(targets)):
        await room.announce(job_id=f"job_{number}")
    for view, target in zip(await room.log(), targets, strict=True):
        await room.move(target, view.id)
    assert await room.courier.deliver_due() == len(targets)
    errors = [view.tries[0].error for view in await room.log()]
    assert [error for error in errors if "refused by the URL policy" not in error and "may not be" not in error] == []
    assert canary.connections == 0


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_a_name_that_turns_inward_gets_nothing(office: Open, answer: list[str]) -> None:
    answers = [["93.184.216.34"], answer]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    room = office(resolve=resolve)
    await room.webhooks.create("acme", "https://hook.example.com/x")
    await room.announce()
    await room.courier.deliver_due()
    view = await room.only()
    assert view.tries[0].status == 0
    assert "not delivered" in view.tries[0].error
    assert answers == []


@pytest.mark.parametrize(
    "url", ["https://localhost/x", "http://example.com/x", "https://10.0.0.1/", "https://a@b.com/"]
)
async def test_an_unsafe_address_is_refused_at_once(office: Open, url: str) -> None:
    room = office()
    with pytest.raises(InvalidRequest) as caught:
        await room.webhooks.create("acme", url)
    assert [(each.field, each.reason) for each in caught.value.violations] == [("url", Reason.UNSAFE_URL)]
    assert not urls.is_public(ipaddress.ip_address("10.0.0.1"))


async def test_two_couriers_send_each_delivery_once(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    await room.webhooks.create("acme", url)
    for number in range(200):
        await room.announce(job_id=f"job_{number}")
    couriers = [room.courier, *(room.hire() for _ in range(3))]
    sent = await asyncio.gather(*(courier.deliver_due() for courier in couriers))
    assert sum(sent) == 200
    assert set(Counter(header(head, "webhook-id") for head in served.heads).values()) == {1}
    assert {len(view.tries) for view in await room.log()} == {1}


async def test_a_dead_couriers_claim_ends_and_another_sends_the_same(serve: "Serve", office: Open) -> None:
    room = office(seconds=30.0)
    stuck = await serve(_hang)
    room.allow(f"http://127.0.0.1:{stuck.port}")
    await room.webhooks.create("acme", f"http://127.0.0.1:{stuck.port}/")
    await room.announce()
    dead = asyncio.create_task(room.courier.deliver_due())
    while not stuck.heads:  # noqa: ASYNC110 - the socket has no event
        await asyncio.sleep(0.01)
    other = room.hire()
    served, url = await receiver(serve, room)
    other.origins = room.courier.origins
    assert await other.deliver_due() == 0
    room.passed += timedelta(seconds=61)
    await room.move(url)
    assert await other.deliver_due() == 1
    for task in room.courier._flying:
        task.cancel()
    await dead
    assert header(stuck.heads[0], "webhook-id") == header(served.heads[0], "webhook-id")
    assert stuck.bodies == served.bodies
    view = await room.only()
    assert (view.state, [tried.status for tried in view.tries]) == ("DELIVERED", [204])


async def test_a_process_that_starts_forgets_what_the_killed_one_had_claimed(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    await room.webhooks.create("acme", url)
    await room.announce()
    update = sa.update(tables.deliveries).values(claim="claim_dead", claimed_until=room.now() + timedelta(seconds=60))
    await room.database.write(lambda connection: connection.execute(update).rowcount)
    running = asyncio.create_task(room.courier.run())
    while not served.heads:  # noqa: ASYNC110 - the socket has no event
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_courier_that_is_stopped_lets_go(serve: "Serve", office: Open) -> None:
    room = office(seconds=30.0)
    served = await serve(_hang)
    room.allow(f"http://127.0.0.1:{served.port}")
    await room.webhooks.create("acme", f"http://127.0.0.1:{served.port}/")
    await room.announce()
    running = asyncio.create_task(room.courier.run())
    while not served.heads:  # noqa: ASYNC110 - the socket has no event
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    columns = tables.deliveries.c
    row = await room.database.read(lambda connection: connection.execute(sa.select(columns.claim, columns.state)).one())
    assert tuple(row) == ("", "DUE")


async def test_an_endpoint_disabled_meanwhile_gets_nothing(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    await room.webhooks.create("acme", url)
    await room.announce()
    update = sa.update(tables.webhook_endpoints).values(state="DISABLED")
    await room.database.write(lambda connection: connection.execute(update).rowcount)
    assert await room.courier.deliver_due() == 0
    assert (served.connections, (await room.only()).state) == (0, "DISABLED")


async def test_a_server_with_another_root_does_not_sign(serve: "Serve", office: Open) -> None:
    room = office()
    served, url = await receiver(serve, room)
    await room.webhooks.create("acme", url)
    await room.announce()
    room.courier.root = signing.Root("whsec_" + "QUJE" * 8)
    await room.courier.deliver_due()
    assert served.connections == 0
    assert "rotate the secret" in (await room.only()).tries[0].error


async def test_hanging_endpoints_do_not_delay_the_others(serve: "Serve", office: Open) -> None:
    room = office(seconds=15.0)
    arrived: dict[str, float] = {}

    async def healthy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        arrived[header(head, "webhook-id")] = time.monotonic()
        writer.write(OK)

    served = [await serve(_hang if number < 20 else healthy, read=number < 20) for number in range(100)]
    origins = [f"http://127.0.0.1:{each.port}" for each in served]
    room.allow(*origins)
    for number, origin in enumerate(origins):
        await room.webhooks.create(f"tenant-{number}", f"{origin}/hook")
    running = asyncio.create_task(room.courier.run())
    began: dict[str, float] = {}
    for turn in range(5):
        for number in range(100):
            await room.announce(tenant=f"tenant-{number}", job_id=f"{number}/{turn}")
            began[f"{number}/{turn}"] = time.monotonic()
            room.context.bell.ring("job")
        while len(arrived) < 80 * (turn + 1):  # noqa: ASYNC110 - many sockets, no event
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    query = sa.select(tables.deliveries.c.id, tables.deliveries.c.job_id)
    rows = await room.database.read(lambda connection: connection.execute(query).all())
    waits = sorted(arrived[row.id] - began[row.job_id] for row in rows if row.id in arrived)
    assert waits[-1] < 15.0, "somebody waited for a hanging one to be given up"


def test_an_origin_that_answers_gets_more_at_once_and_one_that_does_not_gets_one() -> None:
    traffic = Traffic()
    due = [(str(number), "https://a") for number in range(100)]
    assert len(traffic.room().choose(due)) == AT_FIRST
    for _ in range(50):
        traffic.start("https://a")
        traffic.end("https://a", answered=True)
    assert len(traffic.room().choose(due)) == AT_MOST
    traffic.start("https://a")
    traffic.end("https://a", answered=False)
    assert traffic.room().choose(due) == ["0"]
    traffic.start("https://a")
    assert traffic.room().full == {"https://a"}
    assert traffic.room().choose([*due, ("b", "https://b")]) == ["b"]
