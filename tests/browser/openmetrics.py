"""A strict reader of OpenMetrics 1.0 text, as far as gauges, counters, infos go."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
SUFFIX = {"gauge": "", "counter": "_total", "info": "_info"}


def _labels(text):
    labels, at = {}, 0
    while text and at < len(text):
        m = LABEL.match(text, at)
        if m is None or m.group(1) in labels:
            raise ValueError(f"bad labels: {text}")
        labels[m.group(1)] = m.group(2)
        at = m.end()
    return labels


def parse(text):
    """{(sample name, ((label, value), ...)): number}; ValueError says what is wrong."""
    lines = text.split("\n")
    if lines[-2:] != ["# EOF", ""]:
        raise ValueError("does not end with # EOF")
    families, samples, family = {}, {}, None
    for line in lines[:-2]:
        if line.startswith("# "):
            _, what, name, rest = line.split(" ", 3)
            if what == "TYPE":
                if name in families or rest not in SUFFIX:
                    raise ValueError(f"a second or unknown TYPE: {line}")
                family = name
                families[name] = rest
            elif name != family or what not in ("UNIT", "HELP"):
                raise ValueError(f"metadata out of place: {line}")
            elif what == "UNIT" and not name.endswith("_" + rest):
                raise ValueError(f"unit is not in the name: {line}")
            continue
        m = SAMPLE.fullmatch(line)
        if m is None:
            raise ValueError(f"no sample: {line}")
        if m.group(1) != family + SUFFIX[families[family]]:
            raise ValueError(f"a sample outside its family: {line}")
        key = (m.group(1), tuple(sorted(_labels(m.group(2)).items())))
        if key in samples:
            raise ValueError(f"twice: {line}")
        samples[key] = float(m.group(3))
    return samples
