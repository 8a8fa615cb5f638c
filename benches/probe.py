"""How long single commands wait while something else goes on in the server.

A process of its own sends one GET or SET at a time, at a fixed pace. A pause of the server counts as all
the commands that would have been sent during it, not as the one that was: where a wait is longer than the
pace, those that others would have had, of which each begins one step later, are added.
"""

import array
import gc
import itertools
import multiprocessing
import os
import random
import time

import servers

#: Real-time priority: a probe that waits for the load's process to give way would measure that.
PRIORITY = 10


class Waits:
    """What the commands of one kind waited, in milliseconds."""

    def __init__(self, seconds, interval_s):
        self.sent, self.sent_ms = len(seconds), [wait * 1e3 for wait in seconds]
        missed = (wait - step * interval_s for wait in seconds for step in range(1, int(wait / interval_s) + 1))
        self.sorted_ms = sorted(wait * 1e3 for wait in itertools.chain(seconds, missed))

    def at(self, share):
        return self.sorted_ms[min(len(self.sorted_ms) - 1, int(len(self.sorted_ms) * share))]

    def over(self, limit_ms):
        return sum(wait > limit_ms for wait in self.sorted_ms)

    def cells(self):
        """p50, p99, p99.9 and the longest, as columns of a table."""
        return " | ".join(f"{self.at(share):.2f}" for share in (0.5, 0.99, 0.999, 1))


class Probe:
    """Runs from `with` to the end of its block; then `waits` has the kinds of commands that were sent.

    They go to a key each, or to keys of `requests`: lists of encoded requests by kind.
    """

    def __init__(self, server, kinds=("GET", "SET"), interval_s=0.001, requests=None):
        self.interval_s = interval_s
        self.stop, ready = multiprocessing.Event(), multiprocessing.Event()
        self.ours, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(
            target=run, args=(server.port, kinds, interval_s, requests, ready, self.stop, theirs), daemon=True
        )
        self.process.start()
        if not ready.wait(servers.PATIENCE_S):
            raise SystemExit("the probe does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.waits = {kind: Waits(seconds, self.interval_s) for kind, seconds in self.ours.recv().items()}
        self.process.join()


def run(port, kinds, interval_s, requests, ready, stop, results):
    """Sends until `stop` is set, then hands over what it measured."""
    client = servers.Client(port)
    if not requests:
        client.call("SET", "probe:read", "v" * 32)
        requests = {"GET": [client.encode("GET", "probe:read")], "SET": [client.encode("SET", "probe:written", "v" * 32)]}
    waits = {kind: array.array("d") for kind in kinds}
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        print("(no real-time priority: the figures hold what the probe waited for its core)")
    gc.disable()
    ready.set()
    while not stop.is_set():
        for kind in kinds:
            took_s = measure(client, random.choice(requests[kind]))
            waits[kind].append(took_s)
            time.sleep(max(0, interval_s - took_s))
    results.send(waits)


def measure(client, request):
    """Seconds until the reply is there."""
    sent = time.perf_counter()
    client.send(request)
    client.reply()
    return time.perf_counter() - sent
