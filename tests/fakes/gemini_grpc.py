"""An upstream that speaks Gemini over gRPC and TLS, with every failure. This file is its scenarios.

The model's name selects the scenario; `name:number` gives it a number, as in `slow:40` (40 tokens
a second) or `slow:40:200` (and 200 of them). A raw TCP door stands before the gRPC server, so that
connections can be cut and bytes split anywhere.

gRPC reads its root certificates once a process, when it first makes a channel, by the variable
GRPC_DEFAULT_SSL_ROOTS_FILE_PATH. So importing this file makes one certificate for all fakes of the
process and sets the variable.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import datetime
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import any_pb2, duration_pb2, message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.fakes.wire import CACHED_TOKENS, PROMPT_TOKENS, WORDS, for_ever

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from google.generativeai import protos

ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
METHOD = "/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent"
Finish = protos.Candidate.FinishReason
Block = protos.GenerateContentResponse.PromptFeedback.BlockReason


@dataclass
class Call:
    """One request as the upstream saw it; times by the loop's clock."""

    scenario: str
    request: Any
    metadata: Mapping[str, str | bytes]
    remaining_s: float | None = None
    """How long the client was ready to wait when it asked."""
    left_s: float | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Event = field(default_factory=asyncio.Event)


class Reply:
    """Writes one answer's messages."""

    def __init__(self, fake: Fake, call: Call, context: Any) -> None:
        self._fake = fake
        self._context = context
        self.call = call

    async def head(self) -> None:
        """The answer's headers."""
        await self._context.send_initial_metadata(())
        self.call.writing.set()

    async def raw(self, data: bytes) -> None:
        """One message."""
        await self._context.write(data)

    async def chunk(self, *texts: str, finish: int = 0, tokens: int | None = None) -> None:
        """One chunk as Google writes it; `tokens` is the answer's count so far."""
        await self.raw(chunk(*texts, finish=finish, tokens=tokens))

    async def words(self, *words: str) -> None:
        """Chunks that carry text, each with the counts so far."""
        for n, word in enumerate(words):
            await self.chunk(word, tokens=n + 1)

    async def closed(self, finish: int = Finish.STOP, tokens: int = len(WORDS)) -> None:
        """The finish reason, in a chunk with empty text, and the last count."""
        await self.chunk("", finish=finish, tokens=tokens)

    async def failed(self, code: grpc.StatusCode, said: str, *details: message.Message) -> None:
        """End with a status other than OK."""
        status = status_pb2.Status(code=code.value[0], message=said)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        await self._context.abort_with_status(rpc_status.to_status(status))

    def cut(self) -> None:
        """Reset the connection."""
        self._fake.cut()


Scenario = Callable[..., Awaitable[None]]


def chunk(*texts: str, finish: int = 0, tokens: int | None = None) -> bytes:
    """The bytes of a chunk."""
    candidate = protos.Candidate(
        content=protos.Content(role="model", parts=[protos.Part(text=text) for text in texts]),
        finish_reason=finish,
        index=0,
    )
    response = protos.GenerateContentResponse(candidates=[candidate])
    if tokens is not None:
        response.usage_metadata = protos.GenerateContentResponse.UsageMetadata(
            prompt_token_count=PROMPT_TOKENS,
            cached_content_token_count=CACHED_TOKENS,
            candidates_token_count=tokens,
            total_token_count=PROMPT_TOKENS + tokens,
        )
    return cast("bytes", protos.GenerateContentResponse.serialize(response))


# --- scenarios ------------------------------------------------------------------------------------


async def _ok(reply: Reply) -> None:
    await reply.words(*WORDS)
    await reply.closed()


async def _slow(reply: Reply, tokens_a_s: float = 40, tokens: float = 40) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await reply.head()
    for n in range(int(tokens)):
        await asyncio.sleep(max(0.0, start + n / tokens_a_s - loop.time()))
        await reply.words(WORDS[n % len(WORDS)])
    await reply.closed(tokens=int(tokens))


async def _length(reply: Reply) -> None:
    await reply.words(*WORDS)
    await reply.closed(Finish.MAX_TOKENS)


async def _finish_with_text(reply: Reply) -> None:
    await reply.words(*WORDS[:-1])
    await reply.chunk(WORDS[-1], finish=Finish.STOP, tokens=len(WORDS))


async def _open_end(reply: Reply) -> None:
    """Complete, while the call stays open."""
    await _ok(reply)
    await for_ever()


