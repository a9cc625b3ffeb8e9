"""About a hundred operations of pymemcache. Usage: operations.py PORT

It stops with a traceback at the first that is not answered as memcached does.
"""

import sys
import threading
import time

from pymemcache import serde
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

SERVER = ("127.0.0.1", int(sys.argv[1]))
operations = 0


def check(got, want):
    global operations
    operations += 1
    if got != want:
        raise AssertionError(f"operation {operations}: got {got!r}, want {want!r}")


def fails(error, call, *arguments, **named):
    global operations
    operations += 1
    try:
        got = call(*arguments, **named)
    except error:
        return
    raise AssertionError(f"operation {operations}: got {got!r}, want {error.__name__}")


def until_gone(client, key):
    """memcached's seconds are whole ones: 1 is up to two."""
    deadline = time.monotonic() + 10
    while client.get(key) is not None:
        assert time.monotonic() < deadline, f"{key} does not expire"
        time.sleep(0.02)
    check(client.get(key), None)


def storing(client):
    check(client.set("k", "one", noreply=False), True)
    check(client.get("k"), b"one")
    # noreply is pymemcache's default.
    check(client.set("k", b"two"), True)
    check(client.get("k"), b"two")
    check(client.get("none"), None)
    check(client.get("none", default=b"x"), b"x")
    check(client.add("k", "three", noreply=False), False)
    check(client.add("new", "three", noreply=False), True)
    check(client.replace("new", "four", noreply=False), True)
    check(client.replace("none", "four", noreply=False), False)
    check(client.append("new", "-after", noreply=False), True)
    check(client.prepend("new", "before-", noreply=False), True)
    check(client.get("new"), b"before-four-after")
    check(client.append("none", "x", noreply=False), False)
    check(client.prepend("none", "x", noreply=False), False)
    check(client.set("k", b"", noreply=False), True)
    check(client.get("k"), b"")
    check(client.set("k", bytes(range(256)), noreply=False), True)
    check(client.get("k"), bytes(range(256)))
    check(client.set("k", b"\r\nEND\r\n", noreply=False), True)
    check(client.get("k"), b"\r\nEND\r\n")
    check(client.delete("k", noreply=False), True)
    check(client.delete("k", noreply=False), False)
    check(client.delete("k"), True)
    check(client.get("k"), None)


def keys(client):
    long = "k" * 250
    check(client.set(long, "x", noreply=False), True)
    check(client.get(long), b"x")
    fails(MemcacheClientError, client.set, "k" * 251, "x", noreply=False)
    fails(MemcacheClientError, client.get, "with space")
    unicode = Client(SERVER, allow_unicode_keys=True, timeout=20)
    check(unicode.set("ключ", "x", noreply=False), True)
    check(unicode.get("ключ"), b"x")
    check(unicode.get_many(["ключ", "none"]), {"ключ": b"x"})
    unicode.close()
    prefixed = Client(SERVER, key_prefix=b"app:", timeout=20)
    check(prefixed.set("k", "x", noreply=False), True)
    check(prefixed.get_many(["k"]), {"k": b"x"})
    check(client.get("app:k"), b"x")
    prefixed.close()


def many(client):
    values = {f"many{i}": str(i).encode() for i in range(200)}
    check(client.set_many(values, noreply=False), [])
    check(client.get_many(list(values)), values)
    check(client.get_many(["many1", "none", "many2"]), {"many1": b"1", "many2": b"2"})
    check(client.get_many(["none"]), {})
    check(client.get_many([]), {})
    check({k: v[0] for k, v in client.gets_many(["many1", "many2"]).items()}, {"many1": b"1", "many2": b"2"})
    check(client.delete_many(["many1", "many2", "none"], noreply=False), True)
    check(client.get_many(["many1", "many2", "many3"]), {"many3": b"3"})
    check(client.set_many({f"quiet{i}": "x" for i in range(100)}), [])
    check(len(client.get_many([f"quiet{i}" for i in range(100)])), 100)


