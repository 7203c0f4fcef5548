#!/usr/bin/env python3
"""www/ into one C file, so that the page is part of the program.

usage: embed.py WWW_DIR web_strings.def OUTPUT.c [DEPFILE]

Texts are named by key: {{key}} in HTML, t("key") or t(`key_${x}`) in
scripts. A key without a row, a row without a use, an inline script or style,
or a file of unknown type is an error: it would be found by a reader else.
"""
import hashlib
import pathlib
import re
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def die(text):
    sys.exit(f"embed.py: {text}")


def keys_of(defs):
    return re.findall(r"^S\((\w+),", defs, re.M)


def check(files, keys):
    used = set()
    for path, text in files.items():
        if path.suffix == ".html":
            found = re.findall(r"\{\{(\w+)\}\}", text)
            if re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", text):
                die(f"{path}: inline script or style (the CSP forbids it)")
        elif path.suffix == ".js":
            found = re.findall(r"""\bt\(["'](\w+)["']""", text)
            for head in re.findall(r"\b(?:t|known)\(`(\w+)\$\{", text):
                used.update(k for k in keys if k.startswith(head))
            if re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text):
                die(f"{path}: text would become markup; use textContent")
        else:
            continue
        for key in found:
            if key != "lang" and key not in keys:
                die(f"{path}: no text {key} in web_strings.def")
        used.update(found)
    unused = [k for k in keys if k not in used]
    if unused:
        die(f"web_strings.def: nobody uses {', '.join(unused)}")


def literal(data):
    """A C string literal, 60 bytes a line."""
    out = []
    for i in range(0, len(data), 60):
        out.append('\t"' + "".join(
            chr(c) if 32 <= c < 127 and c not in b'"\\?' else f"\\{c:03o}"
            for c in data[i:i + 60]) + '"')
    return "\n".join(out) or '\t""'


def main():
    www, defs, output = map(pathlib.Path, sys.argv[1:4])
    paths = sorted(p for p in www.iterdir() if p.suffix in TYPES)
    files = {p: p.read_text(encoding="utf-8") for p in paths}
    check(files, keys_of(defs.read_text(encoding="utf-8")))
    rows, bodies = [], []
    for n, (path, text) in enumerate(files.items()):
        data = text.encode()
        web = "/" if path.name == "index.html" else "/" + path.name
        etag = hashlib.sha256(data).hexdigest()[:20]
        bodies.append(f"static const char file{n}[] =\n{literal(data)};\n")
        rows.append(f'\t{{ "{web}", "{TYPES[path.suffix]}", "\\"{etag}\\"", '
                    f"{'true' if path.suffix == '.html' else 'false'}, "
                    f"{{ file{n}, sizeof(file{n}) - 1 }} }},\n")
    output.write_text(
        "/* Made by tools/embed.py from www/. */\n#include \"app/web_internal.h\"\n\n"
        + "\n".join(bodies) + "\nconst struct web_asset web_assets[] = {\n"
        + "".join(rows) + "};\nconst size_t web_n_assets = "
        + f"{len(rows)};\n", encoding="utf-8")
    if len(sys.argv) > 4:
        pathlib.Path(sys.argv[4]).write_text(
            f"{output.name}: " + " ".join(str(p) for p in paths) + "\n")


main()
