"""The Python SDK on uvicorn (with uvloop and httptools) and on stdio, answers as plain JSON."""

import argparse

from mcp.server import MCPServer

BIG = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n" * (1 << 14)


async def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


async def big() -> str:
    """One mebibyte of text."""
    return BIG


async def filler(name: str, limit: int) -> str:
    return "nothing"


def server(tools: int) -> MCPServer:
    mcp = MCPServer("peer-python", log_level="ERROR")
    mcp.add_tool(add, structured_output=False)
    mcp.add_tool(big, structured_output=False)
    for n in range(2, tools):
        mcp.add_tool(
            filler,
            name=f"filler_{n:04}",
            description="Look up a record by its name and return at most the given number of matches.",
            structured_output=False,
        )
    return mcp


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--http")
    parser.add_argument("--stdio", action="store_true")
    parser.add_argument("--sessions", action="store_true")
    parser.add_argument("--tools", type=int, default=2)
    args = parser.parse_args()
    mcp = server(args.tools)
    if args.http is None:
        mcp.run("stdio")
        return

    import uvicorn

    host, port = args.http.split(":")
    # Its default keeps at most 10,000 sessions.
    app = mcp.streamable_http_app(json_response=True, stateless_http=not args.sessions, max_sessions=None)
    uvicorn.run(app, host=host, port=int(port), log_level="error", access_log=False, loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
