"""The server of `../servers/offer.json`, with the Python MCP SDK 2.x.

`--stdio`, or `--http HOST:PORT` with Streamable HTTP at /mcp and HTTP+SSE at /sse.
"""

import sys
import warnings
from pathlib import Path

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.message import ServerMessageMetadata
from starlette.responses import Response
from starlette.routing import Mount, Route

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))
from offer import OFFER, Offered, Refusal, serve  # noqa: E402

# Sampling, roots and logging are deprecated, and are what is looked at here.
warnings.simplefilter("ignore", MCPDeprecationWarning)

MODERN = "2026-07-28"
offered = Offered()
bus = InMemorySubscriptionBus()
ANSWERS = {
    "elicitation/create": (types.ElicitRequest, types.ElicitResult),
    "sampling/createMessage": (types.CreateMessageRequest, types.CreateMessageResult),
    "roots/list": (types.ListRootsRequest, types.ListRootsResult),
}


def wire(model):
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


class Context:
    """What a tool may do while it runs."""

    def __init__(self, request, params):
        self.session = request.session
        self.id = request.request_id
        self.modern = request.protocol_version >= MODERN
        self.given = params.input_responses

    async def progress(self, done, total, message):
        # Says nothing to those who did not ask.
        await self.session.report_progress(done, total, message)

    async def log(self, level, data):
        # The SDK looks at the level of a modern request; that of a session is ours to look at.
        if self.modern or offered.noisy(level):
            await self.session.send_log_message(level, data, "offer", related_request_id=self.id)

    async def tools_changed(self):
        if self.modern:
            await bus.publish(ToolsListChanged())
        else:
            await self.session.send_tool_list_changed()

    async def updated(self, uri):
        if self.modern:
            await bus.publish(ResourceUpdated(uri=uri))
        elif uri in offered.subscribed:
            await self.session.send_resource_updated(uri)

    async def ask(self, requests):
        if self.modern:
            return {key: wire(answer) for key, answer in self.given.items()} if self.given is not None else None
        answers = {}
        for key, request in requests.items():
            asked, answered = ANSWERS[request["method"]]
            result = await self.session.send_request(
                asked.model_validate(request), answered, metadata=ServerMessageMetadata(related_request_id=self.id)
            )
            answers[key] = wire(result)
        return answers


def answering(result, work):
    """A handler that answers with what `work` gives for the params, as `result`."""

    async def handle(request, params):
        try:
            given = work(request, params)
            given = await given if hasattr(given, "__await__") else given
            return given if isinstance(given, types.InputRequiredResult) else result.model_validate(given)
        except Refusal as refusal:
            raise MCPError(refusal.code, refusal.message, refusal.data) from refusal

    return handle


def cursor(params):
    return params.cursor if params is not None else None


async def call(request, params):
    result = await offered.call(params.name, params.arguments or {}, Context(request, params))
    if result is not None:
        return result
    asks = next(tool["asks"] for tool in OFFER["tools"] if tool["definition"]["name"] == params.name)
    requests = {key: ANSWERS[request["method"]][0].model_validate(request) for key, request in asks.items()}
    return types.InputRequiredResult(input_requests=requests, request_state="asked ⚓")


def level(_request, params):
    offered.level = params.level
    return {}


def subscribe(_request, params):
    offered.subscribed.add(params.uri)
    return {}


def unsubscribe(_request, params):
    offered.subscribed.discard(params.uri)
    return {}


def completed(_request, params):
    of = getattr(params.ref, "uri", None) or params.ref.name
    return offered.complete(of, params.argument.name, params.argument.value)


server = Server(
    OFFER["server"]["name"],
    version=OFFER["server"]["version"],
    instructions=OFFER["instructions"],
    on_list_tools=answering(types.ListToolsResult, lambda _, p: offered.tools(cursor(p))),
    on_list_resources=answering(types.ListResourcesResult, lambda _, p: offered.resources(cursor(p))),
    on_list_resource_templates=answering(types.ListResourceTemplatesResult, lambda _, p: offered.templates(cursor(p))),
    on_list_prompts=answering(types.ListPromptsResult, lambda _, p: offered.prompts(cursor(p))),
    on_read_resource=answering(types.ReadResourceResult, lambda _, p: offered.read(p.uri)),
    on_get_prompt=answering(types.GetPromptResult, lambda _, p: offered.prompt(p.name, p.arguments or {})),
    on_completion=answering(types.CompleteResult, completed),
    on_set_logging_level=answering(types.EmptyResult, level),
    on_subscribe_resource=answering(types.EmptyResult, subscribe),
    on_unsubscribe_resource=answering(types.EmptyResult, unsubscribe),
    on_call_tool=answering(types.CallToolResult, call),
    on_subscriptions_listen=ListenHandler(bus),
)
options = server.create_initialization_options(NotificationOptions(True, True, True))
server.create_initialization_options = lambda *_: options


def web():
    events = SseServerTransport("/messages/")

    async def sse(request):
        async with events.connect_sse(request.scope, request.receive, request._send) as (read, write):
            await server.run(read, write, options)
        return Response()

    routes = [Route("/sse", sse), Mount("/messages/", app=events.handle_post_message)]
    return server.streamable_http_app(custom_starlette_routes=routes)


async def stdio():
    async with stdio_server() as (read, write):
        await server.run(read, write, options)


if sys.argv[1] == "--http":
    serve(web())
else:
    anyio.run(stdio)
