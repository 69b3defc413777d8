"""The OpenAI-compatible inference requests and answers, as all three daemons read and document them.

Unknown fields are ignored, since OpenAI's clients send many; a known field of a wrong type is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from daemons.common.errors import ApiError, ErrorCode

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"

DEFAULT_MAX_TOKENS = 16
"""OpenAI's default for completions."""

Flag = Annotated[bool, Field(strict=True)]
MaxTokens = Annotated[int, Field(ge=1, le=100_000, strict=True)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StreamOptions(_Body):
    """Options of a stream."""

    include_usage: Flag | None = False


class InferenceRequest(_Body):
    """What both kinds of request have in common."""

    model: Annotated[str, Field(min_length=1, max_length=128)]
    stream: Flag | None = False
    stream_options: StreamOptions | None = None
    seed: Annotated[int, Field(strict=True)] | None = 0
    max_tokens: MaxTokens | None = None
    n: Literal[1] | None = 1
    """One answer for each request: other numbers are refused, not ignored."""

    @property
    def streamed(self) -> bool:
        """Whether the answer is an event stream."""
        return bool(self.stream)

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that counts its tokens."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def token_limit(self) -> int:
        """How many tokens are generated."""
        return self.max_tokens or DEFAULT_MAX_TOKENS

    def prompt_text(self) -> str:
        """Return the prompt for the engine."""
        raise NotImplementedError


class TextPart(_Body):
    """A part of a message's content."""

    type: Literal["text"]
    text: str


class Message(_Body):
    """One message of a chat."""

    role: Annotated[str, Field(min_length=1, max_length=32)]
    content: str | list[TextPart] | None = None

    def text(self) -> str:
        """Return the content as one text."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class ChatRequest(InferenceRequest):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: MaxTokens | None = None
    """The newer name of max_tokens; it takes precedence."""

    @property
    def token_limit(self) -> int:
        """How many tokens are generated."""
        return self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS

    def prompt_text(self) -> str:
        """Return the messages, one a line, with their roles."""
        return "\n".join(f"{message.role}: {message.text()}" for message in self.messages)


class CompletionRequest(InferenceRequest):
    """POST /v1/completions."""

    prompt: str | list[str]

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if isinstance(self.prompt, list) and len(self.prompt) != 1:
            raise ValueError("prompt must be a string, or a list of exactly one string")
        return self

    def prompt_text(self) -> str:
        """Return the prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class Usage(BaseModel):
    """Counted tokens; a word of the prompt counts as one."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The generated message."""

    role: Literal["assistant"] = "assistant"
    content: str


class ChatChoice(BaseModel):
    """The one choice of a chat answer."""

    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["length", "stop"]


class ChatAnswer(BaseModel):
    """A chat answer that is not streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class CompletionChoice(BaseModel):
    """The one choice of a completion answer."""

    index: int = 0
    text: str
    finish_reason: Literal["length", "stop"]


class CompletionAnswer(BaseModel):
    """A completion answer that is not streamed."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage


STREAM_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The answer; with `stream: true` an event stream of chunks that ends in `data: [DONE]`, or, when it breaks "
            'after its first byte, in `data: {"error": ...}` without [DONE].'
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def document_chat(body: ChatRequest) -> None:
    """Answer a chat: whole, or as a stream of chunks."""


def document_completion(body: CompletionRequest) -> None:
    """Complete a prompt: whole, or as a stream of chunks."""


def parse_inference(path: str, body: bytes) -> ChatRequest | CompletionRequest:
    """Read the body of an inference request.

    Args:
        path: the request's path, which says which kind it is.
        body: the raw body.

    Raises:
        ApiError: 400 with every problem.
    """
    model = ChatRequest if path == CHAT_PATH else CompletionRequest
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        from daemons.common.api import validation_error

        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if any(problem["type"] == "json_invalid" for problem in problems):
            raise ApiError(ErrorCode.BAD_REQUEST, "the body is not valid JSON") from None
        raise validation_error(problems) from None
