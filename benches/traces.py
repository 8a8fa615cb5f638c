"""Which keys are read, one after the other, to measure how well a cache keeps the right ones.

Seeded generators, and one recording of a real cache: a week of cluster 52 of Twitter's, shortened to its first
million requests (J. Yang, Y. Yue, K. V. Rashmi: A large scale analysis of hundreds of in-memory cache
clusters at Twitter, OSDI 2020; CC BY 4.0). It comes with the source package of PyPI's libcachesim.
"""

import array
import hashlib
import itertools
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "libcachesim==0.3.5"
PACKAGE_SHA256 = "a1512046ab45bc0e5f0a81e5673cd02209477ffeefcb17a05fa714a06371abfb"
RECORDING = "twitter_cluster52.csv"
RECORDING_SHA256 = "cf4d37d041569bb30c3bc32b7b54dd40b40438c53ee72e4919acf810063d189a"

#: Requests between two steps of a trace that changes.
ROUND = 1000

SYNTHETIC = ("0.9", "1.0", "scan", "shift", "drift", "loop")
REAL = ("twitter",)
PROFILES = ("32", "100-500", "mixed")


def zipf(keys, exponent):
    """Cumulative weights of keys whose popularity falls with their rank."""
    return list(itertools.accumulate(1 / rank**exponent for rank in range(1, keys + 1)))


def stable(rng, keys, requests, exponent):
    """The same keys are popular all the time."""
    yield from rng.choices(range(keys), cum_weights=zipf(keys, exponent), k=requests)


def scan(rng, keys, requests):
    """Popular keys, and every now and then a walk over many that nobody reads again."""
    weights, cold = zipf(keys // 2, 0.9), itertools.count(keys)
    for _ in range(requests // ROUND):
        yield from rng.choices(range(keys // 2), cum_weights=weights, k=ROUND * 8 // 10)
        yield from itertools.islice(cold, ROUND * 2 // 10)


def shift(rng, keys, requests):
    """After each fifth of the trace the most popular keys trade places with a quarter of the others."""
    weights, popular = zipf(keys, 0.9), list(range(keys))
    for _ in range(5):
        yield from rng.choices(popular, cum_weights=weights, k=requests // 5)
        places = [*range(keys // 1000), *rng.sample(range(keys // 1000, keys), keys // 4)]
        moved = [popular[place] for place in rng.sample(places, len(places))]
        for place, key in zip(places, moved):
            popular[place] = key


def drift(rng, keys, requests):
    """What is popular changes slowly."""
    weights = zipf(keys, 0.9)
    for number in range(requests // ROUND):
        for rank in rng.choices(range(keys), cum_weights=weights, k=ROUND):
            yield (rank + number * 100) % keys


def loop(rng, keys, requests):
    """Keys that are read in a circle, somewhat more than fit."""
    yield from itertools.islice(itertools.cycle(range(keys // 3)), requests)


def synthetic(kind, keys, requests, seed):
    """The numbers of the keys that such a trace reads."""
    rng = random.Random(seed)
    generators = {"scan": scan, "shift": shift, "drift": drift, "loop": loop}
    if kind in generators:
        return array.array("q", generators[kind](rng, keys, requests))
    return array.array("q", stable(rng, keys, requests, float(kind)))


def size(profile, key):
    """How many bytes the value of a key has: by its number alone, so not by its popularity.

    `mixed` has a heavy tail: as many values between 50 and 500 bytes as between 2,000 and 20,000.
    """
    if profile == "mixed":
        return int(50 * 400 ** (key * 2654435761 % 100_003 / 100_003))
    smallest, _, largest = profile.partition("-")
    return int(smallest) + key * 2654435761 % (int(largest or smallest) - int(smallest) + 1)


def twitter():
    """Numbers of the keys read, and the size of each key's value, of the recording."""
    numbers, sizes, trace = {}, [], array.array("q")
    with recording().open() as lines:
        for line in itertools.islice(lines, 1, None):
            _, name, size_bytes, _ = line.split(",")
            number = numbers.setdefault(name, len(numbers))
            if number == len(sizes):
                # Recorded is the size of key and value; our keys have 16 bytes.
                sizes.append(max(1, int(size_bytes) - 16))
            trace.append(number)
    return trace, sizes


def recording():
    """Where the recording is; fetched if it is not there."""
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "keytag-bench"
    kept = folder / RECORDING
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch(kept)
    return kept


def fetch(kept):
    """Takes the recording out of the package, whose 80 MB are not kept."""
    print(f"fetching {PACKAGE} for its recording", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="keytag-bench-") as folder:
        wanted = pathlib.Path(folder, "wanted.txt")
        wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            + ["--no-binary", "libcachesim", "--require-hashes", "--dest", folder, "-r", str(wanted)],
            check=True,
        )
        with tarfile.open(next(pathlib.Path(folder).glob("*.tar.gz"))) as package:
            member = next(name for name in package.getnames() if name.endswith("/data/" + RECORDING))
            text = package.extractfile(member).read()
    if hashlib.sha256(text).hexdigest() != RECORDING_SHA256:
        raise SystemExit(f"{RECORDING} is another file than expected")
    # Renamed when it is whole, so that an interrupted run leaves none that is not.
    partial = kept.with_suffix(".partial")
    partial.write_bytes(text)
    partial.rename(kept)
