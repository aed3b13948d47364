"""A sandbox for the time of a test or a benchmark, in its own process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0


def free_port() -> int:
    """A loopback port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_sandbox(port: int | None = None, *, env: dict[str, str] | None = None) -> Iterator[str]:
    """Start `python -m sandbox` and stop it at the end.

    Args:
        port: Loopback port; a free one when absent.
        env: Further environment variables, such as `SANDBOX_SECRET`.

    Yields:
        The base URL, for example `http://127.0.0.1:43211`, once the sandbox answers.

    Raises:
        RuntimeError: It did not start.
    """
    port = port or free_port()
    process = subprocess.Popen(  # noqa: S603 - our own program, started by tests
        [sys.executable, "-m", "sandbox", "--port", str(port)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
    )
    base_url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(process, base_url)
        yield base_url
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], base_url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The sandbox ended at once with exit code {process.returncode}.")
        try:
            with opener.open(f"{base_url}/_sandbox/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"The sandbox did not answer within {START_TIMEOUT_S:g} s.")
