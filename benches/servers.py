"""Servers to measure: started pinned or free, with their CPU time and memory as the kernel counts them.

Standard library only, so that it runs wherever the server does.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE_S = 20


def build():
    """The release build of the server under test."""
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml"), "--bin", "keytag-server"],
        check=True,
    )
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "release" / "keytag-server")


def oracle():
    """The launcher of Redis 7.4.1; prepared if it is not there."""
    output = subprocess.run([str(ROOT / "scripts/redis-7.4")], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return output.stdout.decode().strip()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """One process on an own directory; gone at the end of its `with` block."""

    def __init__(self, program, flags=(), cores=None):
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="keytag-bench-")
        command = [program, "--port", str(self.port), "--dir", self.directory, *flags]
        if cores is not None:
            command = ["taskset", "-c", cores, *command]
        started = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.directory)
        for line in self.process.stdout:
            if b"Ready to accept connections" in line:
                break
        else:
            raise SystemExit(f"{program} does not start")
        self.ready_s = time.perf_counter() - started

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_s(self):
        """CPU time of all its threads so far, in seconds.

        `schedstat` counts nanoseconds, `stat` only hundredths; a thread that has ended is missing
        from the first, so the larger of both is right to within a hundredth.
        """
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        coarse = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        try:
            fine = sum(int((task / "schedstat").read_text().split()[0]) for task in (folder / "task").iterdir()) / 1e9
        except OSError:
            return coarse
        return fine if abs(fine - coarse) < 0.1 + 0.05 * coarse else coarse

    def memory_kib(self, field="VmRSS"):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith(field + ":")))

    def connect(self):
        return Client(self.port)


class Client:
    """A connection that speaks as much RESP2 as measuring needs."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S * 6)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    @staticmethod
    def encode(*words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        return b"".join(parts)

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        line = self.file.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == b"-1" else self.file.read(int(text) + 2)[:-2]
        if kind == b"*":
            return None if text == b"-1" else [self.reply() for _ in range(int(text))]
        if kind == b"+":
            return text
        raise RuntimeError(f"the connection ended: {line!r}")

    def call(self, *words):
        self.send(self.encode(*words))
        return self.reply()

    def pipeline(self, commands, batch=1000):
        """Sends many commands and throws their replies away."""
        pending = []
        for command in commands:
            pending.append(self.encode(*command))
            if len(pending) == batch:
                self._flush(pending)
        self._flush(pending)

    def _flush(self, pending):
        self.send(b"".join(pending))
        for _ in pending:
            self.reply()
        pending.clear()

    def info(self, field):
        text = self.call("INFO", "everything").decode()
        return next(line.split(":", 1)[1] for line in text.splitlines() if line.startswith(field + ":"))