def thought(text: str) -> bytes:
    """A chunk whose part is marked as a thought, by a field this SDK's messages do not know."""
    data = text.encode()
    part = b"\x12" + bytes([len(data)]) + data + b"\x58\x01"  # text = 2, thought = 11
    content = b"\x0a" + bytes([len(part)]) + part
    candidate = b"\x0a" + bytes([len(content)]) + content
    return b"\x0a" + bytes([len(candidate)]) + candidate


async def _reasoning(reply: Reply) -> None:
    for word in ("Let", " me", " think."):
        await reply.raw(thought(word))
    await _ok(reply)


async def _reasoning_only(reply: Reply) -> None:
    await reply.head()
    while True:
        await reply.raw(thought("hm"))
        await asyncio.sleep(0.005)


_FULL = "You exceeded your current quota, please check your plan and billing details."


def _quota(quota_id: str) -> message.Message:
    """The detail that names a spent quota; old messages have room for it in the text only."""
    violation = error_details_pb2.QuotaFailure.Violation(subject=quota_id, description=_FULL)
    if "quota_id" in violation.DESCRIPTOR.fields_by_name:
        violation.quota_id = quota_id
    return error_details_pb2.QuotaFailure(violations=[violation])


def _retry(wait_s: float) -> message.Message:
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(int(wait_s * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=duration)


async def _rate_limited(reply: Reply, wait_s: float = 7) -> None:
    """A full minute; the message speaks of quota and billing all the same."""
    details = (_quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), _retry(wait_s))
    await reply.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, _FULL, *details)


async def _rate_limited_ms(reply: Reply) -> None:
    await reply.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, _FULL, _retry(1.5))


async def _spent(reply: Reply) -> None:
    detail = _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
    await reply.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, _FULL, detail)


def _status(code: grpc.StatusCode, said: str, *details: message.Message) -> Scenario:
    async def play(reply: Reply) -> None:
        await reply.failed(code, said, *details)

    return play


async def _silent(reply: Reply) -> None:
    """Not even headers."""
    reply.call.writing.set()
    await for_ever()


async def _no_first_token(reply: Reply) -> None:
    await reply.head()
    await for_ever()


async def _keepalives(reply: Reply) -> None:
    await reply.head()
    while True:
        await reply.chunk(tokens=0)
        await asyncio.sleep(0.005)


async def _stall(reply: Reply) -> None:
    await reply.head()
    await reply.words(*WORDS[:3])
    await for_ever()


async def _cut(reply: Reply) -> None:
    await reply.words(*WORDS[:3])
    await asyncio.sleep(0.05)  # what was written has to be read before the reset overtakes it
    reply.cut()


async def _cut_at_once(reply: Reply) -> None:
    reply.cut()


def _errs(code: grpc.StatusCode, words: int) -> Scenario:
    async def play(reply: Reply) -> None:
        await reply.head()
        await reply.words(*WORDS[:words])
        await reply.failed(code, "Sorry")

    return play


async def _malformed(reply: Reply) -> None:
    await reply.words(*WORDS[:3])
    await reply.raw(b"\x0a\xff")
    await reply.closed()


async def _eof(reply: Reply) -> None:
    await reply.words(*WORDS)


async def _nothing(reply: Reply) -> None:
    """OK, and not one message."""


async def _content_filter(reply: Reply) -> None:
    await reply.words(*WORDS[:3])
    await reply.closed(Finish.SAFETY, 3)


async def _declined(reply: Reply) -> None:
    """A blocked prompt: no candidates at all."""
    feedback = protos.GenerateContentResponse.PromptFeedback(block_reason=Block.PROHIBITED_CONTENT)
    response = protos.GenerateContentResponse(prompt_feedback=feedback)
    await reply.raw(protos.GenerateContentResponse.serialize(response))


async def _empty(reply: Reply) -> None:
    await reply.closed(tokens=0)


async def _unknown(reply: Reply, *_: float) -> None:
    said = f"models/{reply.call.scenario} is not found for API version v1beta"
    await reply.failed(grpc.StatusCode.NOT_FOUND, said)


