"""Runs a command whose standard streams are pipes or a pseudo-terminal, which is its controlling terminal then.

Arguments: a JSON object {"stdin", "stdout", "stderr": "terminal" | "pipe", "columns", "command": [...]}.
Reads one JSON object per line: {"type": base64} to the terminal, {"feed": base64} and {"end": true} to the pipe of
standard input. Writes one per line: {"terminal" | "out" | "err": base64}, and at the end {"exit": code or -signal,
"modes": [[canonical, echo, signals]]} with every mode in which the terminal was seen.
"""
import base64
import fcntl
import json
import os
import selectors
import struct
import subprocess
import sys
import termios

given = json.loads(sys.argv[1])
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, given.get("columns", 120), 0, 0))
modes = []


def note_mode():
    flags = termios.tcgetattr(slave)[3]
    mode = [bool(flags & flag) for flag in (termios.ICANON, termios.ECHO, termios.ISIG)]
    if mode not in modes:
        modes.append(mode)


def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def own_terminal():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


note_mode()
streams = {name: slave if given[name] == "terminal" else subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
child = subprocess.Popen(given["command"], preexec_fn=own_terminal, close_fds=True, **streams)
selector = selectors.DefaultSelector()
selector.register(0, selectors.EVENT_READ, "orders")
selector.register(master, selectors.EVENT_READ, "terminal")
for name, pipe in (("out", child.stdout), ("err", child.stderr)):
    if pipe:
        selector.register(pipe.fileno(), selectors.EVENT_READ, name)

orders = b""


def obey(line):
    order = json.loads(line)
    if "type" in order:
        os.write(master, base64.b64decode(order["type"]))
    if "feed" in order:
        child.stdin.write(base64.b64decode(order["feed"]))
        child.stdin.flush()
    if "end" in order:
        child.stdin.close()


def listen(timeout):
    global orders
    heard = False
    for key, _ in selector.select(timeout):
        try:
            chunk = os.read(key.fd, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            selector.unregister(key.fd)
            # The program that started this one is gone.
            if key.data == "orders":
                child.kill()
        elif key.data == "orders":
            *lines, orders = (orders + chunk).split(b"\n")
            for line in lines:
                try:
                    obey(line)
                except BrokenPipeError:
                    pass
        else:
            heard = True
            say(**{key.data: base64.b64encode(chunk).decode()})
    note_mode()
    return heard


while child.poll() is None:
    listen(0.02)
# Its last output is still on its way.
while listen(0.1):
    pass
say(exit=child.returncode, modes=modes)
