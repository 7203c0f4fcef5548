#!/usr/bin/env python3
"""Rules that one line of source can break."""

import datetime
import os
import re
import subprocess

import tap

import csource
import funcsize

BANNED = {
    r"strtok(_r)?|sscanf|vsscanf|fscanf|scanf": "tokenise with sv_cut(), sv_word()",
    r"strto(l|ll|ul|ull|d|f|ld|imax|umax)|ato(i|l|ll|f)": "read numbers with num_u32(), num_u64()",
    r"v?sprintf|strcpy|stpcpy|strcat|strncpy|strncat|gets": "use snprintf, memcpy, struct buf",
    r"is(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit)"
    r"|to(lower|upper)": "ctype depends on the locale",
    r"alloca|setjmp|longjmp": "no",
    r"system|popen": "programs are started by sys/proc with an argv",
    r"rand|srand|random|srandom|drand48": "no",
    r"strerror|gmtime|localtime|mktime|timegm|strftime|setlocale": "err_str(), base/timefmt.h",
    r"readdir_r|mktemp|tmpnam|tempnam": "no",
}
# Calls that only sys/, net/ and hsm/ may make. (file, call): why another may.
SYSTEM_CALLS = (r"open|openat|creat|fopen|fdopen|freopen|opendir|scandir|unlink|unlinkat|rename|"
                r"renameat|mkdir|mkdirat|rmdir|stat|lstat|fstat|fstatat|mmap|munmap|socket|"
                r"socketpair|bind|listen|accept4?|connect|send|sendto|sendmsg|recv|recvfrom|recvmsg|"
                r"poll|ppoll|select|fork|vfork|exec[lv][pe]{0,2}|kill|waitpid|wait4|signal|sigaction|"
                r"time|clock_gettime|gettimeofday|nanosleep|usleep|sleep|pthread_\w+|getaddrinfo|"
                r"prctl|syscall|ioctl|fcntl|pread|pwrite|fsync|memfd_create")
