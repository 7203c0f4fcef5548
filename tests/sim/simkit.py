"""The programs of this folder, asked from Python."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(HERE, "..", "..", "build")
LONG = os.environ.get("SEKISHO_SIM") == "long"
# A run that is long takes other histories than the one of every day.
SEED = int(os.environ.get("SEKISHO_SIM_SEED", "20261122"))


def program(name):
    return os.path.join(BUILD, "tests", "sim", name)


def run(name, *args, text=""):
    """(status, output, errors)"""
    r = subprocess.run([program(name), *map(str, args)], input=text, capture_output=True, text=True)
    return r.returncode, r.stdout, r.stderr


def generate(profile, seed, n):
    status, out, err = run("gen", profile, seed, n)
    if status != 0:
        raise RuntimeError("gen: %d %s" % (status, err))
    return out


def blocks(text):
    """Of a batch: a list of lines for each history."""
    return [b.splitlines() for b in ("\n" + text).replace("\n--\n", "\0\n").split("\0")]


def judged(name, text, *args):
    """What a judge says of each history: sorted lines."""
    status, out, err = run(name, *args, text=text)
    if status not in (0, 1):
        raise RuntimeError("%s: %d %s" % (name, status, err))
    said = [sorted(line for line in b if line) for b in blocks(out)]
    return [b for b in said if b]    # each history has at least "safe"


def differences(text, one, two):
    """Histories of which two judges think differently, each as a story."""
    found = []
    if len(one) != len(two):
        return ["%d verdicts, and %d" % (len(one), len(two))]
    for history, a, b in zip(blocks(text), one, two):
        if a != b:
            found.append("\n".join(history + ["only the first says:"] + [x for x in a if x not in b] +
                                   ["only the second says:"] + [x for x in b if x not in a]))
    return found
