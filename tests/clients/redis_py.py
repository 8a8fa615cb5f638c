"""Scenarios with redis-py: `python redis_py.py PORT SCENARIO`.

A line `stop` or `start` on standard output asks the test to do that to the server; the answer is
a line on standard input.
"""

import sys
import threading
import time

import redis

PORT = int(sys.argv[1])


def client(**options):
    options = {"decode_responses": True, "socket_timeout": 5, **options}
    return redis.Redis(host="127.0.0.1", port=PORT, **options)


def ask(what):
    print(what, flush=True)
    sys.stdin.readline()


def rejects(kind, words, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except kind as error:
        assert words in str(error), error
        return
    raise AssertionError(f"{call} was not refused")


def strings(protocol):
    r = client(protocol=protocol)
    assert r.ping() is True
    assert r.set("k", "v", ex=100) is True
    assert 95 < r.ttl("k") <= 100
    assert r.set("k", "w", nx=True) is None
    assert r.set("k", "w", xx=True, get=True, keepttl=True) == "v"
    assert r.ttl("k") > 0
    assert r.set("k", "x", pxat=4_000_000_000_000) is True
    assert r.pexpiretime("k") == 4_000_000_000_000
    assert r.get("k") == "x" and r.get("none") is None
    assert r.mset({"a": 1, "b": 2.5}) is True
    assert r.mget("a", "none", "b") == ["1", None, "2.5"]
    assert r.msetnx({"a": 1, "c": 3}) is False
    assert r.incr("n", 5) == 5 and r.decr("n") == 4
    assert r.incrbyfloat("f", 0.1) == 0.1
    assert r.append("k", "yz") == 3 and r.strlen("k") == 3
    assert r.getrange("k", 0, 1) == "xy" and r.setrange("k", 5, "!") == 6
    assert r.getex("k", persist=True) == "xyz\0\0!" and r.ttl("k") == -1
    assert r.getdel("k") == "xyz\0\0!" and not r.exists("k")
    assert r.lcs("a", "b") == ""
    r.mset({"s1": "ohmytext", "s2": "mynewtext"})
    assert r.lcs("s1", "s2") == "mytext" and r.lcs("s1", "s2", len=True) == 6
    matches = r.lcs("s1", "s2", idx=True, withmatchlen=True)
    pairs = matches if isinstance(matches, dict) else dict(zip(matches[::2], matches[1::2]))
    assert pairs["len"] == 6 and pairs["matches"][0] == [[4, 7], [5, 8], 4], matches
    raw = client(protocol=protocol, decode_responses=False)
    everything = bytes(range(256)) * 100
    assert raw.set(b"\0\r\n", everything) and raw.get(b"\0\r\n") == everything
    rejects(redis.ResponseError, "value is not an integer", r.execute_command, "INCRBY", "n", "x")
    rejects(redis.ResponseError, "unknown command 'NOSUCH'", r.execute_command, "NOSUCH")


def keys(protocol):
    r = client(protocol=protocol)
    assert all(r.pipeline().mset({f"key:{i}": i for i in range(3000)}).execute())
    assert sorted(r.scan_iter(count=100)) == sorted(f"key:{i}" for i in range(3000))
    assert sorted(r.scan_iter("key:1?")) == [f"key:1{i}" for i in range(10)]
    assert list(r.scan_iter(_type="hash")) == []
    assert r.dbsize() == 3000 and r.randomkey().startswith("key:")
    assert r.expire("key:1", 100) is True and r.expire("none", 100) is False
    assert r.expire("key:1", 50, gt=True) is False and r.expire("key:1", 50, lt=True) is True
    assert r.expire("key:1", 60, nx=True) is False and r.expire("key:2", 60, xx=True) is False
    assert r.expireat("key:1", 4_000_000_000) and r.expiretime("key:1") == 4_000_000_000
    assert r.persist("key:1") is True and r.ttl("key:1") == -1 and r.ttl("none") == -2
    assert r.rename("key:1", "new") is True and r.renamenx("new", "key:2") is False
    assert r.copy("new", "copied") and r.copy("new", "copied", destination_db=2) and r.move("copied", 3)
    assert r.type("new") == "string" and r.object("ENCODING", "new") == "int"
    assert r.touch("new", "none") == 1 and r.unlink("new", "none") == 1
    rejects(redis.ResponseError, "no such key", r.rename, "none", "other")
    assert r.flushdb() is True and r.dbsize() == 0
    assert client(db=2).dbsize() == 1 and r.flushall() is True and client(db=3).dbsize() == 0


def transactions(protocol):
    r, other = client(protocol=protocol), client(protocol=protocol)
    with r.pipeline() as pipe:
        assert pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]
    with r.pipeline() as pipe:
        pipe.watch("a")
        other.set("a", 9)
        pipe.multi()
        pipe.set("a", "lost")
        rejects(redis.WatchError, "", pipe.execute)
    assert r.get("a") == "9"

    def double(pipe):
        value = int(pipe.get("a"))
        pipe.multi()
        pipe.set("a", value * 2)

    assert r.transaction(double, "a") == [True] and r.get("a") == "18"
    with r.pipeline() as pipe:
        pipe.set("t", "x").incr("t").get("t")
        rejects(redis.ResponseError, "not an integer", pipe.execute)
    assert r.get("t") == "x", "the others were carried out"
    with r.pipeline(transaction=False) as pipe:
        for index in range(10_000):
            pipe.set(f"p:{index}", index)
        assert pipe.execute() == [True] * 10_000


