"""The browser's API, a resource a file. docs/events.md has it in words."""
