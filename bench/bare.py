"""The least a Django view can be, under the same server: settings, address and application in one module.

No middleware, no session, no database, no template: what is left is the server, the threads and Django's dispatch.
"""

from __future__ import annotations

import os

DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY", "")
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.bare_urls"
MIDDLEWARE: list[str] = []
INSTALLED_APPS: list[str] = []
LOGGING_CONFIG = None


def __getattr__(name: str) -> object:
    """`application`, made only when the server asks for it: Django reads this module as settings first."""
    if name != "application":
        raise AttributeError(name)
    from a2wsgi import WSGIMiddleware
    from django.core.wsgi import get_wsgi_application

    threads = int(os.environ.get("WEB_THREADS", "12"))
    made = WSGIMiddleware(get_wsgi_application(), workers=threads)  # type: ignore[arg-type]
    globals()["application"] = made
    return made