SYSTEM_CALLS_ALLOWED = {
    ("src/cmd/main.c", "time"): "the clock enters here and is an argument below",
    ("src/crypto/p256_cache.c", "pthread_mutex_lock"): "a lock, no thread: who verifies has several",
    ("src/crypto/p256_cache.c", "pthread_mutex_unlock"): "as pthread_mutex_lock",
    ("src/mail/dkim_pubs.c", "pthread_mutex_init"): "a lock, no thread: who judges has several",
    ("src/mail/dkim_pubs.c", "pthread_mutex_destroy"): "as pthread_mutex_init",
    ("src/mail/dkim_pubs.c", "pthread_mutex_lock"): "as pthread_mutex_init",
    ("src/mail/dkim_pubs.c", "pthread_mutex_unlock"): "as pthread_mutex_init",
    ("src/app/mail_cache.c", "pthread_mutex_init"): "libmilter's threads share answers; none is made",
    ("src/app/mail_cache.c", "pthread_mutex_destroy"): "as pthread_mutex_init",
    ("src/app/mail_cache.c", "pthread_mutex_lock"): "as pthread_mutex_init",
    ("src/app/mail_cache.c", "pthread_mutex_unlock"): "as pthread_mutex_init",
    ("src/app/mail_failure_box.c", "pthread_mutex_init"): "libmilter's threads put reports in; none is made",
    ("src/app/mail_failure_box.c", "pthread_mutex_destroy"): "as pthread_mutex_init",
    ("src/app/mail_failure_box.c", "pthread_mutex_lock"): "as pthread_mutex_init",
    ("src/app/mail_failure_box.c", "pthread_mutex_unlock"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_mutex_init"): "libmilter's threads share marks; none is made",
    ("src/app/mail_marks.c", "pthread_mutex_destroy"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_mutex_lock"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_mutex_unlock"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_rwlock_init"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_rwlock_destroy"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_rwlock_rdlock"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_rwlock_wrlock"): "as pthread_mutex_init",
    ("src/app/mail_marks.c", "pthread_rwlock_unlock"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_mutex_init"): "libmilter's threads meet here; none is made",
    ("src/app/mail_journal.c", "pthread_mutex_destroy"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_mutex_lock"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_mutex_unlock"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_cond_init"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_cond_destroy"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_cond_wait"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_cond_broadcast"): "as pthread_mutex_init",
    ("src/app/mail_journal.c", "pthread_cond_signal"): "as pthread_mutex_init",
}
# Names and hosts of one machine; in two parts, so that this file passes.
MACHINE = [r"/wo" r"rk/", r"/ro" r"ot/", r"/ho" r"me/[a-z]", r"\.py" r"env", r"/tmp" r"/bash_jobs",
           r"deb\.deb" r"ian\.org", r"py" r"pi\.org", r"files\.python" r"hosted", r"registry\.n" r"pmjs",
           r"proxy\.go" r"lang"]
TEXT = (".c", ".h", ".def", ".py", ".sh", ".md", ".build", ".txt", ".json", ".js", ".css", ".html",
        ".yaml", ".yml", ".conf", ".service", ".lab", ".po", ".1", ".5", ".7", ".8", "run", "test",
        ".svg", ".rpl")


def tracked():
    """Files under version control, or all when this is no clone."""
    try:
        git = subprocess.run(["git", "-c", "safe.directory=*", "-C", tap.SRC, "ls-files", "-z"],
                             capture_output=True, check=True)
        names = git.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = csource.sources("", under=".")
    return [n for n in names if n and os.path.isfile(os.path.join(tap.SRC, n))]


def grep(pattern, paths, strings=True):
    """(path, line number, match) in C source without comments."""
    rx = re.compile(pattern)
    for path in paths:
        text = csource.strip(csource.read(os.path.join(tap.SRC, path)), strings=strings)
        for n, line in enumerate(text.splitlines(), 1):
            for m in rx.finditer(line):
                yield path, n, m


def call(names):
    """A call, not a member, not a longer name, not a definition at the line's head."""
    return r"(?<![\w.>])(?<!->)(" + names + r")\s*\("


def revisits(paths, today):
    bad, due = [], []
    for path in paths:
        if path.startswith("tests/lint/") or path.endswith((".md", ".po")):
            continue
        for n, line in enumerate(csource.read(os.path.join(tap.SRC, path)).splitlines(), 1):
            for m in re.finditer(r"\bREVISIT\b(.{0,9})", line):
                d = re.match(r" (\d{4})-(0[1-9]|1[0-2])\b", m.group(1))
                if not d:
                    bad.append(f"{path}:{n}: write REVISIT yyyy-mm")
                elif (int(d.group(1)), int(d.group(2))) <= (today.year, today.month):
                    due.append(f"{path}:{n}: due: {line.strip()}")
    return bad, due


def main():
    code = csource.sources(".c", ".h")
    files = tracked()
    text = [f for f in files if f.endswith(TEXT)]

    for names, instead in BANNED.items():
        tap.rule(f"not used: {names.split('|')[0]} and its kin",
                 [f"{p}:{n}: {m.group(1)}(): {instead}" for p, n, m in grep(call(names), code)])
    tap.rule("system calls are made in sys/, net/ and hsm/",
             [f"{p}:{n}: {m.group(1)}()" for p, n, m in grep(call(SYSTEM_CALLS), code)
              if not p.startswith(("src/sys/", "src/net/", "src/hsm/")) and p.endswith(".c")
              and (p, m.group(1)) not in SYSTEM_CALLS_ALLOWED])
    tap.rule("structs have no typedef",
             [f"{p}:{n}" for p, n, m in grep(r"\btypedef\s+(struct|union|enum)\b[^(]*$", code)])
    tap.rule("no global counters behind assert()",
             [f"{p}:{n}" for p, n, m in grep(call("assert"), code)])
    tap.rule("lines end clean; code is not wider than 120 columns", look(code))
    tap.rule("nothing names this machine",
             [f"{p}:{n}: {m.group()}" for p in text
              for n, line in enumerate(csource.read(os.path.join(tap.SRC, p)).splitlines(), 1)
              for m in [re.search("|".join(MACHINE), line)] if m])
    bad, due = revisits(text, datetime.date.today())
    tap.rule("REVISIT tags carry their month", bad, due)
    tap.rule("functions are short: none over 90 lines, 9 of 10 up to 40", long_functions())
    tap.rule("each source is built", unbuilt(code))
    tap.rule("each test is registered", unregistered(files))
    tap.end()


def look(code):
    for path in code:
        for n, line in enumerate(csource.read(os.path.join(tap.SRC, path)).split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{n}: blanks at the end"
            elif len(line.expandtabs(8)) > 120 and '"' not in line:  # a text stays in one piece
                yield f"{path}:{n}: {len(line.expandtabs(8))} columns"


def long_functions():
    m = funcsize.measure(list(funcsize.sources(tap.SRC)), tap.SRC)
    if m["p90"] > 40:
        yield f"p90 is {m['p90']}"
    for n, name, path, at in m["worst"]:
        if n > 90:
            yield f"{path}:{at}: {name} has {n} lines"


def meson_words(under):
    words = set()
    for path in csource.sources("meson.build", under=under):
        words |= set(re.findall(r"[\w./-]+", csource.read(os.path.join(tap.SRC, path))))
    return words | set(re.findall(r"[\w./-]+", csource.read(os.path.join(tap.SRC, "meson.build"))))


def unbuilt(code):
    words = meson_words("src")
    for path in code:
        name = os.path.basename(path)
        # A loop over names builds NAME.c without writing the ".c".
        if path.endswith(".c") and not any(w.endswith(name) or w == name[:-2] for w in words):
            yield f"{path}: in no meson.build"


def unregistered(files):
    words = meson_words("tests")
    for path in files:
        name, ext = os.path.splitext(os.path.basename(path))
        if not path.startswith("tests/") or not name.startswith("test_") or ext not in (".c", ".py"):
            continue
        # 'test_live_' + name in a loop over names.
        looped = {w + name[len(w):] for w in words if w.startswith("test_") and w.endswith("_")
                  and name.startswith(w) and name[len(w):] in words}
        if not {name, name + ext, name[len("test_"):]} & words and not looped:
            yield f"{path}: in no meson.build"


main()
