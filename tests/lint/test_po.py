#!/usr/bin/env python3
"""Japanese is complete, fits the English, and uses the project's words."""

import os
import re
from collections import Counter

import tap

import csource
import po

PO = os.path.join(tap.SRC, "po", "ja.po")
FORMAT = re.compile(r"%(?:%|[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t)?[diouxXscp])")
# Forms that are not ours: use instead (from the project's glossary).
FORBIDDEN = {
    r"プリフィクス|プレフィクス|プレフィックス": "プリフィックス",
    r"バリデーター": "バリデータ",
    r"レポジトリ": "リポジトリ",
    r"マニフェスト・|トラスト・": "without the dot",
    r"SERV FAIL": "SERVFAIL",
    r"アナウンス": "広報",
    r"下さい": "ください",
    r"出来(る|ま|な)": "でき",
    r"である。|だ。": "です・ます",
    r"[０-９Ａ-Ｚａ-ｚ]": "Latin letters and digits are narrow",
    r"[\uff61-\uff9f]": "kana are wide",
    r"発行点|公開点": "公開ポイント",
    r"公開リポジトリ点": "公開ポイント",
    r"信頼アンカー|信頼点": "トラストアンカー",
    r"証明書廃棄リスト|失効一覧": "証明書失効リスト（CRL）",
    r"資源証明書": "リソース証明書",
    r"発信元AS|送信元AS": "起源AS",
    r"アラインメント": "アライメント",
    r"[!！]": "no exclamation",
}


def wanted():
    """{msgid: where it is first used}, {msgids that printf reads}"""
    out, formats = {}, set()
    for path in csource.sources(".c", ".h", ".def"):
        full = os.path.join(tap.SRC, path)
        for msgid, line in csource.marked(full):
            if path != "src/base/tr.h":
                out.setdefault(msgid, f"{path}:{line}")
                formats.add(msgid)
        text = csource.strip(csource.read(full), strings=False)
        for m in re.finditer(r'\bFA_[A-Z0-9]+\(\s*"([a-z0-9_]+)"', text):
            out.setdefault(m.group(1), f"{path}:{csource.line_of(text, m.start())} (argument)")
    for r in csource.all_findings():
        for c in csource.MSGID_COLUMNS:
            if re.search(r"[a-z]{3}", r[c]):
                out.setdefault(r[c], f"{os.path.relpath(r['file'], tap.SRC)}:{r['line']} ({c})")
    return out, formats


def optional():
    """Texts that may, but need not, have a translation: examples without words."""
    return {r[c] for r in csource.all_findings() for c in csource.MSGID_COLUMNS}


def www():
    """[(msgid, where)] of the page: see www_msgids() of the page's own lint, if any."""
    path = os.path.join(tap.SRC, "tools", "www_msgids.py")
    if not os.path.exists(path):
        return []
    import www_msgids
    return list(www_msgids.msgids(tap.SRC))


def places(s):
    return Counter(re.findall(r"\{([a-z0-9_]+)\}", s)).keys()


def short(s):
    return s if len(s) < 60 else s[:57] + "…"


def main():
    rows = po.read(PO)
    have = {msgid: (text, line) for msgid, text, line in rows}
    want, formats = wanted()
    for msgid, at in www():
        want.setdefault(msgid, at)

    tap.rule("every text has its Japanese",
             [f"{at}: {short(m)!r}" for m, at in want.items() if not have.get(m, ("",))[0]])
    tap.rule("no text is stale",
             [f"po/ja.po:{line}: {short(m)!r}" for m, (_, line) in have.items()
              if m not in want and m not in optional()])
    tap.rule("no text stands twice",
             [f"po/ja.po:{again}: {short(m)!r} is at line {first}"
              for m, first, again, _ in po.duplicates(rows)])
    tap.rule("{places} agree",
             [f"po/ja.po:{line}: {sorted(places(m))} {sorted(places(t))}"
              for m, (t, line) in have.items() if places(m) != places(t)])
    tap.rule("printf formats agree, in their order",
             [f"po/ja.po:{line}: {FORMAT.findall(m)} {FORMAT.findall(t)}"
              for m, (t, line) in have.items()
              if m in formats and FORMAT.findall(m) != FORMAT.findall(t)])
    tap.rule("line ends agree",
             [f"po/ja.po:{line}" for m, (t, line) in have.items()
              if m.endswith("\n") != t.endswith("\n")])
    tap.rule("the words are the glossary's",
             [f"po/ja.po:{line}: {m.group()}: {instead}" for _, (t, line) in have.items()
              for rx, instead in FORBIDDEN.items() for m in [re.search(rx, t)] if m])
    tap.rule("READMEs use them, too",
             [f"README.ja.md:{n}: {m.group()}: {instead}"
              for n, ln in enumerate(ja_readme().splitlines(), 1)
              for rx, instead in FORBIDDEN.items() if "exclamation" not in instead
              for m in [re.search(rx, ln)] if m])
    tap.end()


def ja_readme():
    path = os.path.join(tap.SRC, "README.ja.md")
    return csource.read(path) if os.path.exists(path) else ""


main()
