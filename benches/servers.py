"""Servers to measure: started pinned or free, with their CPU time and memory as the kernel counts them.

Standard library only, so that it runs wherever the server does.
"""

import csv
import io
import itertools
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE_S = 20

#: Cores of a pinned server, and of whatever puts load on it.
SERVER_CORE, LOAD_CORE = 0, 1

#: Bytes that do not compress, so that nobody looks denser than the keys of an application would be.
NOISE = random.Random(1).randbytes(1 << 17)


def build():
    """The release build of the server under test."""
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml"), "--bin", "keytag-server"],
        check=True,
    )
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "release" / "keytag-server")


def prepared(script):
    """The launcher that a script of `scripts/` prints after it has made it."""
    output = subprocess.run([str(ROOT / "scripts" / script)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return output.stdout.decode().strip()


def oracle():
    """The launcher of Redis 7.4.1; prepared if it is not there."""
    return prepared("redis-7.4")


def valkey():
    """The launcher of Valkey 9.1; prepared if it is not there."""
    return prepared("valkey-9.1")


def keytag():
    """Our server: the program that `KEYTAG` names, or the release build."""
    return os.environ.get("KEYTAG") or build()


def noise(number, size):
    """`size` bytes (up to 64 KiB), always the same for a number."""
    start = number * 2654435761 % (len(NOISE) // 2)
    return NOISE[start : start + size]


def take_load_core():
    """Moves this process and what it starts to the core that is not a pinned server's."""
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    os.sched_setaffinity(0, {LOAD_CORE})


def redis_benchmark(server, test, requests, pipeline, keyspace, size, clients=50, pinned=True, words=()):
    """Requests a second, and the server's CPU microseconds a request, of one run of redis-benchmark.

    `words` are a command of one's own, which is then measured instead of one of its tests.
    """
    command = ["redis-benchmark", "-p", str(server.port), "-n", str(requests), "-P", str(pipeline), "--csv"]
    command += ["-c", str(clients), "-r", str(keyspace), "-d", str(size)]
    command = ["taskset", "-c", str(LOAD_CORE), *command] if pinned else [*command, "--threads", "2"]
    command += words or ["-t", test]
    before = server.cpu_s()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()
    cpu_s = server.cpu_s() - before
    rows = [row for row in csv.reader(io.StringIO(output)) if row and row[0] != "test"]
    if not rows:
        raise SystemExit(f"redis-benchmark printed nothing for {test}")
    # `-t ping` is two tests: inline and bulk. Their requests count together.
    return statistics.mean(float(row[1]) for row in rows), cpu_s / (requests * len(rows)) * 1e6


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """One process on an own directory; gone at the end of its `with` block.

    It finds the files of the folder `found` there, which stay as they are.
    """

    def __init__(self, program, flags=(), cores=None, found=None):
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="keytag-bench-")
        if found:
            # Links: what starts from them appends to none and puts others in their place.
            shutil.copytree(found, self.directory, copy_function=os.link, dirs_exist_ok=True)
        # A path from here would lead nowhere from the server's own directory.
        command = [os.path.abspath(program), "--port", str(self.port), "--dir", self.directory, *flags]
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

    def settled_memory(self):
        """`used_memory` and RSS in bytes, once what a load leaves behind (buffers, old tables) is gone."""
        client, before = self.connect(), 0
        for _ in range(PATIENCE_S * 2):
            time.sleep(0.5)
            used = int(client.info("used_memory"))
            if abs(used - before) <= 4096:
                break
            before = used
        client.close()
        return used, self.memory_kib() << 10

    def settle(self):
        """Waits until nothing is left that the server frees in the background."""
        client = self.connect()
        for _ in range(PATIENCE_S * 100):
            if client.info("lazyfree_pending_objects", "0") == "0":
                break
            time.sleep(0.01)
        client.close()

    def finish_rehashing(self, keyspace, size):
        """Reads until the index stands still.

        Redis moves a table that has grown a bucket at a time, as commands touch it: reads that are
        measured right after ten million writes would pay for that. Every other server is read as often.
        """
        client = self.connect()
        for _ in range(10):
            redis_benchmark(self, "get", keyspace, 64, keyspace, size)
            if client.info("mem_overhead_db_hashtable_rehashing", "0") == "0":
                break
        client.close()


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

    def close(self):
        self.file.close()
        self.socket.close()

    def load(self, requests, batch=1000):
        """Sends many encoded requests that each answer OK, and makes the next while the server works."""
        requests, waiting = iter(requests), 0
        while True:
            chunk = list(itertools.islice(requests, batch))
            self.expect_ok(waiting)
            if not chunk:
                return
            self.send(b"".join(chunk))
            waiting = len(chunk)

    def expect_ok(self, count):
        replies = self.file.read(5 * count)
        if replies != b"+OK\r\n" * count:
            raise RuntimeError(f"not {count} times OK: {replies.replace(b'+OK', b'').strip()[:200]!r}")

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

    def info(self, field, default=None):
        text = self.call("INFO", "everything").decode()
        found = [line.split(":", 1)[1] for line in text.splitlines() if line.startswith(field + ":")]
        if not found and default is None:
            raise RuntimeError(f"INFO does not know {field}")
        return found[0] if found else default


def sets(keys, value_of, options_of=None):
    """A SET of each of `key:000000000000` and so on, which are redis-benchmark's names.

    `value_of` a key's number is its value, `options_of` it the words that follow.
    """
    for number in range(keys):
        value = value_of(number)
        if options_of:
            yield Client.encode("SET", b"key:%012d" % number, value, *options_of(number))
        else:
            yield b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n" % (number, len(value), value)
