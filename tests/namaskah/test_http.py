"""The HTTP seam against real sockets: what a vendor can do to a caller, and what a log line may show."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from namaskah.lib import http
from namaskah.lib.http_redaction import redact

KEY = "s3cr3t-key-0001"
Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def vendor(answer: Answer) -> Iterator[str]:
    """A server that lets `answer` do as it likes with each request; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        stopping = threading.Event()

        def talk(peer: socket.socket) -> None:
            with peer, suppress(OSError):
                while request := _read_request(peer):
                    answer(peer, request)

        def accept() -> None:
            while not stopping.is_set():
                with suppress(OSError):
                    peer, _ = listener.accept()
                    threading.Thread(target=talk, args=(peer,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            with suppress(OSError):
                socket.create_connection(listener.getsockname(), timeout=1).close()
            thread.join(5)


def _read_request(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = peer.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def says(body: bytes, *, status: str = "200 OK", headers: str = "") -> Answer:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda peer, _: peer.sendall(head + body)


def call(url: str, **changes: object) -> http.Reply:
    options: dict[str, object] = {
        "connect_timeout_s": 1.0,
        "read_timeout_s": 0.6,
        "secrets": (KEY,),
    } | changes
    return http.send("GET", url, **options)  # type: ignore[arg-type]


def test_a_reply_carries_status_text_and_headers() -> None:
    with vendor(says("\ufeffžluť".encode(), status="418 Teapot", headers="X-Price: 0.35\r\n")) as url:
        reply = call(url)

    assert (reply.status, reply.text, reply.headers["x-price"]) == (418, "žluť", "0.35")
    assert 0 < reply.elapsed_s < 1


def test_a_request_carries_query_form_and_headers() -> None:
    seen: list[bytes] = []

    def answer(peer: socket.socket, request: bytes) -> None:
        seen.append(request)
        says(b"ok")(peer, request)

    with vendor(answer) as url:
        http.send(
            "POST",
            f"{url}/a",
            params={"q": "ü &"},
            data={"f": "1"},
            headers={"X-ApiKey": "k"},
            connect_timeout_s=1,
            read_timeout_s=1,
        )

    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?q=%C3%BC")
    assert b"X-ApiKey: k" in head
    assert body == b"f=1"


def test_a_request_carries_bytes_as_they_are() -> None:
    seen: list[bytes] = []

    def answer(peer: socket.socket, request: bytes) -> None:
        seen.append(request)
        says(b"ok")(peer, request)

    with vendor(answer) as url:
        http.send("PUT", url, content=b"%PDF\x00\xff", connect_timeout_s=1, read_timeout_s=1)

    assert seen[0].startswith(b"PUT / ")
    assert seen[0].endswith(b"\r\n\r\n%PDF\x00\xff")


def test_json_reads_fractions_as_decimals() -> None:
    reply = http.Reply(200, '{"cost": 0.1, "count": 3}')

    assert reply.json() == {"cost": Decimal("0.1"), "count": 3}


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "[" * 100_000, "1" * 5000])
def test_json_that_is_none_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        http.Reply(200, text).json()


def test_connections_are_kept_and_cookies_are_not() -> None:
    peers, requests = set(), []

    def answer(peer: socket.socket, request: bytes) -> None:
        peers.add(peer.getpeername())
        requests.append(request)
        says(b"ok", headers="Set-Cookie: session=1\r\n")(peer, request)

    with vendor(answer) as url:
        call(url)
        call(url)

    assert len(peers) == 1
    assert not any(b"cookie" in request.lower() for request in requests)


def test_a_redirect_is_returned_and_not_followed() -> None:
    hits: list[bytes] = []

    def answer(peer: socket.socket, request: bytes) -> None:
        hits.append(request)
        says(b"", status="302 Found", headers="Location: /elsewhere\r\n")(peer, request)

    with vendor(answer) as url:
        reply = call(url)

    assert (reply.status, reply.headers["location"], len(hits)) == (302, "/elsewhere", 1)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with vendor(says(b"direct")) as url:
        assert call(url).text == "direct"


def test_a_refused_connection_has_had_no_effect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(http.ConnectionNotMade):
        call(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "url", ["http://no-such-host.invalid/", "ftp://127.0.0.1/", "nonsense", "http://[::bad/"]
)
def test_an_address_that_leads_nowhere_has_had_no_effect(url: str) -> None:
    with pytest.raises(http.ConnectionNotMade):
        call(url)


def test_a_connection_that_is_not_accepted_ends_with_its_time_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        started = time.monotonic()

        with pytest.raises(http.ConnectionNotMade):
            call(f"http://127.0.0.1:{listener.getsockname()[1]}/", connect_timeout_s=0.3)

        assert time.monotonic() - started < 1
        for filler in fillers:
            filler.close()


def _silent(peer: socket.socket, _: bytes) -> None:
    time.sleep(2)


def _reset(peer: socket.socket, _: bytes) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer.close()


def _hang_up(peer: socket.socket, _: bytes) -> None:
    peer.close()


def _drip_body(peer: socket.socket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _at in range(40):
        peer.sendall(b"x")
        time.sleep(0.05)


def _drip_head(peer: socket.socket, _: bytes) -> None:
    for at in range(40):
        peer.sendall(b"HTTP/1.1 200 OK\r\nX-A: "[at : at + 1] or b"x")
        time.sleep(0.05)


def _short(peer: socket.socket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nACCESS_NUMBER:1:79580000001")
    peer.close()


def _nonsense(peer: socket.socket, _: bytes) -> None:
    peer.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


@pytest.mark.parametrize("answer", [_silent, _reset, _hang_up, _drip_body, _drip_head, _short, _nonsense])
def test_a_request_without_a_whole_answer_in_time_is_in_doubt(answer: Answer) -> None:
    with vendor(answer) as url:
        started = time.monotonic()

        with pytest.raises(http.NoAnswer):
            call(url)

        assert time.monotonic() - started < 1.2


def test_the_next_call_after_a_broken_one_works() -> None:
    answers = iter([_drip_body, says(b"fine")])

    def answer(peer: socket.socket, request: bytes) -> None:
        next(answers)(peer, request)

    with vendor(answer) as url:
        with pytest.raises(http.NoAnswer):
            call(url)

        assert call(url).text == "fine"


@pytest.mark.parametrize(
    "answer",
    [
        says(b"x" * 5000),
        says(gzip.compress(b"x" * 5_000_000), headers="Content-Encoding: gzip\r\n"),
        says(gzip.compress(b"x" * 500)[:-10], headers="Content-Encoding: gzip\r\n"),
        says(b"garbage", headers="Content-Encoding: gzip\r\n"),
        says(b"x", headers="Content-Encoding: br\r\n"),
    ],
    ids=["too big", "bomb", "cut short", "garbage", "unasked encoding"],
)
def test_a_body_that_cannot_be_taken_is_in_doubt(answer: Answer) -> None:
    with vendor(answer) as url, pytest.raises(http.NoAnswer):
        call(url, max_bytes=4000)


def test_a_compressed_body_is_unfolded() -> None:
    with vendor(says(gzip.compress(b"STATUS_OK:1"), headers="Content-Encoding: gzip\r\n")) as url:
        assert call(url).text == "STATUS_OK:1"


def test_a_forked_child_makes_connections_of_its_own() -> None:
    peers = []

    def answer(peer: socket.socket, request: bytes) -> None:
        peers.append(peer.getpeername())
        says(b"ok")(peer, request)

    with vendor(answer) as url:
        call(url)
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if call(url).text == "ok" else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        call(url)

    assert len(peers) == 3
    assert peers[0] == peers[2] != peers[1]


def test_the_log_line_of_a_call_shows_no_query_and_no_key() -> None:
    with vendor(says(b"NO_BALANCE")) as url, capture_logs() as lines:
        call(
            f"{url}/buy/{KEY}/tg",
            params={"api_key": KEY, "id": "635468024"},
            headers={"Authorization": f"Bearer {KEY}"},
        )

    [line] = lines
    assert (line["method"], line["path"], line["status"], line["bytes"]) == (
        "GET",
        "/buy/[hidden]/tg",
        200,
        10,
    )
    assert KEY not in str(lines)
    assert "635468024" not in str(lines)


def test_the_exception_and_log_line_of_a_failed_call_show_no_key() -> None:
    with capture_logs() as lines, pytest.raises(http.HttpError) as caught:
        call(f"http://no-such-host.invalid/{KEY}", params={"token": "abcdefgh", "api_key": KEY})

    assert caught.value.__suppress_context__
    for text in (str(caught.value), repr(caught.value), str(lines)):
        assert KEY not in text
        assert "abcdefgh" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /x?api_key=abc&action=getStatus", "GET /x?api_key=[hidden]&action=getStatus"),
        ("?apiKey=a&apikey=b&token=c&x=1", "?apiKey=[hidden]&apikey=[hidden]&token=[hidden]&x=1"),
        ("customer=h&key=i", "customer=[hidden]&key=[hidden]"),
        ("Authorization: Bearer abcdefghij.k", "Authorization: [hidden]"),
        ("sent ApiKey abcdefghijk", "sent ApiKey [hidden]"),
        (f"plain {KEY} and quoted pass%2Fword", "plain [hidden] and quoted [hidden]"),
        ("monkey=1 and a short ab", "monkey=1 and a short ab"),
        ("key sk_live_0a1b2c is wrong", "key sk_live_[hidden] is wrong"),
        ("AUTH_72btv547 of SIG_uSYN4fv1", "AUTH_[hidden] of SIG_[hidden]"),
        ("pk_test_0a1b is public, AUTHORITY_X no code", "pk_test_0a1b is public, AUTHORITY_X no code"),
    ],
)  # fmt: skip
def test_redact_hides_keys(text: str, shown: str) -> None:
    assert redact(text, (KEY, "pass/word", "ab")) == shown
