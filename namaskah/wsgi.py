"""The WSGI entry point, for a deployment that serves pages without live streams; ours is `namaskah.asgi`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from namaskah.checks import refuse_bad_configuration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

refuse_bad_configuration()
application = get_wsgi_application()
