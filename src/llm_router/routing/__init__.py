"""Decides and does: which upstream call to make, again or not, and what it took. Knows no SQL and no HTTP."""
