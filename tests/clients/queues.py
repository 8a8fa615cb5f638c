"""Scenarios with Celery and RQ, whose workers are processes of their own: `python queues.py PORT SCENARIO`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

PORT = int(sys.argv[1])
os.environ["KEYTAG_URL"] = f"redis://127.0.0.1:{PORT}"
HERE = os.path.dirname(os.path.abspath(__file__))
# Bounds what would never end; nothing is said about how long anything takes.
PATIENCE = 50

import redis  # noqa: E402


class Worker:
    """A worker's process, with what it prints; it ends with the scenario."""

    def __init__(self, *command):
        self.printed = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", *command],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if failed:
            self.printed.seek(0)
            print(self.printed.read(), file=sys.stderr)


def until(claim, check):
    end = time.monotonic() + PATIENCE
    while not (found := check()):
        assert time.monotonic() < end, f"never: {claim}"
        time.sleep(0.01)
    return found


def celery():
    import tasks

    app = tasks.app
    with Worker("celery", "-A", "tasks", "worker", "--concurrency=2", "--loglevel=WARNING") as worker:
        get = {"timeout": PATIENCE, "interval": 0.01}
        results = [tasks.add.delay(number, number) for number in range(50)]
        assert [result.get(**get) for result in results] == [2 * number for number in range(50)]
        assert tasks.flaky.delay(3).get(**get) == 3, "retried"
        failed = tasks.broken.delay("not today")
        try:
            failed.get(**get)
            raise AssertionError("it did not fail")
        except ValueError as error:
            assert str(error) == "not today"
        assert failed.state == "FAILURE" and "tasks.py" in failed.traceback

        eta = datetime.now(timezone.utc) + timedelta(seconds=1)
        late = tasks.when.apply_async(eta=eta)
        assert late.get(**get) >= eta.timestamp() - 0.001, "not before its time"
        expired = tasks.add.apply_async((1, 1), expires=datetime.now(timezone.utc) - timedelta(seconds=1))
        until("it is given up", lambda: expired.state == "REVOKED")

        assert tasks.chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4)).delay().get(**get) == 10
        assert tasks.group(tasks.add.s(n, 1) for n in range(10)).delay().get(**get) == list(range(1, 11))
        assert tasks.chord([tasks.add.s(n, n) for n in range(10)], tasks.total.s()).delay().get(**get) == 90
        last = tasks.add.apply_async((1, 1), priority=9)
        assert tasks.add.apply_async((2, 2), priority=0).get(**get) == 4 and last.get(**get) == 2

        # What controls a worker is pub/sub.
        assert until("it answers", lambda: app.control.ping(timeout=1)), "a broadcast and its answer"
        working = tasks.endless.delay()
        until("it works", lambda: working.state == "WORKING" and working.info == {"done": 1})
        active = until("it is seen", lambda: app.control.inspect(timeout=1).active())
        assert [task["id"] for tasks_of in active.values() for task in tasks_of] == [working.id], active
        working.revoke(terminate=True, signal="SIGKILL")
        until("it is ended", lambda: working.state == "REVOKED")
        raw = redis.Redis(port=PORT, db=1)
        assert 0 < raw.ttl(f"celery-task-meta-{failed.id}") <= 3600
        failed.forget()
        assert not raw.exists(f"celery-task-meta-{failed.id}")
        worker.process.terminate()
        assert worker.process.wait(PATIENCE) == 0, "it leaves when asked"


def rq():
    from rq import Queue, Retry
    from rq.job import Dependency, Job
    from rq.registry import DeferredJobRegistry, FailedJobRegistry, ScheduledJobRegistry

    import tasks

    raw = redis.Redis(port=PORT)
    high, low = Queue("high", connection=raw), Queue("low", connection=raw)
    url = os.environ["KEYTAG_URL"]

    def work():
        with Worker("rq.cli", "worker", "--burst", "--url", url, "high", "low") as worker:
            assert worker.process.wait(PATIENCE) == 0

    jobs = [low.enqueue(tasks.multiply, number, number) for number in range(5)]
    first = high.enqueue(tasks.multiply, "x", 3, job_timeout=60, result_ttl=100)
    before = [*jobs, first]
    after = low.enqueue(tasks.are_finished, [job.id for job in before], depends_on=Dependency(jobs=before))
    broken = low.enqueue(tasks.broken, "not today")
    flaky = high.enqueue(tasks.fail_until, "failures", 2, retry=Retry(max=3))
    assert DeferredJobRegistry(queue=low).get_job_ids() == [after.id] and low.count == 6 and high.count == 2
    work()
    assert [job.return_value() for job in jobs] == [number * number for number in range(5)]
    assert first.return_value() == "xxx" and 0 < raw.ttl(first.key) <= 100
    assert after.return_value() is True, "it waits for those it depends on"
    assert flaky.return_value() == "at last" and raw.get("failures") == b"3"
    assert broken.get_status(refresh=True) == "failed"
    assert "not today" in broken.latest_result().exc_string
    registry = FailedJobRegistry(queue=low)
    assert registry.get_job_ids() == [broken.id]
    registry.requeue(broken.id)
    assert low.get_job_ids() == [broken.id]
    low.empty()
    assert low.count == 0

    later = low.enqueue_in(timedelta(hours=1), tasks.multiply, 2, 2)
    due = low.enqueue_at(datetime.now(timezone.utc) - timedelta(seconds=1), tasks.multiply, 3, 3)
    assert set(ScheduledJobRegistry(queue=low).get_job_ids()) == {later.id, due.id}
    with Worker("rq.cli", "worker", "--with-scheduler", "--url", url, "low") as worker:
        until("it is due", lambda: due.get_status(refresh=True) == "finished")
        assert later.get_status(refresh=True) == "scheduled" and due.return_value() == 9
        woken = low.enqueue(tasks.multiply, 4, 4)
        until("a worker that waits is woken", lambda: woken.get_status(refresh=True) == "finished")
        # Where it stands otherwise when it is asked to leave, it may not hear it.
        until("it waits again", lambda: any("b" in client["flags"] for client in raw.client_list()))
        worker.process.terminate()
        worker.process.wait(PATIENCE)
    assert Job.fetch(later.id, connection=raw).args == (2, 2)


redis.Redis(port=PORT).flushall()
globals()[sys.argv[2]]()
