"""How much of a prompt a provider will likely serve from its own prompt cache, by what its documentation says.

Pure: who asks says how long ago the same beginning was last sent. Knows no price.
"""

import re
from dataclasses import dataclass

from llm_router.domain.chat import ProviderName


@dataclass(frozen=True, slots=True)
class CacheRule:
    """What one family of models does with the beginning of a prompt."""

    minimum_tokens: int
    """Of what is shorter nothing is kept, and nobody says so."""
    lifetime_seconds: float
    """How long a beginning is kept after it was last sent."""
    step_tokens: int = 1
    """Tokens are served in whole steps."""
    charges_writes: bool = False
    """Whether what is kept is charged as a write, at a rate of its own."""

    def served(self, prefix_tokens: int, age_seconds: float) -> int:
        """Of the first `prefix_tokens`, sent before and `age_seconds` ago, those that are likely served."""
        if prefix_tokens < self.minimum_tokens or age_seconds > self.lifetime_seconds:
            return 0
        return prefix_tokens - prefix_tokens % self.step_tokens

    def written(self, tokens_input: int, served: int) -> int:
        """Tokens that are likely charged as written: all that were not there yet."""
        return tokens_input - served if self.charges_writes and tokens_input >= self.minimum_tokens else 0


# https://developers.openai.com/api/docs/guides/prompt-caching, read 2026-11-24: automatic for gpt-4o and newer, from
# 1,024 tokens on. Before GPT-5.6 in steps of 128 tokens, cleared after 5 to 10 minutes without use, and written for
# nothing; from GPT-5.6 on kept for 30 minutes at the least, written at 1.25 times the input's rate, and to the token.
_OPENAI = CacheRule(minimum_tokens=1024, lifetime_seconds=600, step_tokens=128)
_OPENAI_FROM_5_6 = CacheRule(minimum_tokens=1024, lifetime_seconds=1800, charges_writes=True)

# https://platform.claude.com/docs/en/build-with-claude/prompt-caching, read 2026-11-24: what stands before an ephemeral
# breakpoint, of which our requests carry two (wire/anthropic_messages.py), is kept for 5 minutes, and again by each
# use. The least that is cached depends on the model; the table is theirs.
_ANTHROPIC_SECONDS = 300.0
_ANTHROPIC_MINIMUMS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"claude-(?:opus|fable|mythos)-5"), 512),
    (re.compile(r"claude-opus-4-7"), 2048),
    (re.compile(r"claude-opus-4-[56]|claude-haiku-4-5"), 4096),
    (re.compile(r"claude-(?:3-5-haiku|3-haiku)"), 2048),
)
_ANTHROPIC_MINIMUM = 1024
"""Of all others there is word of: Opus 4.8, 4.1 and 4, Sonnet 5, 4.6, 4.5, 4 and 3.7."""

# Others say little of how they cache (DeepSeek: hours to days, best effort). One that has just reported reads will
# likely do so again within the hour.
_OBSERVED = CacheRule(minimum_tokens=0, lifetime_seconds=3600)

_OPENAI_WITHOUT = re.compile(r"gpt-3\.5|gpt-4(?:$|-)|davinci|babbage")
_OPENAI_NEW = re.compile(r"gpt-(?:5\.(?:[6-9]|\d\d)|[6-9])")


def cache_rule(provider: ProviderName, model: str, *, reports_reads: bool = False) -> CacheRule | None:
    """The rule of `model`; None where nothing is known to be cached.

    `reports_reads`: whether this model's latest answers here said that they were served from a cache.
    """
    name = model.lower()
    if provider == "anthropic":
        dashed = name.replace(".", "-")
        minimum = next((least for family, least in _ANTHROPIC_MINIMUMS if family.search(dashed)), _ANTHROPIC_MINIMUM)
        return CacheRule(minimum, _ANTHROPIC_SECONDS, charges_writes=True)
    if provider == "openai" and not _OPENAI_WITHOUT.search(name):
        return _OPENAI_FROM_5_6 if _OPENAI_NEW.search(name) else _OPENAI
    return _OBSERVED if reports_reads else None
