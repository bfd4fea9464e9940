"""Counting without a tokenizer: near enough in every script, whatever the pieces, and quick at any length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.chat import ChatRequest
from llm_router.domain.messages import ChatMessage, TextPart
from llm_router.domain.tokens import MESSAGE_TOKENS, TokenCount, TokenCounter, count_tokens, measure, prompt_tokens

# What OpenAI's o200k_base and cl100k_base and the tokenizer that Anthropic published make of them.
COUNTED = {
    "The server owns each answer. Phones lock, trains enter tunnels, tabs are reloaded, and it is there all the same "
    "when somebody comes back to read it.": (33, 33, 33),
    "async def stop(self, user_id: str, message_id: str) -> Message:\n    run = self._runs.get(message_id)\n"
    '    if run is not None and run.origin.user_id == user_id:\n        self._end(run, "stopped")\n': (53, 52, 64),
    '{"model": "fake", "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}, "choices": []}': (
        (35, 35, 34)
    ),
    "2026-11-24T19:42:37.123Z 200 0.0314 s\n2026-11-24T19:42:38.456Z 404 0.0007 s\n"
    "2026-11-24T19:42:39.789Z 200 1.2345 s\n": (72, 72, 65),
    "Der Server behält jede Antwort. Telefone werden gesperrt, Züge fahren durch Tunnel, und sie ist trotzdem da, "
    "wenn jemand zurückkommt, um sie zu lesen.": (36, 41, 48),
    "Сервер хранит каждый ответ. Телефоны блокируются, поезда въезжают в туннели, а ответ остаётся на месте, "
    "когда кто-нибудь возвращается, чтобы его прочитать.": (43, 70, 85),
    "服务器保存每一个回答。手机锁屏，火车进入隧道，标签页重新加载，当有人回来阅读时，它仍然在那里。": (31, 48, 43),
    "サーバーはすべての回答を保持します。電話がロックされても、電車がトンネルに入っても、"
    "戻ってきたときにはそこにあります。": (42, 59, 58),
    "서버는 모든 답변을 보관합니다. 휴대전화가 잠기고 기차가 터널에 들어가도, "
    "누군가 돌아와 읽을 때 그 자리에 있습니다.": (41, 63, 70),
    "يحتفظ الخادم بكل إجابة. تُقفل الهواتف وتدخل القطارات الأنفاق، "
    "ومع ذلك تبقى الإجابة هناك عندما يعود شخص ما لقراءتها.": (36, 85, 107),
    "⚡ 🎉 👩‍👩‍👧 done ✅ 🚀🚀🚀 👍🏽": (23, 35, 34),
}


@pytest.mark.parametrize(("text", "counts"), COUNTED.items())
def test_what_the_tokenizers_count_lies_within_the_bounds(text: str, counts: tuple[int, ...]) -> None:
    measured = measure(text)
    assert measured.low <= min(counts)
    assert max(counts) <= measured.high


def test_of_plain_english_the_guess_is_off_by_less_than_a_tenth() -> None:
    text, counts = next(iter(COUNTED.items()))
    assert abs(count_tokens(text) - counts[0]) / counts[0] < 0.1


@given(st.lists(st.text()))
def test_where_a_text_is_cut_changes_nothing(pieces: list[str]) -> None:
    counter = TokenCounter()
    for piece in pieces:
        counter.feed(piece)
    assert counter.count == measure("".join(pieces))


@given(st.text())
def test_the_bounds_lie_about_the_guess(text: str) -> None:
    measured = measure(text)
    assert 0 <= measured.low <= measured.likely <= measured.high
    assert (measured.likely == 0) == (text == "")


@given(st.text(), st.text())
def test_more_text_takes_no_fewer_tokens(text: str, more: str) -> None:
    assert count_tokens(text + more) >= count_tokens(text)


def test_half_a_character_is_counted_and_no_error() -> None:
    assert count_tokens("\ud83d") > 0


def test_a_prompt_is_all_that_is_sent() -> None:
    prompt, answer, system = "What is it?", "It is this.", "Be brief."
    messages = (ChatMessage("user", (TextPart(prompt),)), ChatMessage("assistant", (TextPart(answer),)))
    words = measure(prompt) + measure(answer)
    framing = TokenCount(*[2 * MESSAGE_TOKENS] * 3)
    assert prompt_tokens(ChatRequest("m", messages)) == words + framing
    with_system = prompt_tokens(ChatRequest("m", messages, system=system))
    assert with_system.likely == words.likely + count_tokens(system) + 3 * MESSAGE_TOKENS
