# A server that misbehaves as its first argument says. Speaks 2025-11-25 over its standard streams.
import json, os, signal, sys, time

mode = sys.argv[1]
out = sys.stdout.buffer


def write(data):
    out.write(data)
    out.flush()


def send(message):
    write(json.dumps(message).encode() + b"\n")


def answer(request, result):
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


def said(request, words):
    answer(request, {"content": [{"type": "text", "text": words}]})


if mode == "exit":
    sys.stderr.write("no configuration: set \x1b[1mAPI_KEY\x1b[0m\n")
    sys.exit(3)
if mode == "silent":
    time.sleep(1000)
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)
if mode == "rubbish":
    while True:
        write(b"Starting up...\n")
        time.sleep(0.001)
if mode == "some-rubbish":
    for n in range(100):
        write(b"[info] loading plug-in %d {\n" % n)
    write(b"\xff\xfe\x00\x01\n[]\n{}\nnull\n42\n\n\r\n")
if mode == "binary":
    while True:
        write(os.urandom(60000).replace(b"\n", b"x"))
if mode == "no-line-end":
    write(b'{"jsonrpc":"2.0","id":1,"result":{"x":"')
    while True:
        write(b"a" * 60000)
if mode == "blank-lines":
    while True:
        write(b"\n" * 60000)
if mode == "orphan":
    # What keeps the output open leaves the group, so that no signal finds it.
    if os.fork() == 0:
        os.setsid()
        time.sleep(15)
        os._exit(0)
    sys.stderr.write("gone\n")
    sys.stderr.flush()
    os._exit(9)
if mode == "close-output":
    os.close(1)
    time.sleep(1000)
if mode == "close-input":
    os.close(0)
    time.sleep(1000)
if mode == "pings":
    n = 0
    while True:
        n += 1
        write(b'{"jsonrpc":"2.0","id":"%d","method":"ping"}\n' % n * 1000)

forked = 0
if mode == "fork":
    forked = os.fork()
    if forked == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)

late = []
for line in sys.stdin:
    request = json.loads(line)
    method = request.get("method")
    if mode == "flood":
        sys.stderr.write("x" * 99 + "\n")
        sys.stderr.write(("y" * 100_000 + "\n") * 20)
    if mode == "rubbish-between":
        write(b"DEBUG got " + line.encode())
    if method == "initialize":
        answer(
            request,
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": mode, "version": "1"},
            },
        )
    elif method == "tools/list":
        answer(request, {"tools": []})
    elif method == "ping":
        answer(request, {})
    elif method == "tools/call":
        name = request["params"]["name"]
        arguments = request["params"]["arguments"]
        if name == "echo":
            said(request, arguments["text"])
        elif name == "late":
            late.append(request)
            if len(late) == arguments["of"]:
                for request in reversed(late):
                    said(request, request["params"]["arguments"]["text"])
        elif name == "pids":
            said(request, f"{os.getpid()} {forked}")
        elif name == "die":
            sys.stderr.write("fatal: out of cheese\n")
            sys.stderr.flush()
            os._exit(7)
        elif name == "half":
            write(b'{"jsonrpc":"2.0","id":')
            os._exit(8)
        elif name == "hang":
            time.sleep(1000)
        elif name == "stop-reading":
            said(request, "stopped")
            time.sleep(1000)
        elif name == "raw":
            text = arguments["text"].replace("$ID", json.dumps(request["id"]))
            write(text.encode("utf-8", "surrogateescape") + b"\n")
        elif name == "twice":
            said(request, "first")
            said(request, "second")
        elif name == "nothing":
            pass
    elif "id" in request:
        error = {"code": -32601, "message": "no such method"}
        send({"jsonrpc": "2.0", "id": request["id"], "error": error})
