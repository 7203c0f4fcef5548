"""What the parts of the bench share: tables (text and JSON), processes, the limit."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "peer"))
import peers  # noqa: E402

TOOLS = os.path.join(peers.BUILD, "bench")
SAMPLE_SEC = 0.2
SAMPLE_FIRST = 0.02	# in the first second: small worlds are soon done
RECORD = []		# every table that was printed


def say(text=""):
    print(text)
    sys.stdout.flush()


def table(title, rows, commands=()):
    """rows: lists of equal length; the first is the head. commands: what printed them."""
    RECORD.append({"title": title, "head": [str(c) for c in rows[0]],
                   "rows": [[str(c) for c in r] for r in rows[1:]], "commands": list(commands)})
    say()
    say(title)
    rows = [[str(c) for c in r] for r in rows]
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for n, r in enumerate(rows):
        say("  " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                             for i, (c, w) in enumerate(zip(r, width))))
        if n == 0:
            say("  " + "  ".join("-" * w for w in width))
    for c in commands:
        say("  $ " + c)


def bench_begin():
    """The machine, and whether its figures will mean something."""
    load = os.getloadavg()[0]
    say("sekisho %s; %d processors; load %.1f%s" % (
        peers.sekisho(), os.cpu_count(), load,
        ": NOT QUIET, the numbers mean little" if load > 0.5 else ""))


def bench_end():
    """The record of all tables, if one is wished for."""
    path = os.environ.get("BENCH_JSON")
    if not path:
        return
    with open(path, "w") as f:
        json.dump({"program": peers.sekisho(), "processors": os.cpu_count(),
                   "at": peers.rfc3339(time.time()), "tables": RECORD}, f, indent=1)


def parts_run(parts, names):
    """Those parts that were asked for (all: none), each with a work folder of its own."""
    for part in names or parts:
        work = tempfile.mkdtemp(prefix="sekisho-bench-")
        os.chmod(work, 0o755)
        try:
            say("\n%s:" % part)
            parts[part](work)
        finally:
            shutil.rmtree(work)


def note(text):
    """A line under the last table, also in the record."""
    say("  " + text)
    if RECORD:
        RECORD[-1].setdefault("notes", []).append(text)


def ratio(a, b):
    return "%.1f" % (a / b) if a and b else "-"


def command(argv):
    """argv as one reads it: the last part of long paths."""
    return " ".join(os.path.basename(a) if a.startswith("/") and i == 0 else a
                    for i, a in enumerate(argv))


# --- the arithmetic limit ---------------------------------------------------

def signature_kinds(names):
    """(with prepared keys, with fresh keys): every certificate, CRL and EE
    certificate is signed by an issuer whose key verifies many; every signed
    object by its EE certificate's key."""
    prepared = fresh = 0
    for name in names:
        prepared += 1
        fresh += not name.endswith((".cer", ".crl"))
    return prepared, fresh


def limit_run(prepared, fresh, size):
    """What limit.c prints: "best" is the limit, "openssl" what stands beside it."""
    r = subprocess.run([os.path.join(TOOLS, "limit"), str(prepared), str(fresh), str(size)],
                       check=True, capture_output=True, text=True)
    return json.loads(r.stdout)


def limit_of(prepared, fresh, size):
    """As limit_run(), and told."""
    out = limit_run(prepared, fresh, size)
    say("  %d signatures with prepared keys, %d with fresh ones, SHA-256 over %.1f MB"
        % (prepared, fresh, size / 1e6))
    for key, name in limit_names(out):
        say("  %s: %.2f us, %.2f us, %.0f us a MiB: %.3f s" % (
            name, *(out[key][k] for k in ("prepared_usec", "fresh_usec", "sha256_mib_usec",
                                          "seconds"))))
    return out


def limit_names(out):
    """[(key of limit_run(), name of its row)]"""
    return [("best", "limit (%s)" % out["path"]), ("openssl", "limit of OpenSSL, one by one")]


# Ours twice: by the best way of this processor, and as OpenSSL alone would do it.
WAYS = [("", []), (" --crypto generic", ["--crypto", "generic"])]


