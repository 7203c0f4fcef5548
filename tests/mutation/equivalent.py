"""equivalent.txt: slips that change no answer, each with its reason.

A reason stands on one line, and below it, each behind a "* ", the slips that it
is the reason for, named as crypto.py prints them. A * within a name stands for
anything: "p256_cache.c: *: line".
"""

import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "equivalent.txt")


class Known:
    def __init__(self, rows):
        self.rows = rows			# (pattern, reason)
        self.used = set()

    def why(self, slip):
        """The reason, or None."""
        for pattern, reason in self.rows:
            if matches(slip.name, pattern):
                self.used.add(pattern)
                return reason
        return None


def matches(name, pattern):
    """Only the star is more than itself."""
    return re.fullmatch(".*".join(re.escape(p) for p in pattern.split("*")), name) is not None


def read(path=PATH):
    rows, reason = [], None
    with open(path, encoding="utf-8") as f:
        for line in (raw.strip() for raw in f):
            if line.startswith("#") or not line:
                continue
            if line.startswith("* "):
                rows.append((line[2:], reason))
            else:
                reason = line
    return Known(rows)
