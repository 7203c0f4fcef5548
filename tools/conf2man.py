#!/usr/bin/env python3
"""conf2man.py CONF.DEF POLICY.DEF OUT: sekisho.conf(5) from the rows of app/conf.def,
and the defaults of policies from dnssec/policy.def."""

import re
import sys

import csource

TYPES = {
    "STR": "text", "U32": "a number", "SECONDS": "a time span", "WORD": "a word",
    "PATH": "a path", "ADDR": "an address and a port", "ASN": "an AS number",
    "PREFIX": "a prefix", "NAME": "a domain name",
    "TIME": "a date or a time", "TABLE": "an entry with the keys below",
}
SECTIONS = {
    "organisation": "Who we are. What is ours is marked in every answer.",
    "": "",
    "rpki": "What is validated, and when.",
    "fetch": "How repositories are fetched. See sekisho-fetch(8).",
    "history": "The record of what changed. See sekisho-rpki-history(1).",
    "alarm": "What the operator is told. See sekisho-rpki-history(1).",
    "rtr": "The service for routers.",
    "dns": "Zones that are signed. See sekisho-zone(1).",
    "mail": "The mail filter (milter) for Postfix and Sendmail. See sekisho-serve(8).",
    "web": "The page, the API and the metrics.",
    "log": "The three logs: this machine, other people's objects, and what was switched off or published.",
}
HEAD = """.\\" Made by tools/conf2man.py from src/app/conf.def.
.Dd November 21, 2026
.Dt SEKISHO.CONF 5
.Os
.Sh NAME
.Nm sekisho.conf
.Nd configuration of Sekisho
.Sh DESCRIPTION
.Nm
is YAML: sections, and options in them.
Reading is strict: an unknown key, a wrong type, a key given twice, a value
out of range, a tag, an anchor or an alias is refused with its line and
column, and with what was expected.
A list may be written as a single value.
Paths are relative to the file's folder.
A date means the end of that day in UTC, so that
.Dq until the 31st
includes the 31st.
A time span is a number of seconds, or a number with
.Ql s ,
.Ql m ,
.Ql h
or
.Ql d .
An address and a port are written as
.Ql 192.0.2.1:323
or
.Ql \\&[2001:db8::1]:323 .
.Pp
.Ql sekisho conf check
reads the file and says what is wrong;
.Ql sekisho conf show
prints every option with its value and where it comes from.
After a change,
.Ql sekisho reload
or SIGHUP makes the running service read it; on any error the old
configuration stays.
"""
TAIL = """.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/sekisho/sekisho.conf
The default, unless
.Fl c
names another.
.El
.Sh EXAMPLES
.Bd -literal -offset indent
organisation:
  name: Example Network
  roles: [isp]
  asns: [AS64500]
  prefixes: [192.0.2.0/24, 2001:db8::/32]
rpki:
  tals: /etc/sekisho/tals
  tree: /var/cache/rpki-client
rtr:
  listen: [127.0.0.1:8282, "[::1]:8282"]
.Ed
.Pp
Zones to sign, one from a file and one from a name server:
.Bd -literal -offset indent
dns:
  listen: 192.0.2.53
  tsig-keys: /etc/sekisho/tsig.keys
  zones:
    - {name: example.jp, file: /etc/zones/example.jp,
       output: /var/lib/nsd/example.jp.signed, policy: mine}
    - name: example.net
      primaries: 192.0.2.1 key xfr.example
      allow-transfer: key xfr.example
      policy: mine
  policies:
    - {name: mine, keys: split, ds-handover: person}
.Ed
.Sh SEE ALSO
.Xr sekisho 1 ,
.Xr sekisho-rpki-history 1 ,
.Xr sekisho-zone 1 ,
.Xr sekisho-zone-status 1 ,
.Xr sekisho-fetch 8 ,
.Xr sekisho-serve 8 ,
.Xr sekisho-zone-serve 8
"""


