"""How commands show counts and money in a terminal."""

from collections.abc import Sequence
from decimal import Decimal


def table(header: Sequence[str], rows: Sequence[Sequence[str] | str], *, left: int = 1) -> str:
    """Columns as wide as what is in them, the first `left` of them to the left. A row that is a text is left alone."""
    cells = [header, *(row for row in rows if not isinstance(row, str))]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]

    def line(row: Sequence[str] | str) -> str:
        if isinstance(row, str):
            return row
        aligned = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(aligned).rstrip()

    return "\n".join(line(row) for row in (header, *rows))


def amount(dollars: Decimal | None, *, signed: bool = False) -> str:
    """Dollars to the last digit that is known of them, four at the least; `$?` where they are not known."""
    if dollars is None:
        return "$?"
    whole, _, fraction = f"{abs(dollars):,.9f}".partition(".")
    sign = "-" if dollars < 0 else "+" if signed and dollars > 0 else ""
    return f"{sign}${whole}.{fraction.rstrip('0').ljust(4, '0')}"


def percent(value: Decimal | None) -> str:
    """To two digits; `?` where there is nothing to compare with."""
    return "?" if value is None else f"{value:+.2f}"
