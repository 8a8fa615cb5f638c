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


scenario = globals()[sys.argv[2]]
for version in (2, 3):
    client(password="secret" if scenario is auth else None).flushall()
    scenario(version)
