"""Two services that look at people before they come in: a list of stolen passwords, and a check that a person is at work.

`GET /breached/range/<five digits of a SHA-1>` answers as api.pwnedpasswords.com does, padding included. `/bot-check/api.js` and
`POST /bot-check/siteverify` answer as Cloudflare Turnstile does: its widget passes everybody, and each answer counts once.
"""

import hashlib
import random
import re
import secrets
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

STOLEN = (
    "correct horse battery staple",
    "namaskah sandbox stolen 1",
    "trustno1trustno1",
    "iloveyou1234567890",
)
PREFIX = re.compile(r"[0-9A-F]{5}\Z")
PADDING = 40
MOST_USED = 10_000
PASSED = "sandbox-pass-"
SCRIPT = """// Stands for the script of a bot check: every visitor passes, with an answer that counts once.
for (const place of document.querySelectorAll(".cf-turnstile")) {
  const answer = document.createElement("input");
  answer.type = "hidden";
  answer.name = "cf-turnstile-response";
  answer.value = "sandbox-pass-" + crypto.randomUUID();
  place.replaceChildren(answer, "Checked by the sandbox: you are a person.");
}
"""


class Gatekeepers:
    """Both of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: dict[str, None] = {}
        self._stolen = [_digest(word) for word in STOLEN]

    def routes(self) -> list[Route]:
        """Where they answer."""
        return [
            Route("/breached/range/{prefix}", self.range, methods=["GET"]),
            Route("/bot-check/api.js", self.script, methods=["GET"]),
            Route("/bot-check/siteverify", self.verify, methods=["POST"]),
        ]

    async def range(self, request: Request) -> Response:
        """The rest of each digest that begins so, and how often it was seen; made-up ones were seen 0 times."""
        prefix = request.path_params["prefix"].upper()
        if not PREFIX.match(prefix):
            return PlainTextResponse("The hash prefix was not in a valid format", 400)
        lines = [
            f"{digest[5:]}:{self._rng.randrange(1, 90_000)}"
            for digest in self._stolen
            if digest[:5] == prefix
        ]
        if request.headers.get("add-padding", "").lower() == "true":
            lines += [f"{secrets.token_hex(18)[:35].upper()}:0" for _ in range(PADDING)]
        self._rng.shuffle(lines)
        return PlainTextResponse("\r\n".join(lines))

    async def script(self, request: Request) -> Response:
        """The widget."""
        return Response(SCRIPT, media_type="text/javascript")

    async def verify(self, request: Request) -> Response:
        """Whether an answer was given by the widget, and not counted before."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        secret, answer = form.get("secret", ""), form.get("response", "")
        if not secret.startswith("sandbox"):
            return _refused("invalid-input-secret")
        if not answer.startswith(PASSED):
            return _refused("invalid-input-response")
        if answer in self._used:
            return _refused("timeout-or-duplicate")
        self._used[answer] = None
        if len(self._used) > MOST_USED:
            del self._used[next(iter(self._used))]
        return JSONResponse({"success": True, "error-codes": [], "hostname": "127.0.0.1"})


def _digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def _refused(code: str) -> Response:
    return JSONResponse({"success": False, "error-codes": [code]})
