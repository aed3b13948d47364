"""Making things happen at once on real connections: crowds, meetings, and one transaction inside another."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction


def race(count: int, act: Callable[[int], object], workers: int = 16) -> list[Any]:
    """Run `act` `count` times at once; exceptions are results too."""

    def run(index: int) -> object:
        try:
            return act(index)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(count)))


def both(*acts: Callable[[], object]) -> list[Any]:
    """Run different things at once."""
    return race(len(acts), lambda index: acts[index]())


def of(kind: type, results: list[Any]) -> list[Any]:
    """The results of one kind."""
    return [result for result in results if isinstance(result, kind)]


class Meeting:
    """Threads wait here for each other. With a guard in place only one arrives, waits in vain and goes on alone."""

    def __init__(self, parties: int = 2) -> None:
        self._barrier = threading.Barrier(parties)
        # A twin has no guard, so everybody comes: it may take its time on a busy machine. A guarded test waits all of it.
        test = os.environ["PYTEST_CURRENT_TEST"]
        self._patience_s = 12.0 if "twin" in test or "without" in test else 1.0

    def wait(self) -> None:
        try:
            self._barrier.wait(timeout=self._patience_s)
        except threading.BrokenBarrierError:
            return


def meet_before(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """Let two threads reach a function before either runs it."""
    meeting, original = Meeting(), getattr(module, name)

    def meet_then_call(*args: Any, **kwargs: Any) -> Any:
        meeting.wait()
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, meet_then_call)


def meet_after(monkeypatch: pytest.MonkeyPatch, module: object, name: str, parties: int = 2) -> None:
    """Nobody who has come through a function goes on before the others have, too."""
    meeting, original = Meeting(parties), getattr(module, name)

    def call_then_meet(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        meeting.wait()
        return result

    monkeypatch.setattr(module, name, call_then_meet)


def overlap(first: Callable[[], object], second: Callable[[], object]) -> list[Any]:
    """Run `second` while `first` has done its work and not committed: until `second` waits for it, or has ended.

    The one order of events in which a check that was right a moment ago is wrong now, made to happen each time.
    """
    moved, ended = threading.Event(), threading.Event()
    backend: list[int] = []

    def lead() -> object:
        with transaction.atomic():
            result = first()
            moved.set()
            deadline = time.monotonic() + 5
            while (
                time.monotonic() < deadline
                and not ended.is_set()
                and not (backend and _is_waiting(backend[0]))
            ):
                time.sleep(0.005)
        return result

    def follow() -> object:
        assert moved.wait(5)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    backend.append(cursor.fetchone()[0])
                return second()
        finally:
            ended.set()

    return both(lead, follow)


def _is_waiting(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [backend])
        row = cursor.fetchone()
    return bool(row and row[0])


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Drop constraints and unique indexes; empty what they stood on and put them back whatever the race left."""
    tables: set[str] = set()
    back: list[str] = []
    with connection.cursor() as cursor:
        for name in names:
            table, drop, restore = _guard(name)
            tables.add(table)
            back.append(restore)
            cursor.execute(drop)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET session_replication_role = replica"
            )  # past the triggers of append-only tables
            cursor.execute(f"TRUNCATE {', '.join(sorted(tables))} CASCADE")
            cursor.execute("SET session_replication_role = DEFAULT")
            for statement in back:
                cursor.execute(statement)


def _guard(name: str) -> tuple[str, str, str]:
    """Its table, and the statements that drop it and make it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s",
            [name],
        )
        if constraint := cursor.fetchone():
            table, definition = constraint
            alter = f"ALTER TABLE {table}"
            return table, f"{alter} DROP CONSTRAINT {name}", f"{alter} ADD CONSTRAINT {name} {definition}"
        cursor.execute("SELECT tablename, indexdef FROM pg_indexes WHERE indexname = %s", [name])
        table, definition = cursor.fetchone()
        return table, f"DROP INDEX {name}", definition
