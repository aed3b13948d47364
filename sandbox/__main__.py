"""`python -m sandbox`: serve until told to stop."""

import argparse
import contextlib
import gc
import socket
import sys

import uvicorn

from sandbox.app import create_app
from sandbox.serving import Stopping
from sandbox.transport import AbortableProtocol


class Server(uvicorn.Server):
    """Tells hanging answers to give up before waiting for the open connections."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.event.set()
        await super().shutdown(sockets)


def main() -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    options = parser.parse_args()

    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print(f"The sandbox cannot listen on {options.host}:{options.port}: {reason}.", file=sys.stderr)
        return 1

    # Orders live for minutes and hold no cycles: looking through all of them again and again costs pauses.
    gc.set_threshold(100_000, 50, 1000)
    stopping = Stopping()
    config = uvicorn.Config(
        create_app(stopping=stopping),
        http=AbortableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    port = listener.getsockname()[1]
    print(f"Sandbox on http://{options.host}:{port} (control API under /_sandbox/)", flush=True)
    # uvicorn stops in good order and then raises Ctrl-C once more.
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, stopping).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
