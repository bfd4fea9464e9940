"""Use cases of more than one step. A use case of one step needs no service: the web calls the store."""
