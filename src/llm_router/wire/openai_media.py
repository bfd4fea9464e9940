"""The dialect `openai_media`: images by OpenAI's `/v1/images/generations` and those who follow it.

Knows JSON in, bytes or an address out.

Fetching an address is not done here: xAI answers with one unless asked otherwise, and older servers always do.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from llm_router.domain.errors import UpstreamFailed
from llm_router.domain.usage import Usage
from llm_router.wire.errors import decode_error as decode_error
from llm_router.wire.json import mapping, mappings, read_json, text
from llm_router.wire.openai_usage import openai_usage

__all__ = ["DecodedImage", "ImageAnswer", "decode_error", "decode_images", "decode_usage", "encode_image_request"]

DIALECT: Literal["openai_media"] = "openai_media"

_SIGNATURES = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """One image: its bytes, or the address where they wait for a while."""

    content: bytes | None
    url: str | None
    media_type: str
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class ImageAnswer:
    images: tuple[DecodedImage, ...]
    usage: Usage | None = None
    """None where the answer has none (dall-e)."""


def encode_image_request(
    prompt: str, model: str, *, size: str | None = None, quality: str | None = None
) -> dict[str, Any]:
    """The body of `POST /images/generations` for one image."""
    body: dict[str, Any] = {"model": model, "prompt": prompt, "n": 1}
    # gpt-image and its kin always send the bytes and refuse the question; the others send an address unless asked.
    if model.startswith(("dall-e", "grok")):
        body["response_format"] = "b64_json"
    if size is not None:
        body["size"] = size
    if quality is not None and model != "dall-e-2":  # which refuses the very word
        body["quality"] = quality
    return body


def decode_images(body: bytes) -> ImageAnswer:
    """Raises UpstreamFailed where there is no image in the answer."""
    answer = mapping(read_json(body))
    fallback = f"image/{text(answer.get('output_format')) or 'png'}"
    images = tuple(filter(None, (_image(row, fallback) for row in mappings(answer.get("data")))))
    if not images:
        raise UpstreamFailed("The provider answered without an image.")
    raw = mapping(answer.get("usage"))
    return ImageAnswer(images, decode_usage(raw) if raw else None)


def decode_usage(raw: Mapping[str, Any], *, has_answer: bool = True, service_tier: str | None = None) -> Usage:
    """Our meaning of the `usage` beside an image. Its tokens are of text and of images, which cost differently."""
    usage = openai_usage(raw, DIALECT, has_answer=has_answer, service_tier=service_tier)
    if usage.tokens_output_image is None:
        # Not told apart by the first gpt-image, which made nothing but images.
        usage = replace(usage, tokens_output_image=usage.tokens_output)
    return usage


def _image(row: Mapping[str, Any], fallback: str) -> DecodedImage | None:
    revised = text(row.get("revised_prompt")) or None
    encoded, url = text(row.get("b64_json")), text(row.get("url"))
    if encoded:
        try:
            content = base64.b64decode(
                encoded.rpartition(",")[2], validate=True
            )  # a data: address is told as base64 too
        except binascii.Error:
            raise UpstreamFailed("The provider sent an image that could not be read.") from None
        return DecodedImage(content, None, _media_type(content, fallback), revised)
    if url:
        return DecodedImage(None, url, text(row.get("mime_type")) or fallback, revised)
    return None


def _media_type(content: bytes, fallback: str) -> str:
    """What the bytes themselves say; a server's word for it may be wrong."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((name for head, name in _SIGNATURES if content.startswith(head)), fallback)
