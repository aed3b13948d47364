"""Project package: settings and composition."""

from namaskah.celery import app as celery_app

__all__ = ["celery_app"]
