"""Runs the product on one machine: private PostgreSQL and Valkey, then web, worker, beat and sandbox.

Standard library only, and nothing of the product is imported: this package starts processes and watches them.
Source: docs/decisions/0001-the-spine.md
"""
