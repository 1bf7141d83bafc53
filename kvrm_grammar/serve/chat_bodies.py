"""The body of a request in the shape of OpenAI's chat completions.

In: JSON of a client. Out: checked values. What would change nothing here is accepted, such as
``seed``; what would be promised and not kept is refused with the reason.
"""

from typing import Any, Literal

from pydantic import Field

from kvrm_grammar.serve.bodies import Body, Probability
from kvrm_grammar.serve.problems import RequestError

__all__ = ["ChatBody", "JsonSchema", "Message", "ResponseFormat", "StreamOptions", "TextPart"]

_LONGEST_ANSWER = 128  # token IDs; no packaged set's answer is longer, and none is cut off


class TextPart(Body):
    """A part of a message: text, the only kind that is read."""

    type: Literal["text"]
    text: str


class Message(Body):
    """A message; the last one of the user is the instruction."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "".join(part.text for part in self.content)


class JsonSchema(Body):
    """A schema that the answer is to meet."""

    name: str = "operation"
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Body):
    """The answer's form: always JSON here."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Body):
    """What a stream brings besides."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ChatBody(Body):
    """One instruction as a conversation."""

    model: str
    messages: list[Message] = Field(min_length=1, max_length=256)
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    min_confidence: Probability = Field(0.0, description="Not OpenAI's: refuse the less probable.")
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: str | list[str] | None = None
    tools: list[Any] | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = Field(None, description="Accepted: the same text has the same answer.")
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None

    @property
    def text(self) -> str:
        """The last message of the user.

        Raises:
            RequestError: There is none.
        """
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        raise RequestError(400, "no_user_message", "no message has the role user", param="messages")

    def check(self) -> None:
        """Refuse what this server would promise and not keep.

        Raises:
            RequestError: Of the first field that asks for such a thing.
        """
        for name, is_kept, reason in self._promises():
            if not is_kept:
                raise RequestError(400, "unsupported_value", f"{name}: {reason}", param=name)

    def _promises(self) -> list[tuple[str, bool, str]]:
        greedy = "answers are the most probable ones, never drawn; leave it out"
        short = f"no answer is cut off; leave it out, or allow {_LONGEST_ANSWER}"
        limits = [self.max_tokens, self.max_completion_tokens]
        is_roomy = all(limit is None or limit >= _LONGEST_ANSWER for limit in limits)
        return [
            ("n", self.n in (None, 1), "there is one answer; leave it out"),
            ("temperature", not self.temperature, f"{greedy}, or set it to 0"),
            ("top_p", self.top_p in (None, 1), greedy),
            ("frequency_penalty", not self.frequency_penalty, greedy),
            ("presence_penalty", not self.presence_penalty, greedy),
            ("logit_bias", not self.logit_bias, greedy),
            ("stop", not self.stop, "answers end by themselves; leave it out"),
            ("tools", not self.tools, "no tool is called; leave it out"),
            ("max_tokens", is_roomy, short),
            ("top_logprobs", self.logprobs or not self.top_logprobs, "it needs logprobs: true"),
        ]
