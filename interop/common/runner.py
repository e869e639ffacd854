"""What both runners need: the SDKs of others installed, a server on a port, a program that ends.

Installed packages are kept in `$WHARF_CACHE/interop`, under names that depend on the lock files.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
# Where each is found below the address of a server; stdio has none.
TRANSPORTS = {"stdio": None, "http": "http://{}/mcp", "sse": "http://{}/sse", "ws": "ws://{}/ws"}
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "auto"]
NEWEST = "2026-07-28"
CLIENT_LIMIT_S = 240
START_LIMIT_S = 15


class CannotRun(Exception):
    """What is needed to run at all is missing."""



class Programs(NamedTuple):
    """How the client and the server of an SDK are started."""

    client: list
    server: list


def cache_folder():
    """Where installed packages are kept between runs, or None to keep them in the clone."""
    wanted = os.environ.get("WHARF_CACHE", str(Path.home() / ".cache" / "wharf-ci"))
    return Path(wanted) / "interop" if wanted else None


def key_of(*parts):
    """A name for what was installed from these files (or words)."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def command(words, cwd=None, env=None):
    """Runs an installer; its output is shown only when it fails."""
    try:
        done = subprocess.run(words, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        raise CannotRun(f"{words[0]} is not on this machine") from error
    if done.returncode != 0:
        raise CannotRun(f"{' '.join(map(str, words))} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def installed(client, name, key, install):
    """The folder `name` of a client: a link into the cache, or a folder of its own.

    `install(folder)` fills an empty folder, at its final place. A marker file says
    that it came to its end, so that an interrupted one is begun again.
    """
    cache = cache_folder()
    link = HERE / client / name
    folder = cache / f"{client}-{key}" / name if cache is not None else link
    marker = folder.parent / f".{name.strip('.')}-{key}-is-complete"
    if not (folder.exists() and marker.exists()):
        print(f"installing {client} …", flush=True)
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        install(folder)
        marker.touch()
    if cache is not None and not (link.is_symlink() and link.resolve() == folder.resolve()):
        if link.is_symlink():
            link.unlink()
        elif link.exists():
            shutil.rmtree(link)
        link.symlink_to(folder, target_is_directory=True)
    return folder


def node_client(client):
    lock = HERE / client / "package-lock.json"
    node = command(["node", "--version"]).strip()

    def install(folder):
        with tempfile.TemporaryDirectory() as work:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / client / name, work)
            command(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work)
            shutil.move(Path(work) / "node_modules", folder)

    installed(client, "node_modules", key_of(lock, node, platform.machine()), install)
    # Node 20 has a WebSocket client, but not without being asked.
    return Programs(["node", "--experimental-websocket", f"{HERE / client}/client.mjs"], ["node", f"{HERE / client}/server.mjs"])


def python_client(client):
    lock = HERE / client / "requirements.txt"

    def install(folder):
        command([sys.executable, "-m", "venv", str(folder)])
        command([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(lock)])

    folder = installed(client, ".venv", key_of(lock, sys.version, platform.machine()), install)
    python = str(folder / "bin" / "python")
    return Programs([python, f"{HERE / client}/client.py"], [python, f"{HERE / client}/server.py"])


def rust_client(client):
    environment = dict(os.environ)
    if "CARGO_TARGET_DIR" not in environment:
        cache = cache_folder()
        target = cache / f"{client}-target" if cache is not None else HERE / client / "target"
        environment["CARGO_TARGET_DIR"] = str(target)
    # Cargo itself knows whether there is anything to do.
    command(["cargo", "build", "--locked", "--quiet"], cwd=HERE / client, env=environment)
    program = str(Path(environment["CARGO_TARGET_DIR"]) / "debug" / f"wharf-interop-{client}")
    return Programs([program], [f"{program}-server"])


@contextmanager
def one_at_a_time():
    """Keeps two runs from filling the same cache at once."""
    cache = cache_folder()
    if cache is None:
        yield
        return
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

INSTALLERS = {"ts": node_client, "py": python_client, "rm": rust_client}


@contextmanager
def http_server(words, log):
    """A server on a free port, `{}` in its command; ends when the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [word.replace("{}", str(port)) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    listening = threading.Event()

    def drain():
        for line in process.stderr:
            log.append(line.decode(errors="replace"))
            listening.set()

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        end = time.monotonic() + START_LIMIT_S
        while not listening.wait(0.05):
            if process.poll() is not None or time.monotonic() > end:
                raise CannotRun(f"{words} printed no line on stderr within {START_LIMIT_S} s")
        # Some say so a little before it is true.
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise CannotRun(f"{words} does not listen on {port}") from None
                time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(2)


def run_client(words, log):
    """The document that a client prints; what it says on stderr is put into `log`."""
    # Files and not pipes: a server that outlives its client would keep a pipe open.
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        # A process group, so that a server that the client started ends with it.
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=printed, stderr=complaints, start_new_session=True
        )
        try:
            process.wait(CLIENT_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            for file in (printed, complaints):
                file.seek(0)
            log.append(complaints.read().decode(errors="replace"))
        return json.loads(printed.read())
