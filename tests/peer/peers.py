"""Other implementations as oracles: where they are, how they are run.

Every function runs a peer on files that lie on this machine, offline and
with the clock that the test wants. A peer that is not installed is a reason
to skip (missing()), never a pass.
"""
import base64
import glob
import gzip
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import xml.parsers.expat

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import patient  # noqa: E402

SRC = os.environ.get("SEKISHO_SRC") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
DATA = os.environ.get("SEKISHO_DATA") or os.path.join(SRC, "..", "shared", "data")
PILOT = os.path.join(DATA, "rpki", "pilot")
PILOT_AT = 1691132400			# 2023-08-04T07:00:00Z
RUN_SECONDS = 300			# a peer that needs longer hangs


def find(program):
    """The program's path; system folders too, as a user's PATH lacks them."""
    return shutil.which(program, path=os.environ.get("PATH", "") +
                        ":/usr/sbin:/sbin:/usr/local/sbin")


def missing(*programs):
    """The first program that is not there, or None."""
    for p in programs:
        if find(p) is None:
            return p
    return None


def sekisho():
    return os.environ.get("SEKISHO_BIN") or os.path.join(BUILD, "sekisho")


def rfc3339(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


class Result:
    """What a program did: exit status, CPU seconds, wall, its output."""

    def __init__(self, status, cpu, wall, rss_kb, out, err):
        self.status, self.cpu, self.wall = status, cpu, wall
        self.rss_kb, self.out, self.err = rss_kb, out, err


def run(argv, env=None, cwd=None, user=None, seconds=RUN_SECONDS):
    """Run to the end; user+sys of the program and its children by wait4."""
    def child():
        if user is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                             env=env, cwd=cwd, preexec_fn=child, start_new_session=True)
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > patient(seconds):
                os.killpg(p.pid, 9)
                pid, status, usage = os.wait4(p.pid, 0)
                break
            time.sleep(0.005)
        p.returncode = os.waitstatus_to_exitcode(status)
        faketime_done(p.pid)
        wall = time.monotonic() - begin
        out.seek(0)
        err.seek(0)
        return Result(p.returncode, usage.ru_utime + usage.ru_stime, wall,
                      usage.ru_maxrss, out.read().decode(errors="replace"),
                      err.read().decode(errors="replace"))


def faketime_library(threads=False):
    """None: it is not installed."""
    name = "libfaketimeMT.so.1" if threads else "libfaketime.so.1"
    return next(iter(sorted(glob.glob("/usr/lib/*/faketime/" + name))), None)


# Files that the library makes in /dev/shm, named after the process.
FAKETIME_FILES = ("faketime_shm_%s", "sem.faketime_sem_%s")


def faketime_argv(argv, *env, threads=False):
    """argv under libfaketime with these words of environment, in the process that is started.

    The library without its wrapper: that gives up where a killed run left a
    semaphore of its number, and the library where it left the other file
    (2026-11-22, CI). So what has our number is removed first: who left it is dead.
    """
    files = " ".join("/dev/shm/" + n % "$$" for n in FAKETIME_FILES)
    return ["/bin/sh", "-c", 'rm -f %s; exec env "$@"' % files, "faketime",
            "LD_PRELOAD=" + faketime_library(threads), *env, *argv]


def faketime_done(pid):
    """Who is killed, or drops its privileges, leaves them behind."""
    for n in FAKETIME_FILES:
        try:
            os.unlink(os.path.join("/dev/shm", n % pid))
        except OSError:
            pass


def faked(argv, at):
    """argv under a clock that starts at `at` and runs."""
    return argv if at is None else faketime_argv(
        argv, "FAKETIME=" + time.strftime("@%Y-%m-%d %H:%M:%S", time.gmtime(at)))


def env_utc():
    return dict(os.environ, TZ="UTC", FAKETIME_NO_CACHE="0", LC_ALL="C")


# --- repositories ---------------------------------------------------------

def rrdp_objects(path):
    """(uri, bytes) of every publish element of a snapshot, plain or .gz."""
    opener = gzip.open if path.endswith(".gz") else open
    found, text, uri = [], [], [None]
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True

    def start(name, attrs):
        if name.rpartition("}")[2] == "publish":
            uri[0] = attrs["uri"]
            text.clear()

    def end(name):
        if uri[0] is not None:
            found.append((uri[0], base64.b64decode("".join(text))))
            uri[0] = None

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda t: uri[0] is not None and text.append(t)
    with opener(path, "rb") as f:
        parser.ParseFile(f)
    return found


def tree_path(root, uri):
    """rsync://host/module/path lies at root/host/module/path."""
    rest = uri.partition("://")[2].split("/")
    if any(part in ("", ".", "..") for part in rest):
        raise ValueError("not a path: " + uri)
    return os.path.join(root, *rest)


