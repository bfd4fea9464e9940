"""Values and pure functions. Nothing here does I/O, reads a clock or imports another floor."""
