#!/usr/bin/env python3
"""
The page of a `sekisho serve` that fetches a lab's servers: they stand in the
table, one breaks and heals, the metrics tell the same, points are drawn.
"""
import os
import sys
import tempfile
import traceback
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
for place in (HERE, os.path.join(HERE, "..", "cli"), os.path.join(HERE, "..", "lab")):
    sys.path.insert(0, place)
import openmetrics  # noqa: E402
import webdriver  # noqa: E402
from house import House, run, stop_all, wait_for  # noqa: E402
from labhouse import LabHouse  # noqa: E402

READY = "return document.body.dataset.ready === '1'"
AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"
KYOTO = "https://kyoto.example/rrdp/notification.xml"
WORLD = """steps 2
churn 400
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 AS64496-AS64511
	server ta.example
	ca edo {
		server edo.example
		resources 192.0.2.0/24 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64496 192.0.2.0/25 name edo-a
	}
	ca kyoto {
		server kyoto.example
		resources 198.51.100.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-v4
		roa AS64497 198.51.100.0/25 name kyoto-a
	}
}
"""
ORG = "organisation:\n  name: Lab\n  asns: [AS64496, AS64497]\n"
# rsync off, so that a broken RRDP server has nobody who stands in for it.
FETCH = """fetch:
  mode: on
  refresh: 10s
  timeout: 5s
  rsync: never
  ca-file: %s
  hosts: [%s]
"""


def true(ok, what):
    if not ok:
        raise AssertionError(what)


def world(folder):
    with open(os.path.join(folder, "w.lab"), "w") as f:
        f.write(WORLD)
    code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=folder)
    true(code == 0, err)


def house(folder, lab):
    hosts = ", ".join(f'"{h}"' for h in lab.hosts_option().split())
    h = House(folder, FETCH % (lab.ca, hosts), inputs="tree: []")
    h.write_conf(top=ORG)
    with open(h.conf) as f:
        text = f.read()
    with open(h.conf, "w") as f:
        f.write(text.replace("tals: house.tal", "tals: tals"))
    h.start()
    return h


def metrics(h):
    with urllib.request.urlopen(f"http://127.0.0.1:{h.ports[1]}/metrics", timeout=10) as res:
        return openmetrics.parse(res.read().decode())


def state(h, name):
    return metrics(h).get(("sekisho_fetch_servers", (("state", name),)))


# --- cases, in this order ---

def all_servers_work(b, h, lab):
    true(wait_for(lambda: state(h, "good") == 4, 40),
         f"three servers, one trust anchor: {h.proc.poll()}\n{h.log()}")
    true(wait_for(lambda: len(h.vrps()) == 4, 20), h.vrps())
    b.go(f"http://127.0.0.1:{h.ports[1]}/?lang=en")
    b.wait(READY)
    b.js(AGAIN)
    b.wait("return document.querySelectorAll('#servers tr[data-state]').length === 4 || "
           "document.querySelectorAll('#servers tbody tr').length === 4")
    true("working" in b.text("#servers") and "failing" not in b.text("#servers tbody"),
         b.text("#servers"))
    b.wait("return document.querySelectorAll('#plots svg').length === 6")


def a_broken_one_is_told(b, h, lab):
    lab.behave("kyoto.example not-found")
    true(wait_for(lambda: state(h, "failing") == 1, 40), h.log())
    b.js(AGAIN)
    b.wait("return /failing/.test(document.querySelector('#servers tbody tr').innerText)")
    row = b.text("#servers tbody tr")
    for word in (KYOTO, "FETCH_STATUS", "404"):
        true(word in row, f"{word} in {row}")
    m = metrics(h)
    true(m[("sekisho_fetch_server_failures", (("server", KYOTO),))] >= 1, "failures in a row")
    true(m[("sekisho_fetch_failures_total", (("code", "FETCH_STATUS"),))] >= 1, "by code")
    true(m[("sekisho_guard_held_payloads", ())] == 0, "its last data are used: nothing is lost")
    true(len(h.vrps()) == 4, "its VRPs stay")


def it_heals_and_changes_are_told(b, h, lab):
    lab.heal()
    lab.step(1)
    true(wait_for(lambda: state(h, "failing") == 0, 60), h.log())
    true(wait_for(lambda: metrics(h)[("sekisho_data_serial", ())] > 1, 30), h.log())
    b.js(AGAIN)
    b.wait("return !/failing/.test(document.querySelector('#servers tbody').innerText)")
    rows = "document.querySelectorAll('#history tbody tr').length"
    true(wait_for(lambda: b.js(f"{AGAIN}; return {rows}") > 0, 20, 0.5), b.text("#history"))
    true("AS6449" in b.text("#history"), b.text("#history"))


CASES = [all_servers_work, a_broken_one_is_told, it_heals_and_changes_are_told]


def main():
    why = webdriver.missing()
    print(f"1..{len(CASES)}")
    if why is not None:
        for n, case in enumerate(CASES, 1):
            print(f"ok {n} - {case.__name__} # SKIP {why}")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sekisho-page-") as folder:
        world(folder)
        try:
            with LabHouse(folder) as lab, webdriver.Browser("en") as b:
                h = house(folder, lab)
                for n, case in enumerate(CASES, 1):
                    try:
                        case(b, h, lab)
                        print(f"ok {n} - {case.__name__}", flush=True)
                    except Exception:
                        failed += 1
                        print(f"not ok {n} - {case.__name__}", flush=True)
                        for line in traceback.format_exc().splitlines():
                            print(f"# {line}")
        finally:
            stop_all()
    return 1 if failed else 0


sys.exit(main())