def write_file(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def unpack_rrdp(snapshot, root):
    n = 0
    for uri, data in rrdp_objects(snapshot):
        write_file(tree_path(root, uri), data)
        n += 1
    return n


def tal_uris(tal):
    """The URIs of a TAL (RFC 8630: comments, URIs, a blank line, the key)."""
    uris = []
    with open(tal) as f:
        for line in f:
            line = line.strip()
            if line.startswith("#"):
                continue
            if not line:
                break
            uris.append(line)
    return uris


def tree_hosts(tree):
    return sorted(d for d in os.listdir(tree) if os.path.isdir(os.path.join(tree, d)))


def tree_open(path):
    """Peers drop their privileges: let them read what a test unpacked."""
    os.chmod(path, 0o755)
    for base, dirs, files in os.walk(path):
        for d in dirs:
            os.chmod(os.path.join(base, d), 0o755)
        for f in files:
            os.chmod(os.path.join(base, f), 0o644)


def ta_path(tree, tal):
    """The trust anchor's certificate in the tree, by one of the TAL's URIs."""
    for uri in tal_uris(tal):
        path = tree_path(tree, uri)
        if os.path.exists(path):
            return path
    raise FileNotFoundError("no trust anchor of %s in %s" % (tal, tree))


# --- VRP sets: {(asn, "prefix", maxlen)} ----------------------------------

def vrps_csv(path):
    """ASN,prefix,maxLength[,…]; a header line is skipped."""
    vrps = set()
    with open(path) as f:
        for line in f:
            parts = line.strip().split(",")
            if len(parts) < 3 or not parts[0].upper().lstrip("AS").isdigit():
                continue
            asn = int(parts[0].upper().lstrip("AS"))
            length = parts[1].partition("/")[2]
            vrps.add((asn, parts[1], int(parts[2]) if parts[2] else int(length)))
    return vrps


# --- rpki-client ----------------------------------------------------------

def rpki_client_layout(tree, tals, cache):
    """Its cache: the tree, and ta/NAME/FILE for each trust anchor."""
    for host in tree_hosts(tree):
        shutil.copytree(os.path.join(tree, host), os.path.join(cache, host))
    for tal in tals:
        name = os.path.basename(tal)
        name = name[:-4] if name.endswith(".tal") else name
        cer = ta_path(tree, tal)
        for uri in tal_uris(tal):
            write_file(os.path.join(cache, "ta", name, os.path.basename(uri)),
                       open(cer, "rb").read())
    for d in (".rsync", ".rrdp", ".ta"):
        os.makedirs(os.path.join(cache, d), exist_ok=True)
    tree_open(cache)


def user_of(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def own(path, user):
    if user is None or os.geteuid() != 0:
        return
    for base, dirs, files in os.walk(path):
        os.chown(base, user.pw_uid, user.pw_gid)
        for f in files:
            os.chown(os.path.join(base, f), user.pw_uid, user.pw_gid)


def rpki_client(cache, tals, out, at=None, hosts=()):
    """Validate `cache` (rpki_client_layout); the result and its VRP set.

    hosts: names that it may look at. Version 8.2 dies when a delegated CA's
    publication point is absent, unless that CA's host is not on the list.
    """
    os.makedirs(out, exist_ok=True)
    os.chmod(out, 0o777)
    argv = [find("rpki-client"), "-n", "-c", "-v", "-d", cache, "-s", "0"]
    for h in hosts:
        argv += ["-H", h]
    for t in tals:
        argv += ["-t", t]
    if os.geteuid() == 0:
        user = user_of("_rpki-client") or user_of("nobody")
        own(cache, user)
        own(out, user)
    r = run(faked(argv + [out], at), env=env_utc())
    path = os.path.join(out, "csv")
    return r, vrps_csv(path) if os.path.exists(path) else set()


# --- FORT -----------------------------------------------------------------

def fort_layout(tree, tals, cache):
    """Its cache: the tree; the trust anchor under each of its TAL's URIs."""
    for host in tree_hosts(tree):
        shutil.copytree(os.path.join(tree, host), os.path.join(cache, host))
    for tal in tals:
        cer = ta_path(tree, tal)
        for uri in tal_uris(tal):
            path = tree_path(cache, uri)
            if not os.path.exists(path):
                write_file(path, open(cer, "rb").read())


def fort(cache, tals, out, at=None):
    """Validate `cache` (fort_layout); the result and its VRP set."""
    os.makedirs(out, exist_ok=True)
    tal_dir = os.path.join(out, "tals")
    os.makedirs(tal_dir, exist_ok=True)
    for t in tals:
        shutil.copy(t, tal_dir)
    path = os.path.join(out, "roas.csv")
    argv = [find("fort"), "--mode=standalone", "--work-offline=true",
            "--tal=" + tal_dir, "--local-repository=" + cache,
            "--output.roa=" + path, "--output.format=csv",
            "--log.output=console", "--log.level=error",
            "--validation-log.enabled=true", "--validation-log.output=console",
            "--validation-log.level=warning"]
    r = run(faked(argv, at), env=env_utc())
    return r, vrps_csv(path) if os.path.exists(path) else set()
