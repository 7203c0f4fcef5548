"""Reading gettext .po files: just what po/ja.po uses, strictly."""

import ast


class PoError(Exception):
    pass


def _string(text, where):
    text = text.strip()
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise PoError(f"{where}: expected a string in double quotes")
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError) as e:
        raise PoError(f"{where}: bad string: {e}") from None


def read(path):
    """[(msgid, msgstr, line number of the msgid)] without the header."""
    rows, cur, field, at = [], {}, None, 0

    def end():
        if not cur:
            return
        if "msgstr" not in cur:
            raise PoError(f"{path}:{at}: msgid without msgstr")
        if cur["msgid"] != "":
            rows.append((cur["msgid"], cur["msgstr"], at))

    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            where, line = f"{path}:{n}", line.strip()
            if line == "" or line.startswith("#"):
                continue
            if line.startswith("msgid "):
                end()
                cur, field, at = {"msgid": _string(line[6:], where)}, "msgid", n
            elif line.startswith("msgstr "):
                if field != "msgid":
                    raise PoError(f"{where}: msgstr without msgid")
                cur["msgstr"], field = _string(line[7:], where), "msgstr"
            elif line.startswith('"') and field:
                cur[field] += _string(line, where)
            else:
                raise PoError(f"{where}: neither msgid, msgstr, string nor comment")
    end()
    return rows


def duplicates(rows):
    """[(msgid, first line, second line, same text?)]"""
    seen, dup = {}, []
    for msgid, text, at in rows:
        if msgid in seen:
            first, text1 = seen[msgid]
            dup.append((msgid, first, at, text1 == text))
        else:
            seen[msgid] = (at, text)
    return dup