_TOO_LONG = (
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
)
_BAD_KEY = "API key not valid. Please pass a valid API key."
_CODE = grpc.StatusCode
SCENARIOS: dict[str, Scenario] = {
    "ok": _ok,
    "slow": _slow,
    "length": _length,
    "reasoning": _reasoning,
    "reasoning_only": _reasoning_only,
    "bytewise": _ok,
    "finish_with_text": _finish_with_text,
    "open_end": _open_end,
    "429": _rate_limited,
    "429_ms": _rate_limited_ms,
    "429_quota": _spent,
    "402": _status(_CODE.RESOURCE_EXHAUSTED, "Your prepayment credits are depleted."),
    "503": _status(_CODE.UNAVAILABLE, "The model is overloaded. Please try again later."),
    "500": _status(_CODE.INTERNAL, "An internal error has occurred"),
    "401": _status(_CODE.UNAUTHENTICATED, "Request had invalid credentials AIza-no"),
    "400_key": _status(
        _CODE.INVALID_ARGUMENT, _BAD_KEY, error_details_pb2.ErrorInfo(reason="API_KEY_INVALID")
    ),
    "403": _status(_CODE.PERMISSION_DENIED, "Your key cannot use this"),
    "400": _status(_CODE.INVALID_ARGUMENT, "Request contains an invalid argument."),
    "404": _unknown,
    "413": _status(_CODE.INVALID_ARGUMENT, "Request payload size exceeds the limit: 20971520."),
    "too_long": _status(_CODE.INVALID_ARGUMENT, _TOO_LONG),
    "silent": _silent,
    "no_first_token": _no_first_token,
    "keepalives": _keepalives,
    "stall": _stall,
    "cut": _cut,
    "cut_at_once": _cut_at_once,
    "error_event": _errs(_CODE.INTERNAL, 3),
    "overloaded_event": _errs(_CODE.UNAVAILABLE, 0),
    "overloaded_late": _errs(_CODE.UNAVAILABLE, 3),
    "deadline": _status(_CODE.DEADLINE_EXCEEDED, "Deadline expired before it could complete."),
    "malformed": _malformed,
    "eof": _eof,
    "nothing": _nothing,
    "content_filter": _content_filter,
    "declined": _declined,
    "empty": _empty,
}


# --- the server -----------------------------------------------------------------------------------


def certificate() -> tuple[bytes, bytes]:
    """A new key and a certificate for the name `localhost`, both as PEM.

    It holds for no IP address: by one, TLS does not come about.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 - it must hold by the real clock
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, pem


def _trusted(pem: bytes) -> None:
    """Have this process trust the certificate; its file goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="fake-roots-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "roots.pem"
    path.write_bytes(pem)
    os.environ[ROOTS] = str(path)


_PRIVATE, _PEM = certificate()
_trusted(_PEM)


class Fake:
    """The running upstream: what was asked of it, and where it listens."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self.base_url = ""
        self.split = False
        """Whether answers leave through the door byte after byte."""
        self._doors: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._inner_port = 0

    async def _answered(self, request: Any, context: Any) -> None:
        name = request.model.removeprefix("models/")
        scenario, *numbers = name.split(":")
        metadata = dict(context.invocation_metadata())
        call = Call(name, request, metadata, context.time_remaining())
        self.calls.append(call)
        self.called.set()
        self.split = scenario == "bytewise"
        play = SCENARIOS.get(scenario, _unknown)
        try:
            await play(Reply(self, call, context), *[float(n) for n in numbers])
        except grpc.aio.AbortError:
            raise
        except BaseException as error:  # a write to a client that has just gone fails otherwise
            call.left_s = asyncio.get_running_loop().time()
            call.left.set()
            if isinstance(error, asyncio.CancelledError):
                raise

    def cut(self) -> None:
        """Reset every client's connection."""
        for door in self._doors:
            door.transport.abort()

    async def _opened(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client at the door: bytes go through it both ways until either side has gone."""
        self._doors.add(writer)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner_port)
        pumps = [
            asyncio.create_task(self._through(reader, inner_writer, split=False)),
            asyncio.create_task(self._through(inner_reader, writer, split=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._doors.discard(writer)
            writer.transport.abort()
            inner_writer.transport.abort()

    async def _through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, split: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                pieces = [data]
                if split and self.split:
                    pieces = [data[n : n + 1] for n in range(len(data))]
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    if len(pieces) > 1:
                        await asyncio.sleep(0)


def elsewhere(base_url: str, where: str) -> str:
    """The fake's address, moved to where no call gets through.

    By its number the certificate does not hold; a name of so long a part is asked of no network.
    """
    moved = {"plain": "127.0.0.1", "nowhere": "x" * 64 + ".invalid"}
    return base_url.replace("localhost", moved.get(where, "localhost"))


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Fake]:
    """A fake upstream for the time of the block; its address is `localhost:PORT`."""
    fake = Fake()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    method = grpc.unary_stream_rpc_method_handler(
        fake._answered, request_deserializer=protos.GenerateContentRequest.deserialize
    )
    service, _, called = METHOD[1:].partition("/")
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {called: method}),)
    )
    credentials = grpc.ssl_server_credentials(((_PRIVATE, _PEM),))
    fake._inner_port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    door = await asyncio.start_server(fake._opened, "127.0.0.1", 0)
    fake.base_url = f"localhost:{door.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        door.close()
        fake.cut()
        await server.stop(None)
