"""What each recorded answer in one piece says, worked out by other means than our codecs and read through by hand."""

from typing import NamedTuple


class Answer(NamedTuple):
    """Of texts only the length is kept: nothing of the recordings is in the project."""

    recording: str
    response_model: str
    finish_reason: str
    text: int
    reasoning: int
    tools: tuple[str, ...]


ANSWERS = (
    Answer(
        "anthropic/messages/1-hour-cache-write-ephemeral-1h-input-tokens-claude-sonnet-4-202505",
        "claude-sonnet-4-20250514",
        "length",
        455,
        0,
        (),
    ),
    Answer(
        "anthropic/messages/messages-cache-read-claude-3-7-sonnet-2025",
        "claude-3-7-sonnet-20250219",
        "stop",
        2681,
        0,
        (),
    ),
    Answer(
        "anthropic/messages/messages-cache-write-claude-sonnet-4-0",
        "claude-sonnet-4-20250514",
        "tool_calls",
        0,
        0,
        ("star_wars_tool",),
    ),
    Answer("anthropic/messages/messages-image-input-claude-sonnet-4-0", "claude-sonnet-4-20250514", "stop", 166, 0, ()),
    Answer(
        "anthropic/messages/messages-max-tokens-claude-3-opus-20240229", "claude-3-opus-20240229", "length", 479, 0, ()
    ),
    Answer("anthropic/messages/messages-server-tool-claude-sonnet-5", "claude-sonnet-5", "stop", 93, 0, ()),
    Answer("anthropic/messages/messages-text-claude-3-haiku-2024030", "claude-3-haiku-20240307", "stop", 10, 0, ()),
    Answer("anthropic/messages/messages-thinking-claude-sonnet-5", "claude-sonnet-5", "stop", 634, 0, ()),
    Answer(
        "anthropic/messages/messages-tool-use-claude-3-5-haiku-lates",
        "claude-3-5-haiku-latest",
        "tool_calls",
        119,
        0,
        ("get_weather",),
    ),
    Answer(
        "anthropic/messages/redacted-thinking-block-claude-sonnet-4-5-2025",
        "claude-sonnet-4-5-20250929",
        "stop",
        341,
        0,
        (),
    ),
    Answer(
        "azure/chat-completions/azure-content-filter-finish-openllmetry-testing",
        "gpt-35-turbo",
        "content_filter",
        0,
        0,
        (),
    ),
    Answer(
        "azure/chat-completions/azure-tool-calls-gpt-5-mini", "gpt-5-mini-2025-08-07", "tool_calls", 0, 0, ("weather",)
    ),
    Answer(
        "azure/chat-completions/cached-tokens-161-prompt-tokens-10-grok-4-1-fast-non-reas",
        "grok-4-1-fast-non-reasoning",
        "stop",
        930,
        0,
        (),
    ),
    Answer("cerebras/chat-completions/cerebras-llama-3-3-70b", "llama-3.3-70b", "stop", 10, 0, ()),
    Answer(
        "deepseek/chat-completions/deepseek-cache-hit-deepseek-reasoner",
        "deepseek-v4-flash",
        "tool_calls",
        40,
        233,
        ("load_capability",),
    ),
    Answer(
        "deepseek/chat-completions/deepseek-reasoning-content-deepseek-v4-flash", "deepseek-v4-flash", "stop", 1, 42, ()
    ),
    Answer(
        "gemini-openai/chat-completions/tool-call-with-empty-id-total-tokens-prompt-gemini-2-5-pro-preview",
        "gemini-2.5-pro-preview-05-06",
        "tool_calls",
        0,
        0,
        ("get_current_time",),
    ),
    Answer("llamacpp/chat-completions/llama-cpp-gpt-oss-20b", "openai/gpt-oss-20b", "stop", 4, 132, ()),
    Answer("mistral/chat-completions/mistral-cached-mistral-large-latest", "mistral-large-latest", "stop", 16, 0, ()),
    Answer("ollama/chat-completions/ollama-gemma3-4b", "gemma3:4b", "stop", 17, 0, ()),
    Answer("openai/chat-completions/cached-prompt-tokens-gpt-4o-mini", "gpt-4o-mini-2024-07-18", "stop", 61, 0, ()),
    Answer("openai/chat-completions/developer-role-gpt-5-nano", "gpt-5-nano-2025-08-07", "length", 0, 0, ()),
    Answer("openai/chat-completions/emoji-gpt-4o", "gpt-4o-2024-08-06", "stop", 140, 0, ()),
    Answer(
        "openai/chat-completions/image-input-gpt-4-vision-preview", "gpt-4-1106-vision-preview", "length", 73, 0, ()
    ),
    Answer(
        "openai/chat-completions/json-schema-response-format-gpt-4-1-nano",
        "gpt-4.1-nano-2025-04-14",
        "stop",
        118,
        0,
        (),
    ),
    Answer("openai/chat-completions/logprobs-null-gpt-3-5-turbo", "gpt-3.5-turbo-0125", "stop", 72, 0, ()),
    Answer("openai/chat-completions/plain-chat-completion-o3-mini", "o3-mini-2025-01-31", "stop", 31, 0, ()),
    Answer("openai/chat-completions/prompt-cache-read-after-write-gpt-5-6-sol", "gpt-5.6-sol", "stop", 2, 0, ()),
    Answer(
        "openai/chat-completions/prompt-cache-write-cache-write-tokens-in-pro-gpt-5-6-sol",
        "gpt-5.6-sol",
        "length",
        0,
        0,
        (),
    ),
    Answer(
        "openai/chat-completions/reasoning-model-with-reasoning-effort-o3-mini", "o3-mini-2025-01-31", "stop", 31, 0, ()
    ),
    Answer(
        "openai/chat-completions/refusal-in-message-refusal-content-null-gpt-4o",
        "gpt-4o-2024-08-06",
        "content_filter",
        53,
        0,
        (),
    ),
    Answer(
        "openai/chat-completions/service-tier-set-in-request-and-answered-gpt-5", "gpt-5-2025-08-07", "stop", 6, 0, ()
    ),
    Answer(
        "openai/chat-completions/tool-calls-content-null-gpt-4o-2024-08-06",
        "gpt-4o-2024-08-06",
        "tool_calls",
        0,
        0,
        ("search",),
    ),
    Answer(
        "openai/chat-completions/web-search-options-gpt-4o-mini-search-pre",
        "gpt-4o-mini-search-preview-2025-03-11",
        "stop",
        80,
        0,
        (),
    ),
    Answer("openai/responses-retrieve/background-response-polled-get-responses-id", "gpt-5.6-sol", "stop", 10, 0, ()),
    Answer("openai/responses/image-generation-call-item-in-responses-gpt-5", "gpt-5-2025-08-07", "stop", 0, 0, ()),
    Answer(
        "openai/responses/prompt-cache-write-in-responses-input-tokens-gpt-5-6-sol", "gpt-5.6-sol", "length", 190, 0, ()
    ),
    Answer("openai/responses/responses-cached-tokens-gpt-5-6-terra", "gpt-5.6-terra", "stop", 1780, 0, ()),
    Answer(
        "openai/responses/responses-function-call-gpt-5-6-terra", "gpt-5.6-terra", "tool_calls", 0, 0, ("get_weather",)
    ),
    Answer("openai/responses/responses-image-input-gpt-5-6-terra", "gpt-5.6-terra", "stop", 52, 0, ()),
    Answer("openai/responses/responses-reasoning-summary-gpt-5-nano", "gpt-5-nano-2025-08-07", "stop", 818, 3005, ()),
    Answer("openai/responses/responses-text-gpt-5-6-terra", "gpt-5.6-terra", "stop", 11, 0, ()),
    Answer("openai/responses/responses-web-search-gpt-4-1", "gpt-4.1-2025-04-14", "stop", 3160, 0, ()),
    Answer(
        "openrouter/chat-completions/byok-cost-0-while-upstream-inference-cost-is-claude-opus-5",
        "anthropic/claude-opus-5",
        "stop",
        380,
        184,
        (),
    ),
    Answer(
        "openrouter/chat-completions/cache-write-through-openrouter-cache-write-t-claude-sonnet-4-6",
        "anthropic/claude-4.6-sonnet-20260217",
        "tool_calls",
        30,
        0,
        ("calculator",),
    ),
    Answer(
        "openrouter/chat-completions/cost-includes-a-server-tool-advisor-fee-abov-gpt-4o-mini",
        "openai/gpt-4o-mini",
        "stop",
        159,
        0,
        (),
    ),
    Answer(
        "openrouter/chat-completions/openrouter-cached-glm-5-turbo", "z-ai/glm-5-turbo-20260315", "stop", 310, 108, ()
    ),
    Answer("openrouter/chat-completions/openrouter-cost-o1", "openai/o1", "stop", 10, 0, ()),
    Answer("perplexity/chat-completions/perplexity-sonar", "sonar", "stop", 12, 0, ()),
    Answer(
        "vercel-gateway/chat-completions/reasoning-tokens-completion-tokens-through-a-gemini-2-5-flash",
        "google/gemini-2.5-flash",
        "stop",
        4,
        0,
        (),
    ),
    Answer(
        "xai/chat-completions/reasoning-tokens-not-inside-completion-token-grok-4-fast",
        "grok-4-fast-reasoning",
        "tool_calls",
        0,
        0,
        ("Book",),
    ),
    Answer("xai/responses/xai-responses-grok-4-3", "grok-4.3", "stop", 1, 51, ()),
)
