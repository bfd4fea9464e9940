"""How many tokens a text takes, without any vendor's tokenizer: counted by script, in one quick pass over its bytes.

For what no provider has counted: an answer that was cut off, a prompt before it is sent. Every vendor cuts text its own
way and some do not say how, so that a count comes with bounds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from llm_router.domain.chat import ChatRequest

MESSAGE_TOKENS = 4
"""What marks a message's beginning, role and end. OpenAI's chat format takes three or four, others about as many."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """`likely` is the guess; the real number is below `low` or above `high` for three texts in a hundred.

    Measured on 400 pieces (120 to 3,000 characters) of prose in 28 languages, code, markup, logs and numbers, against
    OpenAI's o200k_base and cl100k_base and the one tokenizer that Anthropic published. ASCII text lies within -25 %
    and +35 %; of other scripts the newest need as little as half of the guess, the older up to two and a half times.
    """

    likely: int
    low: int
    high: int

    def __add__(self, other: "TokenCount") -> "TokenCount":
        return TokenCount(self.likely + other.likely, self.low + other.low, self.high + other.high)


def count_tokens(text: str) -> int:
    """The likely count. Nothing is nothing."""
    return measure(text).likely


def measure(text: str) -> TokenCount:
    counter = TokenCounter()
    counter.feed(text)
    return counter.count


def prompt_tokens(request: ChatRequest) -> TokenCount:
    """All that is sent: the system prompt, and each message with what marks it."""
    texts = [message.text for message in request.messages]
    counted = [measure(text) for text in ([request.system, *texts] if request.system else texts)]
    framing = MESSAGE_TOKENS * len(counted)
    return sum(counted, TokenCount(framing, framing, framing))


class TokenCounter:
    """Counts a text that comes in pieces; where it is cut changes nothing. Nothing of it is kept."""

    def __init__(self) -> None:
        self._last = b" "
        # Thousandths of a token: of what is written in ASCII, words of any script included, and of all else.
        self._ascii = 0
        self._other = 0

    def feed(self, text: str) -> None:
        if not text:
            return
        data = text.encode("utf-8", "surrogatepass")
        # With the byte before it: a word that goes on is no new word.
        joined = self._last + data
        self._last = data[-1:]
        self._ascii += sum(weight * joined.translate(table).count(start) for table, start, weight in _STARTS)
        classes = data.translate(_CLASSES)
        self._ascii += sum(weight * classes.count(name) for name, weight in _ASCII_WEIGHTS)
        if not text.isascii():
            self._other += sum(weight * classes.count(name) for name, weight in _OTHER_WEIGHTS)

    @property
    def count(self) -> TokenCount:
        likely = self._ascii + self._other
        return TokenCount(
            -(-likely // 1000),
            (self._ascii * 3 // 4 + self._other * 9 // 20) // 1000,
            -(-(self._ascii * 27 // 20 + self._other * 5 // 2) // 1000),
        )


def _table(groups: Iterable[tuple[bytes, Iterable[int]]]) -> bytes:
    """A table for `bytes.translate`: the members of each group become its letter, all else a blank."""
    table = bytearray(b" " * 256)
    for letter, members in groups:
        for member in members:
            table[member] = letter[0]
    return bytes(table)


_LOWER = range(ord("a"), ord("z") + 1)
_UPPER = range(ord("A"), ord("Z") + 1)
_DIGITS = range(ord("0"), ord("9") + 1)
_BLANKS = (*b" \t\n\r",)
_PUNCTUATION = tuple(byte for byte in range(0x80) if byte not in (*_LOWER, *_UPPER, *_DIGITS, *_BLANKS))
"""With the control characters, of which each is a token as well."""
_WORD = (*_LOWER, *_UPPER, *(byte for byte in range(0x80, 0x100) if byte != 0xE2))
"""Of other scripts every byte but the one that typographic dashes, quotes and arrows begin with."""

# The weights are thousandths of a token: the least relative error against the geometric mean of o200k_base and of
# Anthropic's published tokenizer on the pieces above, rounded.
_STARTS: tuple[tuple[bytes, bytes, int], ...] = (
    (_table([(b"w", _WORD)]), b" w", 190),
    (_table([(b"a", _LOWER), (b"A", _UPPER)]), b"aA", 800),  # camelCase
    (_table([(b"0", _DIGITS)]), b" 0", 1200),
)

_CLASSES = _table(
    [
        (b"a", _LOWER),
        (b"A", _UPPER),
        (b"0", _DIGITS),
        (b".", _PUNCTUATION),
        (b"_", _BLANKS),
        # The first byte of a character says which script it is of.
        (b"L", range(0xC2, 0xCD)),  # Latin with accents
        (b"C", range(0xCE, 0xD5)),  # Greek, Cyrillic
        (b"S", (0xCD, *range(0xD5, 0xE0))),  # Hebrew, Arabic
        (b"I", (0xE0,)),  # Indic, Thai
        (b"P", (0xE2,)),  # typographic
        (b"H", range(0xE3, 0xEA)),  # Chinese, Japanese
        (b"K", range(0xEA, 0xEE)),  # Korean
        (b"R", (0xE1, 0xEE, 0xEF)),  # the rest of three bytes
        (b"E", range(0xF0, 0xF5)),  # emoji
    ]
)

_ASCII_WEIGHTS: tuple[tuple[bytes, int], ...] = ((b"a", 223), (b"A", 366), (b"0", 240), (b".", 500), (b"_", 20))
_OTHER_WEIGHTS: tuple[tuple[bytes, int], ...] = (
    (b"L", 1300),
    (b"C", 470),
    (b"S", 630),
    (b"I", 860),
    (b"P", 700),
    (b"H", 930),
    (b"K", 1000),
    (b"R", 940),
    (b"E", 2700),
)
