"""One command of the terminal door a file. Each adds its own arguments and runs by itself."""
