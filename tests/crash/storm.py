"""Many customers who order, cancel and finish while processes are killed around them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import httpx2

from tests.live_stack import PASSWORD, LiveStack

SERVICES = ("whatsapp", "telegram", "google", "discord")
COUNTRIES = ("GB", "US", "NG")
CANCELS, FINISHES = 0.15, 0.5
RETRY_S = 0.25
# A refusal for now: every seller behind an open breaker, or every offer lately found empty.
TRY_LATER = {409, 429, 502, 503}


@dataclass
class Storm:
    """Places orders, each until the product has taken it, whatever happens to its processes meanwhile.

    Args:
        seed: Everything random here follows from it.
        patience_s: The whole storm may last so long.
    """

    live: LiveStack
    emails: Sequence[str]
    orders: int
    seed: int
    patience_s: float
    answers: Counter[str] = field(default_factory=Counter)
    paths: dict[UUID, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _until: float = 0.0

    @property
    def placed(self) -> int:
        """How many orders were taken so far."""
        return len(self.paths)

    def start(self) -> ThreadPoolExecutor:
        """Let all customers begin; returns the pool they run in."""
        self._until = time.monotonic() + self.patience_s
        rng = random.Random(self.seed)
        pool = ThreadPoolExecutor(len(self.emails), thread_name_prefix="customer")
        share, rest = divmod(self.orders, len(self.emails))
        for place, email in enumerate(self.emails):
            pool.submit(self._guarded, email, share + (place < rest), rng.randrange(2**32))
        return pool

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._until

    def _guarded(self, email: str, count: int, seed: int) -> None:
        try:
            self._customer(email, count, random.Random(seed))
        except BaseException as error:
            self._note(f"customer gave up: {error!r}")
            raise

    def _customer(self, email: str, count: int, rng: random.Random) -> None:
        with httpx2.Client(base_url=self.live.url, timeout=20) as client:
            self._sign_in(client, email)
            mine = []
            for _ in range(count):
                path = self._order(client, rng)
                mine.append(path)
                if rng.random() < CANCELS:
                    self._press(client, path + "cancel/")
                for earlier in mine[:-3]:
                    if rng.random() < FINISHES / 4:
                        self._press(client, earlier + "finish/")

    def _sign_in(self, client: httpx2.Client, email: str) -> None:
        while not client.cookies.get("sessionid"):
            try:
                client.get("/accounts/sign-in/")
                self._press(client, "/accounts/sign-in/", email=email, password=PASSWORD)
            except httpx2.HTTPError:
                self._pause()

    def _order(self, client: httpx2.Client, rng: random.Random) -> str:
        """Order until taken, always with the same form."""
        form_key = UUID(int=rng.getrandbits(128), version=4)
        service, country = rng.choice(SERVICES), rng.choice(COUNTRIES)
        while True:
            answer = self._post(
                client, "/verifications/new/", service=service, country=country, form_key=str(form_key)
            )
            if answer is not None and answer.status_code == 302:
                path = answer.headers["location"]
                with self._lock:
                    self.paths.setdefault(form_key, set()).add(path)
                if rng.random() < 0.1:  # an impatient customer presses again
                    again = self._post(
                        client,
                        "/verifications/new/",
                        service=service,
                        country=country,
                        form_key=str(form_key),
                    )
                    if again is not None and again.status_code == 302:
                        with self._lock:
                            self.paths[form_key].add(again.headers["location"])
                return path
            if answer is not None and answer.status_code not in TRY_LATER | {500}:
                raise AssertionError(f"an order was answered {answer.status_code}: {answer.text[:2000]}")
            self._pause()

    def _press(self, client: httpx2.Client, path: str, **values: str) -> None:
        self._post(client, path, **values)

    def _post(self, client: httpx2.Client, path: str, **values: str) -> httpx2.Response | None:
        token = client.cookies.get("csrftoken") or ""
        try:
            answer = client.post(path, data={"csrfmiddlewaretoken": token} | values)
        except httpx2.HTTPError as error:
            self._note(type(error).__name__)
            return None
        self._note(str(answer.status_code))
        return answer

    def _note(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1

    def _pause(self) -> None:
        if self.is_over:
            raise TimeoutError("the storm lasted too long")
        time.sleep(RETRY_S)
