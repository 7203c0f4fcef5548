#!/usr/bin/env python3
"""Each option of mail.* says which act it performs on messages or their data (app/mail_privacy.def)."""

import os
import re

import tap

import csource

ACTS = {"PRIVACY_READ": "read-messages", "PRIVACY_REWRITE": "rewrite-headers", "PRIVACY_REJECT": "reject-mail",
        "PRIVACY_KEEP": "keep-data", "PRIVACY_REPORT": "make-reports", "PRIVACY_SEND": "send-to-third-parties"}
OPTION = re.compile(r'^X\(\w+, "(mail\.[^"]+)", (\w+),(.*?)N_\(((?:"(?:[^"\\]|\\.)*"\s*)+)\)\)', re.M | re.S)
ROW = re.compile(r'^P\("([^"]+)", ([A-Z_ |0]+), "([^"]*)",\s*(?:N_\(("(?:[^"\\]|\\.)*")\)|"")\)', re.M)


def text_of(name):
    return csource.read(os.path.join(tap.SRC, "src/app", name))


def main():
    options = {m[1]: (m[3], m[4]) for m in OPTION.finditer(text_of("conf.def")) if "[]" not in m[1]}
    table = text_of("mail_privacy.def")
    rows = [(m[1], m[2], m[3]) for m in ROW.finditer(table)]
    paths = [r[0] for r in rows]
    acts = {p: {ACTS.get(a.strip(), a.strip()) for a in a_.split("|")} - {"0"} for p, a_, _ in rows}

    tap.rule("there are options of mail.*", [] if options else ["none was found in app/conf.def"])
    tap.rule("each row of the table can be read",
             [] if len(rows) == len(re.findall(r"^P\(", table, re.M)) else ["a row has another form than the others"])
    tap.rule("each option has a row", [f"{p}: say in src/app/mail_privacy.def which act it performs"
                                       for p in options if p not in paths])
    tap.rule("each row has an option", [f"{p}: no such option" for p in paths if p not in options])
    tap.rule("no option has two rows", sorted({p for p in paths if paths.count(p) > 1}))
    tap.rule("rows stand in the order of the options",
             [] if [p for p in options if p in paths] == [p for p in paths if p in options] else ["they do not"])
    tap.rule("acts are known", [f"{p}: {a}" for p in acts for a in acts[p] if a not in ACTS.values()])
    tap.rule("an act that an option's help names is in its row",
             [f"{p}: {a}" for p, (_, text) in options.items() for a in re.findall(r"act: ([a-z-]+)", text)
              if a not in acts.get(p, set())])
    tap.rule("what switches an act on are the option's own words",
             [f"{p}: {w}" for p, _, when in rows if when not in ("", "*") and p in options
              for w in when.split() if not re.search(rf'"[^"]*\b{w}\b[^"]*"', options[p][0])])
    tap.end()


main()
