"""Ports that are free, servers that answer."""

from __future__ import annotations

import http.client
import socket

from deploy.local.errors import LocalError


def require_free(host: str, port: int, variable: str) -> None:
    """Make sure that we can listen there.

    Raises:
        LocalError: We cannot; the text names the port and the variable that changes it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError:
            raise LocalError(
                f"Port {port} may not be used by this user. Choose another one: make run {variable}={port + 8000}"
            ) from None
        except OSError:
            raise LocalError(
                f"Port {port} is already in use by another program. "
                f"Stop that one or choose another port: make run {variable}={port + 1000 if port < 60000 else port - 1000}"
            ) from None


def answers(host: str, port: int, path: str) -> bool:
    """Whether an HTTP server there answers this path without an error."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