def server(protocol):
    r = client(protocol=protocol, client_name="tester", lib_name="own", lib_version="1.2")
    r.config_resetstat()
    assert r.client_getname() == "tester" and r.client_setname("renamed") is True
    me = r.client_info()
    assert me["name"] == "renamed" and me["lib-name"] == "own" and me["lib-ver"] == "1.2", me
    assert me["resp"] == str(protocol) and int(me["id"]) == r.client_id()
    assert any(entry["name"] == "renamed" for entry in r.client_list())
    info = r.info()
    assert info["redis_version"].startswith("7.4.") and info["used_memory"] > 0
    assert info["server_name"] == "keytag" if "server_name" in info else True
    for field in ("uptime_in_seconds", "connected_clients", "maxmemory", "keyspace_hits", "total_commands_processed"):
        assert isinstance(info[field], int), field
    assert "db0" not in r.info("keyspace") and r.set("k", "v", ex=10) and r.info("keyspace")["db0"]["expires"] == 1
    assert r.info("commandstats")["cmdstat_set"]["calls"] == 1
    assert r.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert r.config_set("maxmemory", "100mb") and r.config_get("maxmemory")["maxmemory"] == "104857600"
    rejects(redis.ResponseError, "Unknown option", r.config_set, "nosuch", 1)
    seconds, microseconds = r.time()
    assert abs(seconds - time.time()) < 60 and 0 <= microseconds < 1_000_000
    assert r.echo("hi") == "hi" and r.lastsave() is not None
    assert r.command_count() > 50 and "get" in r.command() and r.command_getkeys("MSET", "a", 1, "b", 2) == ["a", "b"]
    assert r.slowlog_len() >= 0 and isinstance(r.slowlog_get(), list)
    assert r.memory_usage("k") > 0 and isinstance(r.memory_stats(), dict)


def pool(protocol):
    connections = redis.BlockingConnectionPool(
        host="127.0.0.1", port=PORT, protocol=protocol, max_connections=4, timeout=10, health_check_interval=1
    )
    r = redis.Redis(connection_pool=connections)
    failures = []

    def work():
        try:
            for _ in range(200):
                r.incr("counter")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures, failures
    assert r.get("counter") == b"1600"
    assert int(r.info("clients")["connected_clients"]) <= 5


def outage(protocol):
    r = client(protocol=protocol, health_check_interval=1)
    assert r.set("k", "v")
    ask("stop")
    rejects(redis.ConnectionError, "", r.get, "k")
    ask("start")
    assert r.get("k") == "v", "the connection is made again, and the key was on disk"


def auth(protocol):
    rejects(redis.AuthenticationError, "", client(protocol=protocol).ping)
    rejects(redis.AuthenticationError, "", client(protocol=protocol, password="wrong").ping)
    assert client(protocol=protocol, password="secret").ping()
    assert client(protocol=protocol, username="default", password="secret", db=5).ping()


def tags(protocol):
    r = client(protocol=protocol)
    assert r.execute_command("SET", "k", "v", "EX", 60, "TAGS", 2, "user", "runs") in ("OK", True)
    assert set(r.execute_command("TAGLIST", "k")) == {"user", "runs"}
    assert r.execute_command("TAGADD", "k", "more") == 1 and r.execute_command("TAGREM", "k", "more", "none") == 1
    assert r.execute_command("TAGCARD", "user") == 1
    cursor, found = r.execute_command("TAGKEYS", "user", 0)
    assert found == ["k"] and cursor in (0, "0")
    with r.pipeline() as pipe:
        pipe.watch("k")
        assert client().execute_command("TAGINVALIDATE", "runs") == 1
        pipe.multi()
        pipe.set("other", 1)
        rejects(redis.WatchError, "", pipe.execute)
    assert not r.exists("k", "other")


def gathered(pubsub, count):
    """That many messages, however they arrive; what confirms a subscription is none."""
    found = []
    while len(found) < count:
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=20)
        if message is not None:
            found.append((message["type"], message["channel"], message["data"]))
    return found


