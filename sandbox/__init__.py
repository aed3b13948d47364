"""A stateful HTTP stand-in for the outside world: it sells numbers, sends codes and fails on demand.

It imports nothing of the product; the product reaches it over HTTP only. See docs/sandbox.md.
"""
