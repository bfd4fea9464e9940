"""Bytes and JSON to domain values and back. No I/O, no clock, no client: whoever holds the bytes feeds them in."""