def pubsub(protocol):
    connections = redis.ConnectionPool(
        host="127.0.0.1", port=PORT, protocol=protocol, decode_responses=True, max_connections=8, socket_timeout=20
    )
    r = redis.Redis(connection_pool=connections)
    listener = r.pubsub()
    listener.subscribe("a", "b")
    listener.psubscribe("c*")
    confirmed = [listener.get_message(timeout=20) for _ in range(3)]
    assert [(it["type"], it["channel"], it["data"]) for it in confirmed] == [
        ("subscribe", "a", 1),
        ("subscribe", "b", 2),
        ("psubscribe", "c*", 3),
    ]
    assert r.pubsub_numsub("a", "none") == [("a", 1), ("none", 0)] and r.pubsub_numpat() == 1
    assert sorted(r.pubsub_channels()) == ["a", "b"]
    with r.pipeline() as pipe:
        assert pipe.publish("a", "1").publish("cc", "2").publish("none", "x").publish("b", "ü").execute() == [1, 1, 0, 1]
    assert gathered(listener, 3) == [("message", "a", "1"), ("pmessage", "cc", "2"), ("message", "b", "ü")]
    if protocol == 2:
        # In RESP3 the answer is no push, which the library does not expect here.
        listener.ping("are you there?")
        assert gathered(listener, 1) == [("pong", None, "are you there?")]
    for number in range(2000):
        r.publish("a", number)
    assert [int(it) for _, _, it in gathered(listener, 2000)] == list(range(2000)), "in order"
    listener.unsubscribe()
    listener.punsubscribe("c*")
    while listener.subscribed:
        listener.get_message(timeout=20)
    assert r.pubsub_channels() == [] and r.publish("a", "late") == 0
    listener.close()

    handled = []
    threaded = r.pubsub()
    threaded.subscribe(handled=lambda message: handled.append(message["data"]))
    thread = threaded.run_in_thread(sleep_time=0.01)
    while r.publish("handled", "x") == 0 or not handled:
        time.sleep(0.001)
    thread.stop()
    thread.join()
    # What the pool gives out is an ordinary connection again.
    assert r.set("k", "v") and r.get("k") == "v"


def sharded(protocol):
    r = client(protocol=protocol, socket_timeout=20)
    listener = r.pubsub()
    listener.ssubscribe("s", "t")
    assert [listener.get_message(timeout=20)["type"] for _ in range(2)] == ["ssubscribe"] * 2
    assert r.spublish("s", "1") == 1 and r.publish("s", "unheard") == 0 and r.spublish("t", "2") == 1
    assert gathered(listener, 2) == [("smessage", "s", "1"), ("smessage", "t", "2")]
    assert sorted(r.pubsub_shardchannels()) == ["s", "t"] and r.pubsub_shardnumsub("s") == [("s", 1)]
    listener.sunsubscribe("s")
    assert listener.get_message(timeout=20)["type"] == "sunsubscribe"
    assert r.spublish("s", "late") == 0
    listener.close()


def cache(protocol):
    if protocol == 2:
        return
    from redis.cache import CacheConfig

    r = client(protocol=3, cache_config=CacheConfig(max_size=100))
    other = client(protocol=3)
    other.config_resetstat()

    def becomes(read, expected):
        tries = 0
        while (now := read()) != expected:
            tries += 1
            assert tries < 2000, (now, expected)
            time.sleep(0.01)

    other.set("k", "old")
    assert [r.get("k") for _ in range(5)] == ["old"] * 5
    assert other.info("commandstats")["cmdstat_get"]["calls"] == 1, "the others came from memory"
    read = lambda: r.get("k")  # noqa: E731
    other.set("k", "new")
    becomes(read, "new")
    other.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, "k", "scripted")
    becomes(read, "scripted")
    other.pipeline().set("k", 1).incr("k").execute()
    becomes(read, "2")
    other.set("k", "short", px=30)
    becomes(read, None)
    other.set("k", "back")
    becomes(read, "back")
    other.flushdb()
    becomes(read, None)
    other.hset("h", mapping={"a": 1})
    assert r.hgetall("h") == {"a": "1"}
    other.hdel("h", "a")
    becomes(lambda: r.hgetall("h"), {})
    other.mset({"a": 1, "b": 2})
    assert r.mget("a", "b") == ["1", "2"]
    other.set("b", 3)
    becomes(lambda: r.mget("a", "b"), ["1", "3"])
    r.set("k", "own")
    becomes(read, "own")
    assert r.get_cache().size > 0


