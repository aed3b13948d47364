"""Shared building blocks that know nothing of any app."""
