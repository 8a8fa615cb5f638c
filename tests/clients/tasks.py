"""What the workers of Celery and RQ carry out."""

import os
import time

from celery import Celery, chain, chord, group  # noqa: F401

URL = os.environ.get("KEYTAG_URL", "redis://127.0.0.1:6379")

app = Celery("tasks", broker=f"{URL}/0", backend=f"{URL}/1")
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"priority_steps": [0, 5, 9], "queue_order_strategy": "priority"},
    result_expires=3600,
    worker_send_task_events=True,
    task_send_sent_event=True,
    task_track_started=True,
)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=5)
def flaky(self, failures):
    if self.request.retries < failures:
        raise self.retry(countdown=0.1, exc=RuntimeError("not yet"))
    return self.request.retries


@app.task
def broken(words):
    raise ValueError(words)


@app.task(bind=True)
def endless(self):
    self.update_state(state="WORKING", meta={"done": 1})
    time.sleep(3600)


@app.task
def when():
    return time.time()


def multiply(a, b):
    return a * b


def are_finished(ids):
    from rq import get_current_job
    from rq.job import Job

    return all(job.is_finished for job in Job.fetch_many(ids, connection=get_current_job().connection))


def fail_until(path, failures):
    """Fails that often, counting in a key of the server that the worker knows."""
    from rq import get_current_job

    connection = get_current_job().connection
    if connection.incr(path) <= failures:
        raise RuntimeError("not yet")
    return "at last"
