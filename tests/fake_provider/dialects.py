"""The three dialects as providers write them: scripted steps to the bytes of a stream. Written by hand from the
providers' documentation and from recorded traffic, and on purpose without the product's own codecs.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tests.fake_provider.scenario import Answer, Comment, Reasoning, Refusal, StreamError, Text, Tokens, ToolCall

CREATED = 1790000000
COMMENT = b": keep-alive\n\n"


def event(name: str | None, data: Mapping[str, Any]) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class Dialect(ABC):
    """Writes one answer."""

    def __init__(self, request: Mapping[str, Any], answer: Answer) -> None:
        self.request = request
        self.answer = answer
        self.model = answer.response_model or str(request.get("model"))

    @abstractmethod
    def begin(self) -> bytes: ...

    @abstractmethod
    def say(self, step: Text | Reasoning | ToolCall) -> bytes: ...

    @abstractmethod
    def finish(self) -> bytes: ...

    @abstractmethod
    def fail(self, step: StreamError) -> bytes: ...

    def keep_alive(self, step: Comment) -> bytes:
        return COMMENT

    @staticmethod
    @abstractmethod
    def last_prompt(request: Mapping[str, Any]) -> str: ...

    @staticmethod
    def refuse(refusal: Refusal, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if refusal.status < 500 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": refusal.code}}


class ChatCompletions(Dialect):
    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def say(self, step: Text | Reasoning | ToolCall) -> bytes:
        match step:
            case Text(text):
                return self._chunk({"content": text})
            case Reasoning(text):
                return self._chunk({"reasoning_content": text})
            case ToolCall():
                head = {"index": 0, "id": step.id, "type": "function", "function": {"name": step.name, "arguments": ""}}
                pieces = ({"index": 0, "function": {"arguments": piece}} for piece in step.arguments)
                return b"".join(self._chunk({"tool_calls": [call]}) for call in (head, *pieces))

    def finish(self) -> bytes:
        end = self._chunk({}, finish_reason=self.answer.finish)
        if self.answer.tokens and self._includes_usage:
            end += event(None, {**self._envelope, "choices": [], "usage": self._usage(self.answer.tokens)})
        return end + b"data: [DONE]\n\n"

    def fail(self, step: StreamError) -> bytes:
        return event(None, {"error": {"message": step.message, "type": step.type, "code": None}})

    @staticmethod
    def last_prompt(request: Mapping[str, Any]) -> str:
        return _text(request["messages"][-1]["content"])

    @property
    def _includes_usage(self) -> bool:
        return bool((self.request.get("stream_options") or {}).get("include_usage"))

    @property
    def _envelope(self) -> dict[str, Any]:
        return {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": self.model}

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event(None, {**self._envelope, "choices": [choice], "usage": None})

    @staticmethod
    def _usage(tokens: Tokens) -> dict[str, Any]:
        return {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.input + tokens.output,
            "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
            "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
        }


class Responses(Dialect):
    """One output item at a time: reasoning, message, function call."""

    def __init__(self, request: Mapping[str, Any], answer: Answer) -> None:
        super().__init__(request, answer)
        self._sequence = 0
        self._output: list[dict[str, Any]] = []
        self._open: str | None = None
        self._said: list[str] = []

    def begin(self) -> bytes:
        return self._send("response.created", response=self._response("in_progress")) + self._send(
            "response.in_progress", response=self._response("in_progress")
        )

    def say(self, step: Text | Reasoning | ToolCall) -> bytes:
        match step:
            case Text(text):
                sent = self._enter("message")
                self._said.append(text)
                return sent + self._send(
                    "response.output_text.delta", **self._place, content_index=0, delta=text, logprobs=[]
                )
            case Reasoning(text):
                sent = self._enter("reasoning")
                self._said.append(text)
                return sent + self._send(
                    "response.reasoning_summary_text.delta", **self._place, summary_index=0, delta=text
                )
            case ToolCall():
                return self._leave() + self._call(step)

    def finish(self) -> bytes:
        sent = self._leave()
        reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(self.answer.finish)
        status = "incomplete" if reason else "completed"
        response = self._response(status)
        response["output"] = self._output
        response["incomplete_details"] = {"reason": reason} if reason else None
        response["usage"] = self._usage(self.answer.tokens) if self.answer.tokens else None
        return sent + self._send(f"response.{status}", response=response)

    def fail(self, step: StreamError) -> bytes:
        error = {"code": step.type, "message": step.message}
        response = self._response("failed")
        response["error"] = error
        return self._send("error", **error, param=None) + self._send("response.failed", response=response)

    @staticmethod
    def last_prompt(request: Mapping[str, Any]) -> str:
        given = request["input"]
        return given if isinstance(given, str) else _text(given[-1]["content"])

    def _send(self, name: str, **fields: Any) -> bytes:
        sent = event(name, {"type": name, **fields, "sequence_number": self._sequence})
        self._sequence += 1
        return sent

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "id": "resp_fake",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self.model,
            "output": [],
            "parallel_tool_calls": True,
            "service_tier": "default",
            "store": self.request.get("store", True),
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
            "metadata": {},
        }

    @property
    def _place(self) -> dict[str, Any]:
        return {"item_id": self._item_id, "output_index": len(self._output)}

    @property
    def _item_id(self) -> str:
        return f"item_fake_{len(self._output)}"

    def _enter(self, kind: str) -> bytes:
        if self._open == kind:
            return b""
        sent = self._leave()
        self._open, self._said = kind, []
        at = len(self._output)
        if kind == "message":
            item = {"id": self._item_id, "type": kind, "status": "in_progress", "role": "assistant", "content": []}
            part = {"type": "output_text", "annotations": [], "text": ""}
            return (
                sent
                + self._send("response.output_item.added", output_index=at, item=item)
                + self._send("response.content_part.added", **self._place, content_index=0, part=part)
            )
        item = {"id": self._item_id, "type": kind, "summary": []}
        part = {"type": "summary_text", "text": ""}
        return (
            sent
            + self._send("response.output_item.added", output_index=at, item=item)
            + self._send("response.reasoning_summary_part.added", **self._place, summary_index=0, part=part)
        )

    def _leave(self) -> bytes:
        if self._open is None:
            return b""
        text = "".join(self._said)
        if self._open == "message":
            part: dict[str, Any] = {"type": "output_text", "annotations": [], "text": text}
            item = {"type": "message", "status": "completed", "role": "assistant", "content": [part]}
            sent = self._send("response.output_text.done", **self._place, content_index=0, text=text)
            sent += self._send("response.content_part.done", **self._place, content_index=0, part=part)
        else:
            part = {"type": "summary_text", "text": text}
            item = {"type": "reasoning", "summary": [part], "encrypted_content": "ZmFrZQ=="}
            sent = self._send("response.reasoning_summary_text.done", **self._place, summary_index=0, text=text)
            sent += self._send("response.reasoning_summary_part.done", **self._place, summary_index=0, part=part)
        self._open = None
        return sent + self._done(item)

    def _call(self, step: ToolCall) -> bytes:
        item = {"type": "function_call", "status": "in_progress", "call_id": step.id, "name": step.name}
        added = {"id": self._item_id, **item, "arguments": ""}
        arguments = "".join(step.arguments)
        sent = self._send("response.output_item.added", output_index=len(self._output), item=added)
        for piece in step.arguments:
            sent += self._send("response.function_call_arguments.delta", **self._place, delta=piece)
        sent += self._send("response.function_call_arguments.done", **self._place, arguments=arguments)
        return sent + self._done({**item, "status": "completed", "arguments": arguments})

    def _done(self, item: Mapping[str, Any]) -> bytes:
        whole = {"id": self._item_id, **item}
        sent = self._send("response.output_item.done", output_index=len(self._output), item=whole)
        self._output.append(whole)
        return sent

    @staticmethod
    def _usage(tokens: Tokens) -> dict[str, Any]:
        return {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cache_read},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        }


class Messages(Dialect):
    """One content block at a time: thinking, text, tool use."""

    def __init__(self, request: Mapping[str, Any], answer: Answer) -> None:
        super().__init__(request, answer)
        self._index = 0
        self._open: str | None = None

    def begin(self) -> bytes:
        message: dict[str, Any] = {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        if self.answer.tokens:
            message["usage"] = {**self._input_usage(self.answer.tokens), "output_tokens": 1}
        return self._send("message_start", message=message) + self._send("ping")

    def say(self, step: Text | Reasoning | ToolCall) -> bytes:
        match step:
            case Text(text):
                return self._enter("text", text="") + self._delta(type="text_delta", text=text)
            case Reasoning(text):
                return self._enter("thinking", thinking="", signature="") + self._delta(
                    type="thinking_delta", thinking=text
                )
            case ToolCall():
                sent = self._leave() + self._enter("tool_use", id=step.id, name=step.name, input={})
                for piece in ("", *step.arguments):
                    sent += self._delta(type="input_json_delta", partial_json=piece)
                return sent + self._leave()

    def keep_alive(self, step: Comment) -> bytes:
        return self._send("ping")

    def finish(self) -> bytes:
        words = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
        delta = {"stop_reason": words[self.answer.finish], "stop_sequence": None}
        usage: dict[str, Any] = {}
        if self.answer.tokens:
            usage = {"usage": {"output_tokens": self.answer.tokens.output}}
        return self._leave() + self._send("message_delta", delta=delta, **usage) + self._send("message_stop")

    def fail(self, step: StreamError) -> bytes:
        return self._send("error", error={"type": step.type, "message": step.message})

    @staticmethod
    def last_prompt(request: Mapping[str, Any]) -> str:
        return _text(request["messages"][-1]["content"])

    @staticmethod
    def refuse(refusal: Refusal, message: str) -> dict[str, Any]:
        kinds = {
            400: "invalid_request_error",
            401: "authentication_error",
            404: "not_found_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }
        error = {"type": kinds.get(refusal.status, "api_error"), "message": message}
        return {"type": "error", "error": error, "request_id": "req_fake"}

    def _send(self, name: str, **fields: Any) -> bytes:
        return event(name, {"type": name, **fields})

    def _enter(self, kind: str, **block: Any) -> bytes:
        if self._open == kind:
            return b""
        sent = self._leave()
        self._open = kind
        return sent + self._send("content_block_start", index=self._index, content_block={"type": kind, **block})

    def _leave(self) -> bytes:
        if self._open is None:
            return b""
        sent = self._delta(type="signature_delta", signature="ZmFrZQ==") if self._open == "thinking" else b""
        sent += self._send("content_block_stop", index=self._index)
        self._open = None
        self._index += 1
        return sent

    def _delta(self, **delta: Any) -> bytes:
        return self._send("content_block_delta", index=self._index, delta=delta)

    @staticmethod
    def _input_usage(tokens: Tokens) -> dict[str, Any]:
        """Here the input leaves both cache counters out."""
        return {
            "input_tokens": tokens.input - tokens.cache_read - tokens.cache_write,
            "cache_creation_input_tokens": tokens.cache_write,
            "cache_read_input_tokens": tokens.cache_read,
        }


def _text(content: Any) -> str:
    """A message's content: text, or a list of parts that may hold some."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
