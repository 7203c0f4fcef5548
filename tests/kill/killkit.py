"""What the storms of kill -9 share: who is alive, and one kill more."""
import os
import signal

from patience import patient, wait_for

RECOVER_SEC = 45	# the longest backoff, 30 s (role/parent.h), and a start under load


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def kill_parent(h, roles, start):
    """The parent; its roles go with it, then it is started again."""
    os.kill(h.proc.pid, signal.SIGKILL)
    h.proc.wait(timeout=patient(10))
    orphans = [p for p in roles.values() if p]
    assert wait_for(lambda: not any(alive(p) for p in orphans), 5, 0.01), "orphans live on"
    h.proc.stderr.close()
    h.start(*start())


def kill_one(h, who, count, start=lambda: (), before=lambda: None):
    """
    Kill -9 of a role or of the "parent", if it is there to be killed: then it is
    counted. start(): what the parent is started with, then; before(): just before a role's death.
    """
    roles = wait_for(lambda: {r["name"]: r["pid"] for r in h.status()["house"]["roles"]}, 15)
    assert roles, "no status: " + h.log()[-1500:]
    if who == "parent":
        kill_parent(h, roles, start)
    elif roles.get(who, 0) > 1:
        before()
        try:
            os.kill(roles[who], signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        return
    count[who] += 1
