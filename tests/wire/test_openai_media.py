import base64
from decimal import Decimal

import orjson
import pytest

from llm_router.domain.errors import UpstreamFailed
from llm_router.wire.openai_media import decode_images, encode_image_request
from tests.recordings import needs_recordings, recording


def test_encodes_a_request() -> None:
    assert encode_image_request("a cat", "gpt-image-1", size="1024x1024", quality="high") == {
        "model": "gpt-image-1",
        "prompt": "a cat",
        "n": 1,
        "size": "1024x1024",
        "quality": "high",
    }


def test_bytes_are_asked_for_where_an_address_would_come() -> None:
    assert encode_image_request("a cat", "dall-e-3")["response_format"] == "b64_json"
    assert encode_image_request("a cat", "grok-imagine-image")["response_format"] == "b64_json"
    assert "quality" not in encode_image_request("a cat", "dall-e-2", quality="standard")


@needs_recordings
def test_decodes_bytes_and_usage() -> None:
    answer = decode_images(recording("openai/images-generations/gpt-image-1-b64-json-with-usage-gpt-image-1").body)
    [image] = answer.images
    assert image.content is not None
    assert image.content.startswith(b"\x89PNG\r\n")
    assert (image.media_type, image.url, image.revised_prompt) == ("image/png", None, None)
    assert answer.usage is not None
    assert (answer.usage.tokens_input, answer.usage.tokens_output, answer.usage.cost_reported) == (10, 4160, None)
    assert (answer.usage.tokens_input_image, answer.usage.tokens_output_image) == (0, 4160)


@needs_recordings
def test_decodes_an_address_without_usage() -> None:
    answer = decode_images(recording("openai/images-generations/dall-e-3-url-with-revised-prompt-dall-e-3").body)
    [image] = answer.images
    assert image.content is None
    assert image.url is not None
    assert image.url.startswith("https://")
    assert image.revised_prompt is not None
    assert answer.usage is None


@needs_recordings
def test_decodes_a_cost() -> None:
    answer = decode_images(
        recording("xai/images-generations/xai-image-generation-cost-in-usd-ticks-grok-imagine-image").body
    )
    assert answer.usage is not None
    assert answer.usage.cost_reported == Decimal("0.02")
    assert answer.images[0].media_type == "image/jpeg"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"something", "image/avif"),
    ],
)
def test_the_bytes_say_what_they_are(content: bytes, media_type: str) -> None:
    row = {"b64_json": base64.b64encode(content).decode()}
    [image] = decode_images(orjson.dumps({"data": [row], "output_format": "avif"})).images
    assert (image.content, image.media_type) == (content, media_type)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": []}', b'{"data": [{}]}', b'{"data": [{"b64_json": "%%%"}]}'])
def test_an_answer_without_an_image_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_images(body)