def blocking(protocol):
    """Twenty threads wait for what ten others give; nothing is lost, and nothing comes twice."""
    connections = redis.BlockingConnectionPool(
        host="127.0.0.1", port=PORT, protocol=protocol, decode_responses=True, max_connections=40, timeout=60
    )
    r = redis.Redis(connection_pool=connections)
    got, failures, lock = [], [], threading.Lock()

    def take(number):
        calls = [
            lambda: r.blpop(["jobs", "more"], timeout=60)[1],
            lambda: r.brpop("jobs", timeout=60)[1],
            lambda: r.blmove("jobs", "done", 60, "LEFT", "RIGHT"),
            lambda: r.blmpop(60, 2, "more", "jobs", direction="LEFT")[1][0],
            lambda: r.bzpopmin(["ranked"], timeout=60)[1],
        ]
        try:
            while (job := calls[number % 5]()) != "end":
                with lock:
                    got.append(job)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    def give(number):
        for index in range(100):
            job = f"{number}:{index}"
            if number % 5 == 4:
                r.zadd("ranked", {job: index})
            else:
                r.rpush("jobs", job)

    takers = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    givers = [threading.Thread(target=give, args=(number,)) for number in range(10)]
    [thread.start() for thread in takers + givers]
    [thread.join() for thread in givers]
    while len(got) < 1000 and not failures:
        time.sleep(0.001)
    # One end for each: the one of the ranked has to be found anew by every thread.
    for index in range(16):
        r.rpush("jobs", "end")
    while any(thread.is_alive() for thread in takers):
        r.zadd("ranked", {"end": 0})
        takers[0].join(0.001)
    assert not failures, failures
    assert sorted(got) == sorted(f"{number}:{index}" for number in range(10) for index in range(100))
    assert r.llen("jobs") == 0 and r.llen("done") > 0
    assert r.info("clients")["blocked_clients"] == 0


def asynchronous(protocol):
    import asyncio

    import redis.asyncio

    async def scene():
        r = redis.asyncio.Redis(host="127.0.0.1", port=PORT, protocol=protocol, decode_responses=True)
        assert await asyncio.gather(*(r.incr("n") for _ in range(500))) and await r.get("n") == "500"
        async with r.pipeline(transaction=True) as pipe:
            assert await pipe.set("a", 1).incr("a").hset("h", "f", 1).hgetall("h").execute() == [True, 2, 1, {"f": "1"}]
        waiting = [asyncio.create_task(r.blpop("jobs", timeout=60)) for _ in range(10)]
        for number in range(10):
            await r.rpush("jobs", number)
        assert sorted(int(job) for _, job in await asyncio.gather(*waiting)) == list(range(10))
        async with r.pubsub() as listener:
            await listener.subscribe("news")
            assert (await listener.get_message(timeout=20))["type"] == "subscribe"
            await r.publish("news", "x")
            assert (await listener.get_message(timeout=20))["data"] == "x"
        async with r.lock("lock", timeout=60):
            other = r.lock("lock", blocking=False)
            assert await other.acquire() is False
        assert await r.exists("lock") == 0
        await r.aclose()

    asyncio.run(scene())


def locks(protocol):
    """The lock of the library, whose scripts look before they delete."""
    r = client(protocol=protocol)
    r.set("counter", 0)
    failures = []

    def work():
        own = client(protocol=protocol)
        try:
            for _ in range(10):
                with own.lock("lock", timeout=60, sleep=0.001):
                    own.set("counter", int(own.get("counter")) + 1)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures, failures
    assert r.get("counter") == "80"
    lock = r.lock("lock", timeout=100)
    assert lock.acquire() and lock.owned() and lock.extend(100) and r.ttl("lock") > 150
    assert lock.reacquire() and r.ttl("lock") <= 100
    r.delete("lock")
    rejects(redis.exceptions.LockError, "", lock.release)
    script = r.register_script("return {KEYS[1], ARGV[1]}")
    assert script(keys=["k"], args=["v"]) == ["k", "v"]
    r.script_flush()
    assert script(keys=["k"], args=["v"]) == ["k", "v"], "sent again"


def rate_limits(protocol):
    """Rate limiters of the library `limits`, each a script or a transaction of its own."""
    from limits import parse
    from limits.storage import storage_from_string
    from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

    storage = storage_from_string(f"redis://127.0.0.1:{PORT}?protocol={protocol}")
    assert storage.check()
    five = parse("5/hour")
    for kind in (FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter):
        limiter = kind(storage)
        assert limiter.test(five, "user")
        hits = []
        threads = [threading.Thread(target=lambda: hits.append(limiter.hit(five, "user"))) for _ in range(20)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert hits.count(True) == 5 and len(hits) == 20, (kind, hits)
        assert not limiter.test(five, "user") and limiter.test(five, "other"), kind
        assert limiter.get_window_stats(five, "user").remaining == 0, kind
        limiter.clear(five, "user")
        assert limiter.hit(five, "user", cost=4) and not limiter.hit(five, "user", cost=2), kind
        limiter.clear(five, "user")


scenario = globals()[sys.argv[2]]
for version in (2, 3):
    client(password="secret" if scenario is auth else None).flushall()
    scenario(version)
