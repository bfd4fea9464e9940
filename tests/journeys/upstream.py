"""The fake provider under the names the server knows it by, and answers that wait for the test between their words."""

from typing import Literal

from tests.fake_provider import Answer, Exchange, FakeProvider, Gate, Scenario, Step, Text

Provider = Literal["openai", "anthropic", "openai_compatible"]
PROVIDERS: tuple[Provider, ...] = ("openai", "anthropic", "openai_compatible")

_PREFIXES: dict[Provider, str] = {"openai": "gpt-", "anthropic": "claude-", "openai_compatible": ""}

CONFIGURATION = """
[connections.ollama]
provider = "openai_compatible"
base_url = "{compatible}"
api_key_env = "OLLAMA_API_KEY"

[connections.locked]
provider = "openai_compatible"
base_url = "{compatible}"
api_key_env = "NO_SUCH_API_KEY"
models = ["treasure"]

[connections.refused]
provider = "openai"
base_url = "{openai}"
api_key_env = "REFUSED_API_KEY"

[connections.nobody]
provider = "openai_compatible"
base_url = "http://127.0.0.1:1/v1"

[connections.patient]
provider = "openai_compatible"
base_url = "{compatible}"
api_key_env = "OLLAMA_API_KEY"
drain_seconds = 60

[connections.hasty]
provider = "openai_compatible"
base_url = "{compatible}"
api_key_env = "OLLAMA_API_KEY"
drain_seconds = 0.2

[prices]
"paid" = {{ input = 1, output = 10 }}
"gpt-paid" = {{ input = 1, output = 10 }}
"claude-paid" = {{ input = 1, output = 10 }}
"gpt-image-paid" = {{ input = 1, output = 10 }}
"dear" = {{ input = 1, output = 1000 }}
"""


def catalog_id(provider: Provider, name: str) -> str:
    """What a client calls the fake model `name` at a provider."""
    return f"ollama/{name}" if provider == "openai_compatible" else _PREFIXES[provider] + name


def upstream_name(model: str) -> str:
    """What the fake provider is asked for, given the catalog id."""
    return model.partition("/")[2] or model


class Upstream:
    """One model at the fake provider, by its catalog id."""

    def __init__(self, fake: FakeProvider, model: str) -> None:
        self.fake = fake
        self.model = model
        self._name = upstream_name(model)
        self._earlier = len(fake.requests)

    def script(self, *scenarios: Scenario) -> "Upstream":
        self.fake.script(self._name, *scenarios)
        return self

    def say_gated(self, *words: str, before: bool = False) -> "Upstream":
        """Says the words with a gate behind each (and one before the first, where it is asked for)."""
        steps: list[Step] = [Gate()] if before else []
        for word in words:
            steps += [Text(word), Gate()]
        return self.script(Answer(tuple(steps)))

    def release(self, count: int | None = 1) -> None:
        """Opens so many gates; None: all, for ever."""
        self.fake.release(self._name, count)

    @property
    def exchanges(self) -> list[Exchange]:
        """What was asked of this model since this was made."""
        return [exchange for exchange in self.fake.requests[self._earlier :] if exchange.model == self._name]

    async def exchange(self, number: int = 1) -> Exchange:
        await self.fake.until(lambda: len(self.exchanges) >= number, f"call {number} of {self._name}", 30)
        return self.exchanges[number - 1]

    async def waiting(self, number: int = 1) -> Exchange:
        """The nth call, at a gate or in a stall."""
        return await self.reached("waiting", number)

    async def reached(self, state: Literal["waiting", "finished", "hung_up"], number: int = 1) -> Exchange:
        exchange = await self.exchange(number)
        await self.fake.until(lambda: state in exchange.states, f"{self._name} to be {state}", 30)
        return exchange
