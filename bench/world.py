"""A world of the lab, as servers serve it and as files (see live.py)."""
import base64
import calendar
import json
import mmap
import multiprocessing
import os
import re
import shutil
import time

from kit import limit_of, limit_run, peers, say, signature_kinds

SMALL_TAKE = 3000
SMALL_CHURN = 5			# per mille: four servers have news
BIG = 100000			# objects; from here on each run is made once
RUNS = 3
PUBLISH = re.compile(rb'<publish[^>]*?uri="([^"]+)"[^>]*>([^<]*)</publish>')


class World:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "world.json")) as f:
            w = json.load(f)
        self.n_objects, self.n_cas, self.servers = w["objects"], w["cas"], w["servers"]
        self.tals = os.path.join(folder, "tals")
        # Step 1 must have happened; a minute for clocks.
        self.at = seconds_of(w["at"]) + w["every_sec"] * w["steps"] + 60
        self.runs = 1 if self.n_objects >= BIG else RUNS
        self.tree = os.path.join(folder, "tree-0")
        self.counts = self.limit = self.least = None

    def measure_limit(self):
        """Signatures with prepared and fresh keys, bytes; seconds for them."""
        self.counts = tree_make(self)
        self.limit = limit_of(*self.counts)
        self.least = self.limit["best"]["seconds"]

    def limit_now(self):
        """A shared machine is not as fast at all times: the limit at this moment."""
        return limit_run(*self.counts)["best"]["seconds"]

    def signatures_sec(self, n):
        """At least so much for n signatures, half of each kind."""
        return n * sum(self.limit["best"][k] for k in ("prepared_usec", "fresh_usec")) / 2e6

    def expected(self, step):
        return peers.vrps_csv(os.path.join(self.folder, "expected-%d.csv" % step))

    def tal_files(self):
        return [os.path.join(self.tals, f) for f in sorted(os.listdir(self.tals))]

    def snapshots(self):
        """Of step 0: every server begins with serial 1."""
        return [os.path.join(self.folder, "servers", s["host"], "rrdp", "snapshot-1.xml")
                for s in self.servers]

    def news(self, s):
        """How many objects a server publishes or withdraws at step 1."""
        with open(os.path.join(self.folder, "servers", s["host"], "rrdp",
                               "delta-%d.xml" % s["serial"]), "rb") as f:
            return len(re.findall(rb"<(?:publish|withdraw) ", f.read()))

    def part(self, share):
        """Servers with news of so many objects of the world at most: (servers, objects)."""
        left, out = int(share * self.n_objects), []
        total = left
        for s in self.moved():
            if (n := self.news(s)) <= left:
                out.append(s)
                left -= n
        return out, total - left

    def moved(self):
        """Servers that have news at step 1, the biggest first."""
        return sorted((s for s in self.servers if s["serial"] > 1), key=lambda s: -s["cas"])


def seconds_of(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def world_make(work):
    vrps = os.path.join(peers.DATA, "rpki", "vrps")
    lists = [f for f in sorted(os.listdir(vrps)) if f.endswith(".json.bz2")] \
        if os.path.isdir(vrps) else []
    if not lists:
        say("live: ../shared/data/rpki/vrps is absent: left out")
        return None
    folder = os.path.join(work, "world")
    at = int(time.time()) - 3600
    r = peers.run([peers.sekisho(), "lab", "rpki", "-q", "--no-progress", "--from-vrps",
                   os.path.join(vrps, lists[0]), "--take", str(SMALL_TAKE), "--servers", folder,
                   "--seed", "1", "--at", peers.rfc3339(at), "--steps", "1", "--churn",
                   str(SMALL_CHURN), "--rsync", "none"])
    if r.status != 0:
        say("live: cannot make the world: " + r.err.strip())
        return None
    say("  a world of %d VRPs made in %.1f s" % (SMALL_TAKE, r.wall))
    return folder


# --- the same objects as files -----------------------------------------------

def host_unpack(job):
    """One server's snapshot and trust anchors; counts by ending, and bytes."""
    snapshot, root, ta = job
    names, size = [], 0
    with open(snapshot, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as text:
        made = set()
        for m in PUBLISH.finditer(text):
            path = peers.tree_path(root, m[1].decode())
            folder = os.path.dirname(path)
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            data = base64.b64decode(m[2])
            with open(path, "wb") as out:
                out.write(data)
            names.append(path[-4:])
            size += len(data)
    if os.path.isdir(ta):
        host = os.path.basename(os.path.dirname(ta))
        for f in os.listdir(ta):
            with open(os.path.join(ta, f), "rb") as src:
                data = src.read()
            peers.write_file(os.path.join(root, host, "ta", f), data)
            # Where rpki-client looks.
            peers.write_file(os.path.join(root, "ta", f.rpartition(".")[0], f), data)
            names.append(".cer")
            size += len(data)
    prepared, fresh = signature_kinds(names)
    return prepared, fresh, size


def tree_make(world):
    """(prepared, fresh, bytes) of DIR/tree-0, made when it is not there: a
    layout that rpki-client 8.2 and FORT 1.5 both take as their cache."""
    counts = world.tree + ".json"
    if os.path.exists(counts):
        with open(counts) as f:
            return json.load(f)
    shutil.rmtree(world.tree, ignore_errors=True)
    begin = time.monotonic()
    jobs = [(s, world.tree, os.path.join(os.path.dirname(os.path.dirname(s)), "ta"))
            for s in sorted(world.snapshots(), key=os.path.getsize, reverse=True)]
    with multiprocessing.Pool() as pool:
        got = pool.map(host_unpack, jobs, chunksize=1)
    total = [sum(g[i] for g in got) for i in range(3)]
    for d in (".rsync", ".rrdp", ".ta"):
        os.makedirs(os.path.join(world.tree, d), exist_ok=True)
    user = peers.user_of("_rpki-client")
    for base, _, files in os.walk(world.tree):
        os.chmod(base, 0o755)
        if user is not None and os.geteuid() == 0:
            os.chown(base, user.pw_uid, user.pw_gid)
    with open(counts, "w") as f:
        json.dump(total, f)
    say("  %d files unpacked in %.0f s: %s" % (total[0], time.monotonic() - begin, world.tree))
    return total
