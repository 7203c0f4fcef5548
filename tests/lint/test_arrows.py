#!/usr/bin/env python3
"""The picture of DESIGN section 3 is true: includes go down, through doors."""

import os
import re

import tap

import csource

# folder: what it may include besides itself
TOP = {"base", "inr", "crypto", "sys", "net", "hsm", "rpki", "rtr", "dns", "dnssec", "mail", "store", "out", "app"}
SEES = {
    "base": set(),
    "inr": {"base"},
    "crypto": {"base"},
    "sys": {"base"},
    "net": {"base", "sys"},
    "rpki": {"base", "inr", "crypto"},
    "rtr": {"base", "inr", "crypto"},
    "dns": {"base", "inr", "crypto"},
    "dnssec": {"base", "inr", "crypto", "dns"},
    "mail": {"base", "inr", "crypto", "dns"},
    "hsm": {"base", "sys"},
    "store": {"base", "inr", "sys"},
    "out": {"base", "inr"},
    "app": TOP - {"app"},
    "lab": TOP,
    "role": TOP,
    "cmd": TOP | {"lab", "role"},
}
# Every header of these is open; of all others only FOLDER/FOLDER.h.
TOOLBOXES = {"base", "sys", "out"}
# app has a door for each of its parts; rpki's writers stand apart, so that
# nobody takes them in who only reads.
DOORS = {
    "app": {"app/alarm.h", "app/alarm_mail.h", "app/conf.h", "app/crypto_choice.h", "app/dns_stub.h", "app/kit.h", "app/link.h", "app/mail_cache.h", "app/mail_conf.h", "app/mail_dns.h", "app/mail_rules.h", "app/mail_journal.h", "app/mail_failure.h", "app/mail_failure_box.h", "app/mail_failures.h", "app/mail_redact.h", "app/mail_reports.h", "app/mail_reports_text.h", "app/mail_reports_told.h", "app/mail_reporting.h", "app/mail_out.h", "app/mail_psl.h", "app/mail_gate.h", "app/mail_health.h", "app/mail_sign.h", "app/mail_sign_conf.h", "app/mail_sign_file.h", "app/mail_sign_keys.h", "app/mail_sign_roll.h", "app/watch_cache.h", "app/watch_compare.h", "app/watch_findings.h", "app/watch_forget.h", "app/watch_source.h", "app/rtr_auth.h", "app/fetch_plan.h", "app/live.h", "app/mail.h", "app/routes.h", "app/routes_out.h", "app/rtr_server.h",
            "app/mail_bimi.h", "app/mail_mark.h", "app/mail_mark_fetch.h", "app/mail_marks.h", "app/mail_privacy.h", "app/mail_svg.h",
            "app/vrps_csv.h", "app/vrps_feed.h", "app/vrps_json.h", "app/web_server.h", "app/slurm.h", "app/exceptions.h",
            "app/key_seen.h", "app/key_serials.h", "app/key_import.h", "app/key_list.h", "app/key_told.h", "app/keyring.h", "app/keyring_hsm.h", "app/sign_ask.h", "app/token_conf.h", "app/token_key.h", "app/told_turn.h", "app/zone_conf.h", "app/zone_file.h", "app/zone_findings.h", "app/zone_jobs.h", "app/zone_keys.h", "app/zone_list.h", "app/zone_past.h", "app/zone_plan.h", "app/zone_proof.h", "app/zone_seen.h", "app/zone_steps.h", "app/zone_told.h", "app/zone_tsig.h"},
    # Questions to name servers need none of the libraries behind the other.
    "net": {"net/net.h", "net/dnsask.h", "net/smtp.h"},
    # Worlds of two kinds.
    "lab": {"lab/lab.h", "lab/mail.h"},
    "crypto": {"crypto/crypto.h", "crypto/digest.h", "crypto/dnskey.h", "crypto/hmac.h", "crypto/tls.h", "crypto/verify.h"},
    "rpki": {"rpki/rpki.h", "rpki/write.h"},
    # Names and text; a zone in memory; messages: who needs one seldom needs all.
    "dns": {"dns/dns.h", "dns/zone.h", "dns/wire.h"},
    "dnssec": {"dnssec/dnssec.h", "dnssec/audit.h", "dnssec/epp.h", "dnssec/intake.h", "dnssec/keyfile.h", "dnssec/keystate.h", "dnssec/timeline.h", "dnssec/transfer.h", "dnssec/transfer_watch.h"},
    # A standard each: who signs needs no SPF.
    "mail": {"mail/mail.h", "mail/arc.h", "mail/authres.h", "mail/dkim.h", "mail/dmarc.h", "mail/message.h", "mail/tags.h", "mail/spf.h", "mail/report.h", "mail/row.h", "mail/judge.h", "mail/policy.h", "mail/story.h",
             "mail/bimi.h", "mail/diff.h", "mail/feedback.h", "mail/mime.h"},
    # Snapshots and objects have nothing in common, and who reads objects has
    # no business with the library that writes either. The history is read by
    # commands that need neither.
    "store": {"store/store.h", "store/objects.h", "store/history.h", "store/reports.h", "store/reports_mails.h", "store/reports_tally.h"},
}
# (file, include): why this one is right
ALLOWED = {
    ("src/out/findings_registry.c", "app/alarm_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dns/wire_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/dkim_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/dmarc_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/authres_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/arc_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "rpki/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "rtr/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "rpki/rrdp_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "net/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "hsm/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "app/watch_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/transfer_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/intake_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/roll_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/keystate_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/audit_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "app/key_import_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "app/kit_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dns/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "dnssec/findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "app/zone_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/diff_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/message_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/spf_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/report_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/feedback_findings.def"): "the rows as data, not the code behind them",
    ("src/out/findings_registry.c", "mail/bimi_findings.def"): "the rows as data, not the code behind them",
    ("src/lab/faults.c", "rpki/limits.h"): "a fault one beyond a limit needs the limit",
}
# Foreign libraries: header prefix -> where it may be included
LIBRARIES = {
    "openssl/": ("src/crypto/",),
    "immintrin.h": ("src/crypto/",),
    "cpuid.h": ("src/crypto/",),
    "event2/": ("src/sys/loop.c",),
    "microhttpd.h": ("src/net/",),
    "curl/": ("src/net/",),
    "unbound.h": ("src/net/",),
    "seccomp.h": ("src/sys/",),
    "linux/": ("src/sys/",),
    "yaml.h": ("src/sys/",),
    "idn2.h": ("src/mail/",),
    "libpsl.h": ("src/mail/", "src/app/"),
    "expat.h": ("src/rpki/", "src/app/"),
    "zlib.h": ("src/sys/", "src/net/", "src/app/", "src/lab/"),
    "bzlib.h": ("src/lab/",),
    "jansson.h": ("src/app/", "src/rtr/", "src/cmd/"),
    "p11-kit/": ("src/hsm/",),
    "sqlite3.h": ("src/store/",),
    "libpq-fe.h": ("src/store/",),
    "lmdb.h": ("src/store/",),
    "libmilter/": ("src/role/milter_mta.c",),
}
# What every folder may take from the C library.
PURE = {"errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h",
        "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "endian.h", "math.h"}
SYSTEM_FOLDERS = ("src/sys/", "src/net/", "src/hsm/")
# (file or folder, header): why. Everything else of the system belongs to sys/.
SYSTEM_ALLOWED = {
    ("src/base/ip.c", "arpa/inet.h"): "inet_pton and inet_ntop are text, no sockets",
    ("src/crypto/p256_cache.c", "pthread.h"): "a lock around tables that all threads use; no thread is made",
    ("src/mail/dkim_pubs.c", "pthread.h"): "a lock around keys that all threads use; no thread is made",
    ("src/app/mail_cache.c", "pthread.h"): "libmilter's threads share answers; none is made",
    ("src/app/mail_failure_box.c", "pthread.h"): "libmilter's threads put reports in; none is made",
    ("src/app/mail_marks.c", "pthread.h"): "libmilter's threads share marks; none is made",
    ("src/app/mail_journal.c", "pthread.h"): "libmilter's threads meet here; none is made",
    ("src/cmd/main.c", "getopt.h"): "the command line",
    ("src/cmd/main.c", "time.h"): "the clock enters here and is an argument below",
    ("src/cmd/main.c", "unistd.h"): "isatty",
    ("src/cmd/main.c", "sys/random.h"): "the hash seed",
    ("src/app/vrps_feed.c", "malloc.h"): "malloc_trim: what reading a large file took is given back",
    ("src/cmd/rtr_serve.c", "signal.h"): "names of signals for loop_signal()",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes():
    for path in csource.sources(".c", ".h", ".def"):
        text = csource.strip(csource.read(os.path.join(tap.SRC, path)), strings=False)
        for m in INCLUDE.finditer(text):
            yield path, csource.line_of(text, m.start()), m.group(1), m.group(2)


def folder(path):
    return path.split("/")[1]


def is_door(header):
    f = header.split("/")[0]
    if f in TOOLBOXES:
        return header.endswith(".h") and not header.endswith("internal.h")
    return header in DOORS.get(f, {f"{f}/{f}.h"})


def main():
    ours = [(p, n, h) for p, n, q, h in includes() if q == '"' and "/" in h]
    bare = [(p, n, h) for p, n, q, h in includes()
            if q == '"' and "/" not in h and not h.endswith(".inc")]
    foreign = [(p, n, h) for p, n, q, h in includes() if q == "<"]
    across = [(p, n, h) for p, n, h in ours if h.split("/")[0] != folder(p)]

    tap.rule("every folder is in the picture",
             sorted({f"src/{folder(p)}: not in SEES" for p in csource.sources(".c", ".h")
                     if folder(p) not in SEES}))
    tap.rule("arrows go down only",
             [f"{p}:{n}: {folder(p)} may not see {h}" for p, n, h in across
              if h.split("/")[0] not in SEES.get(folder(p), set()) and (p, h) not in ALLOWED])
    tap.rule("folders are entered by their doors",
             [f"{p}:{n}: {h} is a side door" for p, n, h in across
              if not is_door(h) and (p, h) not in ALLOWED])
    tap.rule("our headers are named with their folder",
             [f'{p}:{n}: write "{folder(p)}/{h}"' for p, n, h in bare])
    tap.rule("foreign libraries stay in their folders",
             [f"{p}:{n}: <{h}> belongs to {' '.join(where)}" for p, n, h in foreign
              for lib, where in LIBRARIES.items() if h.startswith(lib) and not p.startswith(where)])
    tap.rule("system headers stay in sys/, net/ and hsm/",
             [f"{p}:{n}: <{h}>" for p, n, h in foreign
              if h not in PURE and not p.startswith(SYSTEM_FOLDERS) and (p, h) not in SYSTEM_ALLOWED
              and not any(h.startswith(lib) for lib in LIBRARIES)])
    here = {(p, h) for p, _, h in ours} | {(p, h) for p, _, h in foreign}
    tap.rule("no exception outlives its use",
             [f"{p}: {h} is allowed but not included" for p, h in {**ALLOWED, **SYSTEM_ALLOWED}
              if (p, h) not in here])
    tap.rule("doors open with an essay", essays())
    tap.end()


def essays():
    """Of at least 20 lines; the toolboxes explain each header by itself."""
    for f in SEES:
        if f in TOOLBOXES | {"app", "cmd"}:  # app's doors are many; nobody enters cmd
            continue
        for door in DOORS.get(f, {f"{f}/{f}.h"}):
            path = os.path.join(tap.SRC, "src", door)
            if door.endswith("/write.h") or not os.path.exists(path):
                continue
            m = re.match(r"\s*/\*.*?\*/", csource.read(path), re.S)
            lines = m.group().count("\n") + 1 if m else 0
            if lines < 20:
                yield f"src/{door}: {lines} lines, 20 to 60 are wanted"


main()
