"""HTTP in, HTTP out. Handlers read the request, call one service or the store, and write the answer."""
