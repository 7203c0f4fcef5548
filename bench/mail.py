#!/usr/bin/env python3
"""Messages verified and signed: ours, libopendkim, and the arithmetic alone.

	meson compile -C build bench-mail

Messages a second of processor time, of 2, 20 and 100 kB, RSA-2048, relaxed
forms, median of RUNS turns; and of two processes at a time, one a core. The
DNS answers at once, to each of them.

 verify		DKIM with a key that was made ready for an earlier message
 fresh		with a key that is met for the first time
 eight		eight messages share a batch of signatures: what a milter that gathers
		messages could have
 judge		SPF, DKIM, ARC and DMARC, and what is said of them
 sign		a field made
 limit		SHA-256 over the message, EVP_PKEY_verify or EVP_PKEY_sign with a key
		that is there; "%": how much of that rate is reached

BENCH_RUNS=N, BENCH_JSON=FILE as for bench.py; BENCH_SECONDS=N (1). Without
libopendkim-dev when it was built, its column says so. The numbers mean
something only while nothing else runs.
"""
import base64
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

from kit import TOOLS, bench_begin, bench_end, note, ratio, table

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = os.environ.get("BENCH_SECONDS", "1")
SIZES = (2, 20, 100)		# kB
AIM = (2, 15000)		# kB, verified messages a second on one core
OURS, PEER = (os.path.join(TOOLS, name) for name in ("mail", "mail_opendkim"))
HEAD = ("Received: from mx.example.jp (mx.example.jp [192.0.2.1])\r\n"
        "\tby here.test (Postfix) with ESMTPS id 4F0aBc1234\r\n"
        "\tfor <y@here.test>; Mon, 23 Nov 2026 04:00:00 +0000 (UTC)\r\n"
        "From: Taro Yamada <taro@example.jp>\r\nTo: y@here.test\r\n"
        "Subject: A report of this week, and some words\r\n"
        "Date: Mon, 23 Nov 2026 04:00:00 +0000\r\nMessage-ID: <20261123040000.1234@example.jp>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
WORDS = "the quick brown fox jumps over a lazy dog and mail of people has lines like these".split()


def message(kb):
    r, out, n = random.Random(kb), [HEAD], len(HEAD)
    while n < kb * 1000:
        line = ""
        while len(line) < 66:
            line += r.choice(WORDS) + " "
        out.append(line.rstrip() + "\r\n")
        n += len(out[-1])
    return "".join(out).encode()


def folder_make(work, kb):
    path = os.path.join(work, str(kb))
    os.mkdir(path)
    pem, der = os.path.join(path, "key.pem"), os.path.join(path, "public")
    subprocess.run(["openssl", "genrsa", "-out", pem, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", pem, "-pubout", "-outform", "DER", "-out", der],
                   check=True, capture_output=True)
    with open(der, "rb") as f:
        record = "v=DKIM1; k=rsa; p=" + base64.b64encode(f.read()).decode()
    with open(os.path.join(path, "record"), "w") as f:
        f.write(record + "\n")
    with open(os.path.join(path, "message"), "wb") as f:
        f.write(message(kb))
    subprocess.run([OURS, "sign-to", path], check=True)
    return path


def rates(argv, n):
    """Messages a second of n processes at a time, each on a core of its own; None: no such program."""
    if not os.path.exists(argv[0]):
        return None
    started = [subprocess.Popen(["taskset", "-c", str(i)] + argv + [SECONDS], stdout=subprocess.PIPE)
               for i in range(n)]
    return sum(1e6 / json.loads(p.communicate()[0])["usec"] for p in started)


def text(rate):
    return "%.0f" % rate if rate else "-"


def row(kb, name, path, task, limit, peer, cores):
    """One line: median of turns, each of which asks all of them."""
    turns = [(rates([OURS, task, path], cores), rates([PEER, peer, path], cores) if peer else None,
              rates([OURS, limit, path], cores)) for _ in range(RUNS)]
    own, other, best = (statistics.median(c) if c[0] else None for c in zip(*turns))
    return own, ["%d kB" % kb, name, cores, text(own), text(other), ratio(own, other), text(best),
                 "%.0f" % (100 * own / best)]


def main():
    bench_begin()
    work = tempfile.mkdtemp(prefix="sekisho-bench-")
    head = ["message", "task", "cores", "ours/s", "libopendkim/s", "x", "limit/s", "%"]
    rows, aim = [head], None
    try:
        for kb in SIZES:
            path = folder_make(work, kb)
            for task, peer in (("verify", "verify"), ("fresh", None), ("eight", None), ("judge", None)):
                own, cells = row(kb, task, path, task, "evp-verify", peer, 1)
                rows.append(cells)
                if (kb, task) == (AIM[0], "verify"):
                    aim = own
            rows.append(row(kb, "verify", path, "verify", "evp-verify", "verify", 2)[1])
            for cores in (1, 2):
                rows.append(row(kb, "sign", path, "sign", "evp-sign", "sign", cores)[1])
    finally:
        shutil.rmtree(work)
    table("messages a second of processor time, RSA-2048", rows,
          ["mail TASK DIR %s" % SECONDS, "mail_opendkim verify|sign DIR %s" % SECONDS])
    if not os.path.exists(PEER):
        note("libopendkim-dev is not installed: its column is empty")
    note("aim: %d verified a second of %d kB on one core: %s, %.0f" % (
        AIM[1], AIM[0], "reached" if aim >= AIM[1] else "NOT REACHED", aim))
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