def compare(client):
    check(client.gets("none"), (None, None))
    check(client.cas("none", "x", b"1"), None)
    check(client.set("c", "1", noreply=False), True)
    value, unique = client.gets("c")
    check(value, b"1")
    check(unique.isdigit(), True)
    check(client.cas("c", "2", unique), True)
    check(client.cas("c", "3", unique), False)
    check(client.get("c"), b"2")
    value, again = client.gets("c")
    check(again != unique, True)
    check(client.cas("c", "4", again, noreply=True), True)
    check(client.get("c"), b"4")
    unique = client.gets("c")[1]
    check(client.touch("c", 100, noreply=False), True)
    check(client.gets("c")[1], unique)
    fails(MemcacheClientError, client.cas, "c", "5", "unique")


def counting(client):
    check(client.set("n", "10", noreply=False), True)
    check(client.incr("n", 5), 15)
    check(client.decr("n", 7), 8)
    check(client.get("n").strip(), b"8")
    check(client.decr("n", 100), 0)
    check(client.incr("n", 2**64 - 1), 2**64 - 1)
    check(client.incr("n", 1), 0)
    check(client.incr("none", 1), None)
    check(client.decr("none", 1), None)
    check(client.incr("n", 1, noreply=True), None)
    check(client.get("n").strip(), b"1")
    check(client.set("n", "ten", noreply=False), True)
    fails(MemcacheClientError, client.incr, "n", 1)


def expiring(client):
    check(client.set("e", "x", expire=1, noreply=False), True)
    check(client.set("t", "x", noreply=False), True)
    check(client.touch("t", 1, noreply=False), True)
    check(client.touch("none", 1, noreply=False), False)
    check(client.set("g", "x", noreply=False), True)
    check(client.raw_command("gat 1 g", "END\r\n"), b"VALUE g 0 1\r\nx\r\n")
    check(client.raw_command("gat 1 none", "END\r\n"), b"")
    check(client.set("kept", "x", expire=5, noreply=False), True)
    check(client.touch("kept", 1000, noreply=False), True)
    until_gone(client, "e")
    until_gone(client, "t")
    until_gone(client, "g")
    check(client.get("kept"), b"x")
    check(client.set("e", "x", expire=int(time.time()) + 1000, noreply=False), True)
    check(client.get("e"), b"x")
    check(client.set("e", "x", expire=-1, noreply=False), True)
    check(client.get("e"), None)


def sizes(client):
    for size in [1, 1000, 4095, 4096, 4097, 65536, 1000000]:
        value = bytes(i * 7 % 256 for i in range(min(size, 1000))) * (size // 1000 + 1)
        check(client.set("big", value[:size], noreply=False), True)
        check(client.get("big"), value[:size])
    fails(MemcacheServerError, client.set, "big", b"x" * 1100000, noreply=False)


def objects(client):
    # pymemcache puts the type of the value into the flags.
    with_types = Client(SERVER, serde=serde.pickle_serde, timeout=20)
    for value in [7, "text", b"bytes", {"a": [1, 2.5, None]}, 2**100]:
        check(with_types.set("o", value, noreply=False), True)
        check(with_types.get("o"), value)
    with_types.close()


def pools(client):
    pooled = PooledClient(SERVER, max_pool_size=4, timeout=20)
    errors = []

    def work(thread):
        try:
            for i in range(50):
                pooled.set(f"p{thread}", str(i), noreply=False)
                assert pooled.get(f"p{thread}") == str(i).encode()
        except Exception as error:  # shown by the check below
            errors.append(error)

    threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(errors, [])
    hashed = HashClient([SERVER], timeout=20)
    check(hashed.set("h", "x", noreply=False), True)
    check(hashed.get_many(["h", "none"]), {"h": b"x"})


def server(client):
    check(client.version().split(b".")[0] >= b"1", True)
    stats = client.stats()
    check(stats[b"pid"] > 0, True)
    check(stats[b"cmd_set"] > 0, True)
    check(b"maxbytes" in client.stats("settings"), True)
    check(client.flush_all(noreply=False), True)
    check(client.get("kept"), None)
    check(client.set("k", "x", noreply=False), True)
    check(client.get("k"), b"x")
    check(client.flush_all(delay=1000, noreply=False), True)
    check(client.get("k"), b"x")
    check(client.flush_all(noreply=False), True)
    client.quit()


connection = Client(SERVER, timeout=20, connect_timeout=20)
for group in [storing, keys, many, compare, counting, expiring, sizes, objects, pools, server]:
    group(connection)
print(f"{operations} operations")