def rows(path):
    text = csource.strip(csource.read(path), strings=False)
    rx = re.compile(r'X\(\s*\w+,\s*"([][\w.-]+)",\s*(\w+),\s*(true|false),\s*(\d+),\s*(\d+),\s*'
                    r'(NULL|' + csource.LITERALS + r'),\s*(NULL|' + csource.LITERALS + r'),\s*'
                    r'N_\(\s*' + csource.LITERALS + r'\)\)')
    out = [dict(path=m[1], type=m[2], list=m[3] == "true", min=int(m[4]), max=int(m[5]),
                words=m[7] and csource.unquote(m[7]), default=m[9] and csource.unquote(m[9]),
                help=csource.unquote(m[10])) for m in rx.finditer(text)]
    if len(out) != len(re.findall(r"^X\(", text, re.M)):
        raise ValueError(f"{path}: a row that conf2man.py does not understand")
    return out


def span(sec):
    for n, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if sec >= n and sec % n == 0:
            return f"{sec // n}{unit}"
    return str(sec)


def policy_defaults(path):
    """{"dns.policies[].validity": "14d"}: a word's default is a constant, its place in the words that of
    the constant in its enum of keystate.h."""
    text = csource.strip(csource.read(path), strings=False)
    header = csource.strip(csource.read(path.replace("policy.def", "keystate.h")), strings=False)
    units = {"P_MIN": 60, "P_HOUR": 3600, "P_DAY": 86400, "P_YEAR": 365 * 86400}
    out = {}
    for name, kind, words, value in re.findall(
            r'^P\((\w+), (\w+), [^,]+, [^,]+, (NULL|"[^"]*"), ([^,]+),', text, re.M):
        path = "dns.policies[]." + name.replace("_", "-")
        if kind == "WORD":
            enum = next(e for e in re.findall(r"enum \{([^}]*)\}", header) if value in re.split(r"[\s,]+", e))
            out[path] = words.strip('"').split()[[c for c in re.split(r"[\s,]+", enum) if c].index(value)]
            continue
        n = 1
        for factor in value.split("*"):
            n *= units.get(factor.strip()) or int(factor)
        out[path] = ("no", "yes")[n] if kind == "BOOL" else span(n) if kind == "SECONDS" and n else str(n)
    if len(out) != len(re.findall(r"^P\(", text, re.M)):
        raise ValueError(f"{path}: a row that conf2man.py does not understand")
    return out


def escape(s):
    return s.replace("\\", "\\e").replace("'", "\\(aq")


def entry(r):
    yield f".It Cm {r['path']}"
    kind = TYPES[r["type"]]
    if r["type"] == "WORD":
        kind = "one of " + ", ".join(r["words"].split())
    elif r["max"]:
        as_said = span if r["type"] == "SECONDS" else str
        kind += f" from {as_said(r['min'])} to {as_said(r['max'])}"
        if r["words"]:
            kind += ", or its name: " + ", ".join(w.replace("=", " is ") for w in r["words"].split())
    if r["list"]:
        kind = "a list; each is " + kind
    yield escape(r["help"][:1].upper() + r["help"][1:].rstrip(".")).replace(". ", ".\n") + "."
    yield f"({escape(kind[:1].upper() + kind[1:])}" + \
        (f"; default {escape(r['default'])}" if r["default"] else "") + ".)"


def page(path, policies):
    defaults = policy_defaults(policies)
    yield HEAD.rstrip("\n")
    last = None
    for r in rows(path):
        section = r["path"].split(".")[0] if "." in r["path"] else ""
        if section != last:
            if last is not None:
                yield ".El"
            # Below DESCRIPTION: as sections, HISTORY has a meaning and a place of its own.
            yield f".Ss {section or 'general'}"
            if SECTIONS.get(section):
                yield escape(SECTIONS[section]).replace(". ", ".\n")
            yield ".Bl -tag -width Ds"
            last = section
        r["default"] = r["default"] or defaults.get(r["path"])
        yield from entry(r)
    yield ".El"
    yield TAIL.rstrip("\n")


def main(src, policies, out):
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(page(src, policies)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
