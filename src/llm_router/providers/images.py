"""One image by `/images/generations`, as OpenAI and those who follow it offer it. Fetches no address it is handed."""

from llm_router.domain.chat import Target
from llm_router.domain.errors import UpstreamError
from llm_router.providers.base import GeneratedImage, ImageRequest
from llm_router.providers.http import Upstream
from llm_router.wire.openai_media import decode_images, encode_image_request


async def generated_image(upstream: Upstream, request: ImageRequest, target: Target) -> GeneratedImage:
    body = encode_image_request(request.prompt, target.model, size=request.size, quality=request.quality)
    return await upstream.post("/images/generations", body, _first_image)


def _first_image(body: bytes) -> GeneratedImage:
    answer = decode_images(body)
    image = answer.images[0]
    if image.content is None:
        # An upstream could name any address of the owner's own network; so only bytes are taken.
        raise UpstreamError("The provider answered with the address of an image instead of the image.")
    return GeneratedImage(image.content, image.media_type, image.revised_prompt, answer.usage)
