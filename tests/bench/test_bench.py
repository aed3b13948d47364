"""The benchmarks' own tools: nothing here is timed."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from accounts.models import User
from bench import cpu, statements
from bench.__main__ import BENCHMARKS, main
from bench.client import Connection, form
from bench.load import burst, closed_loop, open_loop
from bench.results import Figure, Result, percentile, table

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that answers in both framings: a known length to GET, chunks to POST."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        if head.startswith(b"POST"):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            writer.write(
                b"HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\nLocation: /there/\r\n\r\n" + chunk
            )
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()


async def _with_server(use: Callable[[int], Awaitable[None]], serve: Serve = _answer) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        await use(server.sockets[0].getsockname()[1])
        await asyncio.sleep(0.05)  # both ends of the last connections close
        server.close()


def test_client_reads_both_framings_on_one_connection() -> None:
    async def use(port: int) -> None:
        async with Connection(port) as client:
            plain = await client.request("GET", "/", headers={"Cookie": "a=b"})
            posted = await client.request("POST", "/", body=form({"service": "what's app", "key": "ü"}))

        assert (plain.status, plain.body) == (200, b"hello")
        assert (posted.status, posted.headers["location"]) == (302, "/there/")
        assert posted.body == b"service=what%27s+app&key=%C3%BC"

    asyncio.run(_with_server(use))


def test_client_opens_anew_after_the_server_has_closed_an_idle_connection() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async def use(port: int) -> None:
        async with Connection(port) as client:
            for _ in range(2):
                assert (await client.request("GET", "/")).body == b"ok"
                await asyncio.sleep(0.05)

    asyncio.run(_with_server(use, once))


def test_loads_count_what_went_well_and_name_what_did_not() -> None:
    async def shot(connection: Connection) -> str:
        answer = await connection.request("GET", "/")
        return "" if answer.status == 200 else "no"

    async def refused(connection: Connection) -> str:
        return "refused"

    async def use(port: int) -> None:
        closed = await closed_loop(port, shot, connections=2, seconds=0.1)
        steady = await open_loop(port, shot, rate_per_s=100, seconds=0.1)
        bad = await open_loop(port, refused, rate_per_s=100, seconds=0.05)

        assert closed.per_s > 0
        assert closed.faults == {}
        assert len(steady.latencies_s) == 10
        assert (bad.latencies_s, bad.faults) == ([], {"refused": 5})

    asyncio.run(_with_server(use))


def test_burst_sends_each_shot_once_and_tells_kinds_apart() -> None:
    async def shot(connection: Connection) -> str:
        await connection.request("GET", "/")
        return ""

    async def refused(connection: Connection) -> str:
        return "refused"

    async def use(port: int) -> None:
        found = await burst(port, [*[("good", shot)] * 7, *[("bad", refused)] * 3], connections=4)

        assert len(found["good"].latencies_s) == 7
        assert found["bad"].faults == {"refused": 3}

    asyncio.run(_with_server(use))


def test_percentile_is_a_measured_value() -> None:
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert math.isnan(percentile([], 0.95))


def test_table_shows_figure_limit_ratio_and_goal() -> None:
    figure = Figure("orders, most", 60.0, "/s", 120.0, "raw driver", "≥ 120/s", met=False)

    lines = table([Result("orders", (figure,))]).splitlines()

    cells = [cell.strip() for cell in lines[2].split("  ") if cell.strip()]
    assert cells == ["orders: orders, most", "60 /s", "120 /s", "raw driver", "0.50", "≥ 120/s", "NO"]


def test_result_survives_its_file() -> None:
    result = Result("live", (Figure("p95", 1.5, "s"),), {"lost": 0})

    assert Result.from_json(result.as_json()) == result


@pytest.mark.django_db(transaction=True)
def test_recording_keeps_statements_and_transactions() -> None:
    with statements.recording() as made:
        User.objects.count()
        with transaction.atomic():
            Group.objects.create(name="bench")
            with transaction.atomic():
                User.objects.count()

    assert (made.queries, made.transactions) == (3, 2)
    assert made.steps[1] == (statements.COMMIT, None)


@pytest.mark.django_db(transaction=True)
def test_replay_executes_the_recording_with_new_ids() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_test (id uuid PRIMARY KEY, owner bigint, data jsonb)")
    first = uuid.uuid4()
    row: list[Any] = [first, 7, Jsonb({"id": str(first)})]
    try:
        with statements.recording() as made, connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_test VALUES (%s, %s, %s)", row)

        done = statements.replay(
            made, url=_url(), seconds=0.2, renew=statements.generated_ids(made), owners=[{7: 8}, {7: 9}]
        )

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(DISTINCT owner), bool_and(data->>'id' = id::text) FROM bench_test"
            )
            assert cursor.fetchone() == (len(done.latencies_s) + 1, 3, True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_test")


@pytest.mark.django_db(transaction=True)
def test_replay_works_on_the_rows_it_is_given_and_ends_with_them() -> None:
    first, others = uuid.uuid4(), [uuid.uuid4() for _ in range(5)]
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_rows (id uuid PRIMARY KEY, number bigint UNIQUE)")
            cursor.executemany(
                "INSERT INTO bench_rows VALUES (%s, NULL)", [[row] for row in [first, *others]]
            )
        with statements.recording() as made, connection.cursor() as cursor:
            cursor.execute("UPDATE bench_rows SET number = %s WHERE id = %s", [7, first])
        rows = [
            statements.Row({str(first): str(other)}, {7: 8 + number}) for number, other in enumerate(others)
        ]

        done = statements.replay(made, url=_url(), seconds=30, rows=iter(rows), owners=[{}, {}])

        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM bench_rows ORDER BY number")
            assert [number for (number,) in cursor.fetchall()] == [7, 8, 9, 10, 11, 12]
        assert len(done.latencies_s) == 5
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS bench_rows")


def test_cpu_time_is_told_by_process() -> None:
    used = cpu.seconds({})

    assert not used or used["load generator"] > 0


def test_unknown_benchmark_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "orders,nonsense"])

    assert f"unknown: nonsense; known: {', '.join(BENCHMARKS)}" in capsys.readouterr().err


def _url() -> str:
    settings = connection.settings_dict
    return f"postgres://{settings['USER']}@/{settings['NAME']}?host={settings['HOST'] or _host()}&port={settings['PORT'] or 5432}"


def _host() -> str:
    return str(connection.settings_dict["OPTIONS"].get("host", ""))