# --- processes ---------------------------------------------------------------

def pids(pid):
    """The process and all below it."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task)) as f:
                    todo += [int(c) for c in f.read().split()]
        except OSError:
            continue
    return out


def pss_kinds(p):
    """Megabytes of one process, and how much of them is pages of files; 0 when
    it has gone."""
    try:
        with open("/proc/%d/smaps_rollup" % p) as f:
            kb = dict(re.findall(r"^(Pss|Pss_File):\s+(\d+) kB", f.read(), re.M))
    except OSError:
        return 0.0, 0.0
    return int(kb.get("Pss", 0)) / 1024, int(kb.get("Pss_File", 0)) / 1024


def pss_mb(pid):
    return sum(pss_kinds(p)[0] for p in pids(pid))


def memfd_mb(pid):
    """What the processes hold in memory files: it is in no one's PSS while it
    is not mapped, but it is memory all the same."""
    held = {}
    for p in pids(pid):
        try:
            fds = os.listdir("/proc/%d/fd" % p)
        except OSError:
            continue
        for fd in fds:
            path = "/proc/%d/fd/%s" % (p, fd)
            try:
                if os.readlink(path).startswith("/memfd:"):
                    st = os.stat(path)
                    held[st.st_ino] = st.st_blocks * 512
            except OSError:
                continue
    return sum(held.values()) / 2**20


def cpu_of(p):
    """user+sys of a process and of its children that have ended."""
    try:
        with open("/proc/%d/stat" % p) as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    total = 0
    for p in pids(pid):
        with open("/proc/%d/stat" % p) as f:
            fields = f.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def role_of(p):
    """"validate" of …/sekisho-validate; else the program's name."""
    try:
        name = os.path.basename(os.readlink("/proc/%d/exe" % p).removesuffix(" (deleted)"))
    except OSError:
        return "?"
    return name[8:] if name.startswith("sekisho-") else name


class Sampler(threading.Thread):
    """Sums PSS over a process and all below it, five times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.ended = pid, threading.Event()
        self.most, self.at_most, self.files, self.memfd = 0.0, {}, 0.0, 0.0
        self.began = time.monotonic()
        self.start()

    def run(self):
        while True:
            by_role, files = {}, 0.0
            for p in pids(self.pid):
                role, (pss, of_files) = role_of(p), pss_kinds(p)
                by_role[role] = by_role.get(role, 0.0) + pss
                files += of_files
            total = sum(by_role.values())
            if total > self.most:
                self.most, self.at_most, self.files = total, by_role, files
            self.memfd = max(self.memfd, memfd_mb(self.pid))
            young = time.monotonic() - self.began < 1
            if self.ended.wait(SAMPLE_FIRST if young else SAMPLE_SEC):
                return

    def stop(self):
        self.ended.set()
        self.join()
        return self

    def told(self):
        """Who had it then; pages of files are the kernel's to take back."""
        return "%s; pages of files %.0f" % (", ".join(
            "%s %.0f" % (r, m) for r, m in sorted(self.at_most.items(), key=lambda x: -x[1])
            if m >= 0.5), self.files)


class Outcome:
    """What a program cost: status, CPU by wait4, wall, the most PSS, and how
    much of that was pages of files."""

    def __init__(self, status, cpu, wall, sampler, text):
        self.status, self.cpu, self.wall, self.text = status, cpu, wall, text
        self.pss, self.files = sampler.most, sampler.files


def measure(argv, log, env=None, seconds=600):
    """Run to the end, or kill the whole group after `seconds` (status -9)."""
    with open(log, "wb") as out:
        begin = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                             start_new_session=True)
        sampler = Sampler(p.pid)
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > seconds:
                os.killpg(p.pid, 9)
                _, status, usage = os.wait4(p.pid, 0)
                break
            time.sleep(0.002)
        wall = time.monotonic() - begin
        p.returncode = os.waitstatus_to_exitcode(status)
        sampler.stop()
    with open(log, errors="replace") as f:
        f.seek(max(0, os.path.getsize(log) - 2000))
        return Outcome(p.returncode, usage.ru_utime + usage.ru_stime, wall, sampler, f.read())
