"""The SQL of one request, recorded with its transactions, and the same SQL again by the raw driver."""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import psycopg
from django.db import connection
from psycopg.types.json import Json, Jsonb

COMMIT = "COMMIT"


@dataclass(slots=True)
class Recording:
    """Statements with their parameters in order; `COMMIT` stands where a transaction ended."""

    steps: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def queries(self) -> int:
        return sum(sql != COMMIT for sql, _ in self.steps)

    @property
    def transactions(self) -> int:
        return sum(sql == COMMIT for sql, _ in self.steps)


@contextmanager
def recording() -> Iterator[Recording]:
    """Record what this thread's Django connection executes."""
    made = Recording()

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT")):
            if not connection.in_atomic_block:
                made.steps += [(str(sql), copy.deepcopy(params)), (COMMIT, None)]
            else:
                made.steps.append((str(sql), copy.deepcopy(params)))
        return execute(sql, params, many, context)

    original = connection.commit

    def commit() -> None:
        made.steps.append((COMMIT, None))
        original()

    connection.ensure_connection()
    with connection.execute_wrapper(note), patch.object(connection, "commit", commit):
        yield made


def fresh(params: Any, replacements: Mapping[str, str], numbers: Mapping[int, int]) -> Any:
    """The same parameters about something else: ids and texts that hold them are replaced wherever they stand."""
    match params:
        case dict():
            return {name: fresh(value, replacements, numbers) for name, value in params.items()}
        case list() | tuple():
            return type(params)(fresh(value, replacements, numbers) for value in params)
        case uuid.UUID():
            return uuid.UUID(replacements.get(str(params), str(params)))
        case bool():
            return params
        case int():
            return numbers.get(params, params)
        case str():
            for old, new in replacements.items():
                if old in params:
                    params = params.replace(old, new)
            return params
        case Json() | Jsonb():
            return type(params)(json.loads(fresh(json.dumps(params.obj, default=str), replacements, numbers)))
    return params


def generated_ids(made: Recording, *others: str) -> list[str]:
    """What must be different the next time: every UUID among the parameters, and `others`."""
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        match value:
            case dict():
                look(list(value.values()))
            case list() | tuple():
                for each in value:
                    look(each)
            case uuid.UUID():
                found[str(value)] = None

    look([params for _, params in made.steps])
    return [*found, *others]


@dataclass(frozen=True, slots=True)
class Row:
    """What stands for an existing row in a recording, and what stands for it in one execution."""

    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """How often the recording was executed, and how long each execution took."""

    seconds: float
    latencies_s: list[float]

    @property
    def per_s(self) -> float:
        return len(self.latencies_s) / self.seconds


def replay(
    made: Recording,
    *,
    url: str,
    seconds: float,
    renew: Sequence[str] = (),
    owners: Sequence[Mapping[int, int]] = ({},),
    rows: Iterator[Row] | None = None,
) -> Replay:
    """Execute the recording in a loop, one thread and one connection for each of `owners`.

    Uses the cursor Django uses (parameters merged by the client), without Django. New ids are made outside the time taken.

    Args:
        renew: Ids to replace by new ones in each execution.
        owners: For each connection the numbers to replace, so that they do not wait for each other's wallet.
        rows: What to replace in each execution besides, so that each works on a row of its own that is there already. The
            replay ends with them. Must be safe to share, as the iterator of a list is.
    """
    latencies: list[float] = []
    faults: list[BaseException] = []
    until = time.perf_counter() + seconds

    def work(numbers: Mapping[int, int]) -> None:
        try:
            with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as raw, raw.cursor() as cursor:
                while time.perf_counter() < until:
                    row = next(rows, None) if rows is not None else Row()
                    if row is None:
                        break
                    replacements = {old: _another(old) for old in renew} | dict(row.texts)
                    own = {**numbers, **row.numbers}
                    steps = [(sql, fresh(params, replacements, own)) for sql, params in made.steps]
                    started = time.perf_counter()
                    for sql, params in steps:
                        if sql == COMMIT:
                            raw.commit()
                        else:
                            cursor.execute(sql.encode(), params)
                            if cursor.description:
                                cursor.fetchall()
                    latencies.append(time.perf_counter() - started)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(numbers,)) for numbers in owners]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return Replay(time.perf_counter() - started, latencies)


def _another(old: str) -> str:
    return str(uuid.uuid4()) if len(old) == 36 else uuid.uuid4().hex[: max(len(old), 16)]
