"""Paystack's protocol over plain values. Imports nothing of the product but `namaskah.lib`."""
