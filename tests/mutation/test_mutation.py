#!/usr/bin/env python3
"""Does crypto.py see what it should? A dozen slips that are caught, and the rules themselves."""

import concurrent.futures
import os
import queue
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lint"))
import tap  # noqa: E402

import crypto  # noqa: E402
import equivalent  # noqa: E402
import plan  # noqa: E402
import slips  # noqa: E402
from house import House  # noqa: E402

# A function's body, and what each rule makes of it.
RULES = [
    ("operator", "x = a + b;", "x = a - b;"),
    ("unary", "x = ~a;", "x = a;"),
    ("operand_dropped", "x = a + carry;", "x = a ;"),
    ("operands_turned", "x = a - b;", "x = b - a;"),
    ("shift", "x = _mm512_srli_epi64(x, 52);", "x = _mm512_srli_epi64(x, 52 - 1);"),
    ("call", "x = _mm512_madd52lo_epu64(x, a, b);", "x = _mm512_madd52hi_epu64(x, a, b);"),
    ("arguments_turned", "x = _mm512_sub_epi64(a, b);", "x = _mm512_sub_epi64(b, a);"),
    ("number", "x = 0xff;", "x = 0x7f;"),
    ("index", "x = l[i];", "x = l[i + 1];"),
    ("loop", "for (i = 0; i < n; i++) x++;", "for (i = 0; 1 + i < n; i++) x++;"),
    ("condition", "if (a) x++;", "if (!(a)) x++;"),
    ("choice", "x = a ? b : c;", "x = a ? c : b;"),
    ("statement", "s->odd |= zero;", ";"),
    ("cast", "x = (uint8_t)a;", "x = a;"),
    ("sibling", "x = t0 + t1;", "x = t1 + t1;"),
    ("assembler", '__asm__("adcq %1, %0" : "+r"(x) : "r"(a));', '__asm__("addq %1, %0" : "+r"(x) : "r"(a));'),
]
DECLARATIONS = "static void\nf(const uint64_t *a, struct fe b[static 4])\n{\n\tuint64_t t[8];\n}\n"


def body(line):
    return "static void\nf(void)\n{\n\t" + line + "\n}\n"


def rules_check():
    names = [r.__name__ for r in slips.RULES]
    tap.rule("each rule of slips.py has an example", set(names) ^ {r[0] for r in RULES})
    for rule, line, want in RULES:
        made = [s.line for s in slips.slips("f.c", body(line)) if s.rule == rule]
        tap.rule(f"rule {rule}: {want}", [] if want in made else made or ["nothing"])
    tap.rule("declarations are let be", [s.name for s in slips.slips("f.c", DECLARATIONS)])


def named(wanted):
    """name: slip, of those that are."""
    paths = {n.split(":")[0] for n in wanted}
    return {s.name: s for p in paths for s in crypto.slips_of(p) if s.name in wanted}


def fixed():
    with open(os.path.join(HERE, "fixed.txt"), encoding="utf-8") as f:
        return [line.strip() for line in f if not line.startswith("#")]


def known_check():
    """A reason whose slip is gone is stale."""
    known = equivalent.read()
    for name in crypto.files([]):
        for s in crypto.slips_of(name):
            known.why(s)
    tap.rule("each of equivalent.txt stands for a slip", [p for p, _ in known.rows if p not in known.used])
    tap.rule("each of equivalent.txt has a reason", [p for p, reason in known.rows if not reason])


class Houses:
    def __init__(self, tmp, n):
        self.free, first = queue.Queue(), None
        for i in range(n):
            house = House(tap.SRC, tap.BUILD, os.path.join(tmp, str(i)), first)
            first = first or house
            self.free.put(house)

    def verdict(self, s, tests):
        house = self.free.get()
        try:
            return house.try_slip(s, tests)
        finally:
            self.free.put(house)


def quick(path):
    """Unit tests only."""
    return [t for t in plan.tests_of(path) if t.target != plan.RSA.target]


def slips_check(houses, pool):
    names = fixed()
    have = named(names)
    todo = {n: pool.submit(houses.verdict, s, quick(s.path)) for n, s in have.items()
            if not plan.missing(s.path)}
    for n in names:
        if n not in have:
            tap.rule(n, ["no such slip: the source has changed, choose another"])
        elif n not in todo:
            tap.skip(n, f"this processor has no {plan.missing(have[n].path)}")
        else:
            verdict, by = todo[n].result()
            tap.rule(f"{n}: by {by}", [] if verdict == "caught" else [verdict])


SAME = "p256_terms.c: p256_terms_set: memcpy(t->r[0], r, sizeof(t->r[1]));"


def others_check(houses):
    """The tool can say no, too."""
    slip = named([SAME] + fixed()[:1])
    for name, tests, want in ((fixed()[0], [], "survived"), (SAME, quick("p256_terms.c")[:1], "same")):
        verdict = houses.verdict(slip[name], tests)[0] if name in slip else "no such slip"
        tap.rule(f"{want}: {name}", [] if verdict == want else [verdict])


def main():
    rules_check()
    known_check()
    with tempfile.TemporaryDirectory(prefix="slips-") as tmp, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        houses = Houses(tmp, 2)
        slips_check(houses, pool)
        others_check(houses)
    tap.end()


if __name__ == "__main__":
    main()
