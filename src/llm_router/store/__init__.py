"""SQL, written down. Functions take a connection and a `user_id`, and return domain values."""
