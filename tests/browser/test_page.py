#!/usr/bin/env python3
"""The page in headless Chromium, on the known data of web_fixture."""

import os
import re
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import webdriver
from webdriver import BACKSPACE, ENTER, SPACE, TAB

HERE = os.path.dirname(os.path.abspath(__file__))
READY = "return document.body.dataset.ready === '1'"
INVALID = "192.0.2.0/24 AS64511"
HOSTILE = "<img src=x onerror=alert(1)>"


class Fixture:
    def __init__(self, *args):
        exe = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
            os.environ["SEKISHO_BUILD"], "tests", "browser", "web_fixture")
        self.process = subprocess.Popen([exe, os.path.join(HERE, "fixture"), *args],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(20) != 0:
            raise AssertionError(f"web_fixture ended with {self.process.returncode}")

    def world(self, letter):
        """Change what web_fixture serves; see there."""
        self.process.stdin.write(letter.encode())
        self.process.stdin.flush()
        equal(self.process.stdout.readline().decode().strip(), letter)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, expected {want!r}")


def true(ok, what):
    if not ok:
        raise AssertionError(what)


# --- cases; each gets the browser and the server, in this order ---

def loads_in_english(b, s):
    b.go(s.url)
    b.wait(READY)
    equal(b.js("return document.documentElement.lang"), "en")
    true("fresh" in b.text("#health"), b.text("#health"))
    equal(b.js("return [...document.querySelectorAll('#tiles dd')].map(e => e.innerText)"),
          ["4", "2", "1", "1", "5", "2", "3"], "tiles")
    equal(b.text("#org"), "Example Net K.K.")


def shows_trust_anchors_and_objects(b, s):
    rows = b.js("return [...document.querySelectorAll('#tas tbody tr')].map(e => "
                "[...e.children].map(c => c.innerText))")
    equal(rows[0], ["alpha", "41", "3", "2", "1"])
    true("silent" in rows[2][0] and rows[2][0] != "silent", "an empty trust anchor is marked")
    equal(b.js("return document.querySelectorAll('#objects tbody tr').length"), 6)


def shows_routers(b, s):
    rows = b.js("return [...document.querySelectorAll('#routers tbody tr')].map(e => "
                "e.innerText)")
    equal(len(rows), 3)
    true("current" in rows[0] and "2 behind" in rows[1], rows)
    true("TLS" in rows[0] and "TLS" not in rows[1], rows)


def findings_are_worst_first(b, s):
    codes = b.js("return [...document.querySelectorAll('#findings h3 code')]"
                 ".map(e => e.textContent)")
    equal(codes[:2], ["RPKI_MFT_STALE", "RPKI_HASH_MISMATCH"])
    equal(len(codes), 6, "one group a code")
    chips = b.js("return [...document.querySelectorAll('#filters .count')]"
                 ".map(e => e.textContent)")
    equal(chips, ["12,034", "3", "12,030", "1"], "exact counts")
    true("12,015" in b.text("#findings"), "the count of a code")


def finding_opens_by_keyboard(b, s):
    b.js("document.querySelector('#findings summary').focus()")
    equal(b.js("return document.querySelector('#findings details').open"), False)
    b.keys(ENTER)
    b.wait("return document.querySelector('#findings details').open")
    text = b.text("#findings details .more")
    true("RFC 9286" in text and "sekisho explain RPKI_MFT_STALE" in text, text)


def filter_by_keyboard_keeps_focus(b, s):
    b.js("document.querySelectorAll('#filters button')[2].focus()")
    b.keys(SPACE)
    b.wait("return document.querySelectorAll('#findings h3').length === 2")
    equal(b.js("return document.activeElement.getAttribute('aria-pressed')"), "true")
    b.js("document.querySelectorAll('#filters button')[0].click()")
    b.wait("return document.querySelectorAll('#findings h3').length === 6")


# --- over time, the guard, servers ---

POINTS = "return [...document.querySelectorAll('#plots svg')].map(e => Number(e.dataset.points))"
HISTORY = 360           # points of the store, five minutes each
OWN = (1, 2)            # the server's own, and this moment if it is another


def look_again(b, s, letter):
    s.world(letter)
    b.js("document.dispatchEvent(new Event('visibilitychange'))")


def plots_have_all_points(b, s):
    day = b.js(POINTS)
    equal(len(day), 6, "plots")
    true(288 <= day[0] <= 291, day)         # of the last 24 hours
    true(day[4] in OWN and day[5] in OWN, f"ages and servers are known since the start: {day}")
    b.js("document.querySelectorAll('#periods button')[2].click()")
    true(b.js(POINTS)[0] - HISTORY in OWN, "all of them")
    equal(b.js("return document.querySelectorAll('#periods [aria-pressed=true]').length"), 1)


def plots_are_told_in_words(b, s):
    says = b.js("return [...document.querySelectorAll('#plots svg')]"
                ".map(e => e.getAttribute('aria-label'))")
    true("now 4;" in says[0] and "between 4 and 512,342" in says[0], says[0])
    equal(b.js("return document.querySelectorAll('#plots-table tbody tr').length"), 24)
    equal(b.js("""
        const out = [];
        for (const svg of document.querySelectorAll('#plots svg')) {
            const boxes = [...svg.querySelectorAll('text')].map((e) => e.getBoundingClientRect());
            const whole = svg.getBoundingClientRect();
            boxes.forEach((a, i) => {
                if (a.left < whole.left - 1 || a.right > whole.right + 1 || a.bottom > whole.bottom + 1)
                    out.push('outside');
                if (boxes.some((o, k) => k > i && a.left < o.right && o.left < a.right &&
                        a.top + 2 < o.bottom && o.top + 2 < a.bottom))
                    out.push('overlap');
            });
            if (boxes.length < 4) out.push('few labels');
        }
        return out;"""), [], "labels")


def plot_follows_the_data(b, s):
    before = HISTORY + 1
    b.js("window.path = document.querySelector('#plots path.line').getAttribute('d')")
    time.sleep(1.1)         # a point stands for a second
    look_again(b, s, "b")
    b.wait("return document.querySelector('#plots .now').textContent === '512,345'")
    true(b.js(POINTS)[0] > before, "a point more")
    equal(b.js("return window.path === document.querySelector('#plots path.line')"
               ".getAttribute('d')"), False, "the line is another")
    b.wait("return document.querySelector('#tiles dd').innerText === '512,345'")      # they come after the plots
    look_again(b, s, "f")
    b.wait("return document.querySelector('#tiles dd').innerText === '4'")


def guard_shows_and_hides(b, s):
    shown = "document.getElementById('guard').checkVisibility()"
    equal(b.js("return " + shown), False)
    look_again(b, s, "g")
    b.wait("return " + shown)
    text = b.text("#guard")
    for word in ("1,234", "in 5 hours", "sekisho rpki release 9f86d081"):
        true(word in text, f"{word} in {text}")
    b.js("document.querySelector('#guard button').click()")
    b.wait("return document.querySelectorAll('#filters button')[1]"
           ".getAttribute('aria-pressed') === 'true'")
    b.js("document.querySelectorAll('#filters button')[0].click()")
    look_again(b, s, "f")
    b.wait("return !" + shown)


def servers_are_worst_first(b, s):
    equal(b.js("return [...document.querySelectorAll('#servers tbody th .name')]"
               ".map(e => e.textContent)"),
          ["https://rrdp.example.org/notification.xml", "rsync://silent.example.com/repo/",
           "https://rpki.example.net/ta/alpha.cer", "https://rrdp.example.net/notification.xml"])
    equal(b.js("return [...document.querySelectorAll('#servers-states .count')]"
               ".map(e => e.textContent)"), ["4", "1", "1", "2"])
    rows = b.js("return [...document.querySelectorAll('#servers tbody tr')].map(e => e.innerText)")
    for word in ("FETCH_STATUS", "RFC 9110", "503", "60 minutes", "attempts: 6", "67 minutes",
                 "in 30 minutes"):
        true(word in rows[0], f"{word} in {rows[0]}")
    true("FETCH_DNS" in rows[1] and "<img src=x>" in rows[1], rows[1])
    true("1.2 MB" in rows[3] and "FETCH_CONNECT_TIME" in rows[3], rows[3])


def servers_are_filtered(b, s):
    b.js("document.querySelectorAll('#servers-states button')[1].click()")
    b.wait("return document.querySelectorAll('#servers tbody tr').length === 1")
    b.js("document.querySelectorAll('#servers-states button')[0].click()")
    b.js("document.getElementById('servers-q').focus()")
    b.keys("Silent")
    b.wait("return document.querySelectorAll('#servers tbody tr').length === 1")
    true("silent" in b.text("#servers"), b.text("#servers"))
    b.keys("xx")
    b.wait("return document.querySelectorAll('#servers tbody tr').length === 0")
    true(b.text("#servers-note") != "", "an empty list says so")
    b.keys(BACKSPACE * 8)
    b.wait("return document.querySelectorAll('#servers tbody tr').length === 4")


def changes_of_ours_have_causes(b, s):
    rows = b.js("return [...document.querySelectorAll('#history tbody tr')].map(e => e.innerText)")
    equal(len(rows), 10, "the newest ones")
    for word in ("192.0.2.0/24 AS64496", "went", "failure", "RPKI_MFT_STALE", "<b>isp</b>"):
        true(word in rows[0], f"{word} in {rows[0]}")
    true("AS64500 → AS64500, AS64501" in rows[3], rows[3])
    b.js("document.querySelector('#history > button').click()")
    equal(b.js("return document.querySelectorAll('#history tbody tr').length"), 29,
          "what is a stranger's is not told")


def explains_by_keyboard(b, s):
    b.js("document.activeElement.blur(); document.getElementById('q').focus()")
    b.keys(INVALID + ENTER)
    b.wait("return !document.getElementById('answer').hidden")
    answer = b.text("#answer")
    true("Invalid" in b.text("#answer-title"), answer)
    equal(b.js("return document.activeElement.id"), "answer-title", "focus")
    for word in ("RPKI_MFT_STALE", "RFC 9286", "b.roa", "ours", "Next step",
                 "asserted", "rpki.exceptions[0]", "the ROA was deleted"):
        true(word in answer, f"{word} in {answer}")
    equal(b.js("return document.querySelectorAll('#answer .chain > li').length"), 4)
    equal(b.js("return decodeURIComponent(location.hash)"), "#" + INVALID)
    b.keys(TAB)
    equal(b.js("return document.activeElement.tagName"), "BUTTON", "the next stop")


def answer_has_a_link(b, s):
    b.go(s.url + "?lang=en#AS64496")
    b.go(s.url + "?lang=en#192.0.2.0%2F24%20AS64496")
    b.wait("return /Valid:/.test(document.getElementById('answer').innerText)")


def hostile_text_stays_text(b, s):
    b.js("document.getElementById('q').value = ''; document.getElementById('q').focus()")
    b.keys(HOSTILE + ENTER)
    b.wait("return /bold/.test(document.getElementById('answer').innerText)")
    true("<script>alert(2)</script>" in b.text("#answer"), b.text("#answer"))
    equal(b.js("return document.querySelectorAll('main script, main img, #answer i, #answer u, "
               "#answer a').length"), 0)
    true("<script>alert(1)</script>.roa" in b.text("#findings"), "subject of a finding")
    equal(b.js("return document.body.innerText.includes('\\u202e')"), False, "bidi override")


def console_is_silent(b, s):
    equal([e["message"] for e in b.log() if e["level"] != "DEBUG"], [])


def csp_is_in_force(b, s):
    """The page's own wall: what an injected text would try is refused."""
    equal(b.js("""
        window.refused = [];
        document.addEventListener('securitypolicyviolation',
            (e) => window.refused.push(e.effectiveDirective));
        try { document.body.innerHTML = '<b>x</b>'; return 'markup was taken'; } catch { }
        const s = document.createElement('script');
        try { s.text = 'window.ran = 1'; document.head.append(s); } catch { }
        document.body.setAttribute('style', 'color: red');
        new Image().src = 'http://127.0.0.1:9/x.png';
        return typeof window.ran;"""), "undefined")
    b.wait("return ['require-trusted-types-for', 'style-src-attr', 'img-src']"
           ".every((d) => window.refused.includes(d))")
    b.log()


def errors_are_told(b, s):
    b.js("document.getElementById('q').value = 'rubbish';"
         "document.getElementById('ask').requestSubmit()")
    b.wait("return document.getElementById('asking').classList.contains('failed')")
    true("this is no subject" in b.text("#asking"), b.text("#asking"))
    equal(b.js("return document.getElementById('answer').hidden"), True)


A11Y = r"""
const bad = [];
const name = (e) => (e.innerText || e.getAttribute('aria-label') || '').trim();
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
if (new Set(ids).size !== ids.length) bad.push('ids are not unique');
if (!document.documentElement.lang) bad.push('no lang');
if (!document.title) bad.push('no title');
if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
if (document.querySelectorAll('main').length !== 1) bad.push('not one main');
for (const e of document.querySelectorAll('input'))
	if (e.labels.length === 0) bad.push(`input ${e.id} has no label`);
for (const e of document.querySelectorAll('button, a, summary'))
	if (e.checkVisibility() && !name(e)) bad.push(`${e.outerHTML.slice(0, 60)} has no name`);
for (const e of document.querySelectorAll('img'))
	if (!e.hasAttribute('alt')) bad.push('img without alt');
for (const e of document.querySelectorAll('[aria-labelledby]'))
	if (!document.getElementById(e.getAttribute('aria-labelledby')) && !e.hidden)
		bad.push(`${e.id} is labelled by nothing`);
if (document.querySelector('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])'))
	bad.push('positive tabindex');
let level = 1;
for (const e of document.querySelectorAll('h1, h2, h3, h4')) {
	const l = Number(e.tagName[1]);
	if (l > level + 1) bad.push(`heading ${e.innerText} skips a level`);
	level = l;
}
for (const e of document.querySelectorAll('th'))
	if (!e.scope) bad.push('th without scope');
return bad;
"""

CONTRAST = r"""
const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
const lum = ([r, g, b]) => { const f = (v) => { v /= 255;
	return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
	return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
const back = (e) => { for (; e; e = e.parentElement) {
	const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
	return [255, 255, 255, 1]; };
const low = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
	const e = walk.currentNode.parentElement;
	if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest('.skip, noscript, .unseen'))
		continue;
	const style = getComputedStyle(e), bg = back(e), fg = parse(style.color);
	let alpha = fg[3];
	for (let p = e; p; p = p.parentElement) alpha *= Number(getComputedStyle(p).opacity);
	const mixed = fg.slice(0, 3).map((v, i) => v * alpha + bg[i] * (1 - alpha));
	const [a, b] = [lum(mixed), lum(bg)].sort((x, y) => y - x);
	const ratio = (a + 0.05) / (b + 0.05);
	if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${walk.currentNode.data.trim().slice(0, 30)}`);
}
return [...new Set(low)];
"""


def is_accessible(b, s):
    b.go(s.url + "?lang=en#" + "192.0.2.0%2F24%20AS64511")
    b.wait(READY)
    b.wait("return !document.getElementById('answer').hidden")
    b.js("for (const d of document.querySelectorAll('details')) d.open = true")
    equal(b.js(A11Y), [])


def contrast_is_enough(b, s):
    for scheme in ("light", "dark"):
        b.cdp("Emulation.setEmulatedMedia",
              features=[{"name": "prefers-color-scheme", "value": scheme}])
        equal(b.js(CONTRAST), [], scheme)
    b.cdp("Emulation.setEmulatedMedia", features=[])


def fits_a_phone(b, s):
    b.cdp("Emulation.setDeviceMetricsOverride", width=360, height=740,
          deviceScaleFactor=2, mobile=True)
    b.wait("return innerWidth === 360")
    equal(b.js("return document.scrollingElement.scrollWidth"), 360, "no sideways scrolling")
    b.cdp("Emulation.clearDeviceMetricsOverride")


def switches_language_and_remembers(b, s):
    b.go(s.url + "?lang=en")
    b.wait(READY)
    b.click(".langs a[lang=ja]")
    b.wait("return document.documentElement.lang === 'ja' && document.body.dataset.ready === '1'")
    b.go(s.url)
    b.wait("return document.documentElement.lang === 'ja' && document.body.dataset.ready === '1'")


def explains_in_japanese(b, s):
    b.js("document.getElementById('q').focus()")
    b.keys(INVALID + ENTER)
    b.wait("return !document.getElementById('answer').hidden")
    answer = b.text("#answer")
    for word in ("マニフェスト", "トラストアンカー", "自組織", "次の手順", "追加"):
        true(word in answer, f"{word} in {answer}")


def nothing_english_is_left(b, s):
    left = b.js("""
        const out = [];
        for (const e of document.querySelectorAll('h2, h3:not(.code), thead th, label, button, dt'))
            if (e.checkVisibility() && !/[\\u3040-\\u30ff\\u4e00-\\u9fff]/.test(e.innerText) &&
                /[a-z]{3}/.test(e.innerText) && !e.classList.contains('chip') && !e.classList.contains('name'))
                out.push(e.innerText);
        return out;""")
    equal(left, [])


def tells_when_the_server_is_gone(b, s):
    s.close()
    b.js("document.dispatchEvent(new Event('visibilitychange'))")
    b.wait("return document.getElementById('health').classList.contains('bad')")
    s.__init__()        # the runner closes it again


def accept_language_is_heard(b, s):
    b.go(s.url)
    b.wait(READY)
    equal(b.js("return document.documentElement.lang"), "ja")
    true("トラストアンカー" in b.text("#tas-title"), b.text("#tas-title"))
    true("マニフェスト" in b.text("#findings"), "a finding's text")


def a_crowd_stays_bounded(b, s):
    """723,000 VRPs and 4000 failing servers: the page is there at once."""
    s.world("m")
    s.world("b")
    b.go(s.url + "?lang=en")
    b.wait(READY)
    equal(b.js("return document.querySelectorAll('#servers tbody tr').length"), 200)
    true("200" in b.text("#servers-note") and "4,004" in b.text("#servers-note"),
         b.text("#servers-note"))
    true(b.js("return document.querySelector('#servers tbody th').innerText")
         .startswith("https://rrdp.example.org"), "the crowd does not hide what has data of ours")
    equal(b.js("return performance.getEntriesByType('resource').reduce((n, e) => "
               "n + e.decodedBodySize, 0) < 1000000"), True, "below a megabyte in all")


def speaks_japanese_of_it(b, s):
    for where, word in (("#servers", "試行6回"), ("#servers", "次の手順"), ("#plots", "データの経過時間"),
                        ("#history", "障害のために"), ("#plots-note", "UTC")):
        true(word in b.text(where), f"{word} in {b.text(where)}")


# --- zones ---

ZONE_OPEN = "return document.querySelector('#zone-chart svg') !== null"


def zone_open(b, name):
    b.js("[...document.querySelectorAll('#zones [data-zone]')].find(e => e.dataset.zone === arguments[0]).click()", name)
    b.wait("return document.getElementById('zone-title')?.innerText.startsWith(arguments[0])", name)


def no_zones_no_word(b, s):
    b.go(s.url + "?lang=en")
    b.wait(READY)
    equal(b.js("return ['zones-part', 'zones-health', 'no-routes', 'mail-part', 'mail-health'].filter(i => "
               "document.getElementById(i).checkVisibility())"), [], "nothing of zones and mail")
    equal(b.text("#area"), "Routes")
    equal(b.js("return document.querySelectorAll('main h2').length - "
               "[...document.querySelectorAll('main h2')].filter(e => e.checkVisibility()).length"), 3, "token, zones, mail")


def zones_need_you_first(b, s):
    look_again(b, s, "z")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 5")
    equal(b.js("return [...document.querySelectorAll('#zones tbody th')].map(e => e.innerText)"),
          ["late.example.", "kept.example.", "example.jp.", "new.example.", "good.example."])
    rows = b.js("return [...document.querySelectorAll('#zones tbody tr')].map(e => e.innerText)")
    for row, words in ((0, ("signatures have ended", "20")), (1, ("the zone file has errors", "3 hours", "nobody here asked for")),
                       (2, ("17", "in 9 hours", "in 6 days", "in 5 hours", "DS set at the registrar")),
                       (3, ("Back the key up", "backed up first")), (4, ("all is well", "nothing"))):
        for word in words:
            true(word.lower() in rows[row].lower(), f"{word} in {rows[row]}")
    true(b.js("return document.getElementById('zones-health').checkVisibility()"), "it is said at the top")
    true("4 of 5" in b.text("#zones-health") and "fresh" in b.text("#health"), b.text("#zones-health"))
    equal(b.text("#area"), "Routes and names")


def zone_opens_by_keyboard(b, s):
    b.js("document.querySelector('#zones [data-zone=\"example.jp.\"]').focus()")
    b.keys(ENTER)
    b.wait(ZONE_OPEN)
    equal(b.js("return document.activeElement.id"), "zone-title", "focus")
    text = b.text("#zone")
    for word in ("example.jp. IN DS 54321 13 2 AAAA", "example.jp. IN DS 12345 13 2 BBBB", "DNSKEY 257 3 13",
                 "in 20 days", "without a date", "Kexample.jp.+013+54321", "leaving", "not backed up", "may be deleted"):
        true(word.lower() in text.lower(), f"{word} in {text}")
    equal(b.js("return [...document.querySelectorAll('#zone table.keys tbody tr')].map(e => "
               "e.children[4].innerText.split('\\n').filter(x => x)[0])"), ["leaving", "coming", "–"], "DS by key")
    b.keys(TAB)
    equal(b.js("return document.activeElement.innerText"), "Copy", "the next stop")


def what_to_enter_is_copied(b, s):
    b.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    b.js("document.querySelectorAll('#zone .copy button')[2].click()")
    b.wait("return document.querySelectorAll('#zone .copy')[2].querySelector('[role=status]').innerText !== ''")
    told = b.js("return document.querySelectorAll('#zone .copy')[2].querySelector('[role=status]').innerText")
    if told == "Copied.":
        equal(b.call("POST", "/execute/async", {"script": "navigator.clipboard.readText().then(arguments[0])", "args": []}),
              "example.jp. IN DS 54321 13 2 " + "A" * 64)
    else:               # not offered: it is marked instead
        true(b.js("return getSelection().toString()").startswith("example.jp. IN DS 54321"), told)


def keys_are_drawn(b, s):
    equal(b.js("return Number(document.querySelector('#zone-chart svg').dataset.rows)"), 11, "three keys, their records")
    says = b.js("return document.querySelector('#zone-chart svg').getAttribute('aria-label')")
    true("example.jp." in says and "UTC" in says, says)
    equal(b.js("return ['full', 'part', 'plan'].map(c => document.querySelectorAll(`#zone-chart div > svg .${c}`).length)"),
          [6, 2, 5], "everywhere, on its way, planned")
    equal(b.js("""
        const svg = document.querySelector('#zone-chart svg').getBoundingClientRect();
        return [...document.querySelectorAll('#zone-chart div > svg > text, #zone-chart div > svg > rect')]
            .map(e => e.getBoundingClientRect())
            .filter(r => r.left < svg.left - 1 || r.right > svg.right + 1 || r.bottom > svg.bottom + 1).length;"""), 0,
          "nothing sticks out")


def zone_stays_open(b, s):
    """News that change nothing leave what the reader looks at alone."""
    b.js("window.node = document.querySelector('#zone table.keys')")
    for _n in range(2):
        b.js("document.dispatchEvent(new Event('visibilitychange'))")
        time.sleep(0.2)
    equal(b.js("return document.getElementById('zone').hidden"), False)
    b.js("document.querySelector('#zone .close').click()")
    b.wait("return document.getElementById('zone').hidden")
    equal(b.js("return document.activeElement.dataset.zone"), "example.jp.", "the focus goes back")


def zones_are_filtered(b, s):
    look_again(b, s, "Z")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 100")
    true("1,000" in b.text("#zones-note"), b.text("#zones-note"))
    b.js("document.getElementById('zones-q').focus()")
    b.keys("-0777")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 1")
    b.keys("x")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 0")
    true(b.text("#zones-note") != "", "an empty list says so")
    b.keys(BACKSPACE * 6)
    look_again(b, s, "z")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 5")


def odd_zones_stay_text(b, s):
    look_again(b, s, "o")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 1")
    zone_open(b, "odd.example.")
    text = b.text("#zone")
    true("<img src=x onerror=alert(1)>" in text and "<i>ds</i>" in text, text)
    equal(b.js("return document.querySelectorAll('#zones-part img, #zones-part script, #zones-part i').length"), 0)
    look_again(b, s, "z")
    b.wait("return document.querySelectorAll('#zones tbody tr').length === 5 && document.getElementById('zone').hidden")
    b.log()             # the zone that is gone was asked for: 404


def zones_are_accessible(b, s):
    zone_open(b, "example.jp.")
    b.js("for (const d of document.querySelectorAll('details')) d.open = true")
    equal(b.js(A11Y), [])
    contrast_is_enough(b, s)
    fits_a_phone(b, s)
    for zone, command in (("kept.example.", "sekisho zone roll --accept-ds kept.example."),
                          ("new.example.", "sekisho zone keys new.example. --backed-up")):
        zone_open(b, zone)
        true(command in b.text("#zone"), b.text("#zone"))


def zones_in_japanese(b, s):
    b.go(s.url + "?lang=ja")
    b.wait(READY)
    zone_open(b, "example.jp.")
    text = b.text("#zones-part")
    for word in ("必要な対応", "レジストラ", "親ゾーン", "次の手順", "消える途中", "ゾーンファイルに誤りがあります"):
        true(word in text, f"{word} in {text}")
    nothing_english_is_left(b, s)


def names_alone(b, s):
    """Who signs zones and has no routes sees zones and no empty boxes."""
    s.world("n")
    b.go(s.url + "?lang=en")
    b.wait(READY)
    equal(b.js("return [...document.querySelectorAll('main h2')].filter(e => e.checkVisibility()).map(e => e.innerText)"),
          ["Zones, what needs you first"])
    equal(b.js("return document.getElementById('health').checkVisibility()"), False)
    true("4 of 5" in b.text("#zones-health") and "ended" in b.text("#zones-health"), b.text("#zones-health"))
    equal(b.text("#area"), "Names")
    equal(b.js(A11Y), [])


# --- mail ---

MAIL_ROWS = "return document.querySelectorAll('#mail-domains tbody tr').length"


def days_from(day, other):
    one, two = (time.mktime(time.strptime(d, "%Y-%m-%d")) for d in (day, other))
    return round((one - two) / 86400)


def pairs(b, css):
    """{dt: dd} of these."""
    return dict(b.js("return [...document.querySelectorAll(arguments[0])].map(e => "
                     "[e.querySelector('dt').innerText, e.querySelector('dd').innerText])", css))


def cells(b, css):
    """{label: text} of a row."""
    return dict(b.js("return [...document.querySelector(arguments[0]).querySelectorAll('td')].map(e => "
                     "[e.dataset.label, e.innerText])", css))


def mail_is_told(b, s):
    b.go(s.url + "?lang=en")
    b.wait(READY)
    look_again(b, s, "p")
    b.wait(MAIL_ROWS + " === 10")
    equal(b.js("return [...document.querySelectorAll('#mail-now dd')].map(e => e.innerText)"),
          ["1,200", "9", "40", "3", "108", "108"], "since the start")
    equal(pairs(b, "#mail-now > div"), {"Let in": "1,200", "Quarantined": "9", "Refused": "40", "Asked for again": "3",
                                        "Of our own": "108", "Signed": "108"})
    equal(b.text("#mail-faults"), "What did not work, see the log: rows lost: 2")
    equal(b.js("return document.querySelectorAll('#mail-trouble .box.warn').length"), 2, "an old queue, one given up")
    true("mail reports --only due" in b.text("#mail-trouble"), b.text("#mail-trouble"))
    true("for more than a day" in b.text("#mail-health") and "There is more: 1;" in b.text("#mail-health"), b.text("#mail-health"))
    true(re.search("as of [2-9]. seconds ago", b.text("#mail-note")), b.text("#mail-note"))
    equal(b.text("#area"), "Routes, Mail")
    rows = b.js("return [...document.querySelectorAll('#mail-domains tbody tr')].map(e => e.innerText)")
    for word in ("d00.example", "200 days ago", "9,000", "27 (0.3%)"):
        true(word in rows[0], f"{word} in {rows[0]}")
    true("<img src=x>.example" in rows[1], rows[1])
    equal(cells(b, "#mail-domains tbody tr:nth-child(10)"), {
        "Seen since": "191 days ago", "Last seen": "10 minutes ago", "Messages": "900", "Quarantined": "0", "Refused": "4",
        "Complaints": "0"})
    b.js("document.querySelector('#mail-domains button').click()")
    b.wait(MAIL_ROWS + " === 50")
    true("4,321" in b.text("#mail-domains"), "there are more")


def mail_queue_has_reasons(b, s):
    rows = b.js("return [...document.querySelectorAll('#mail-queue > .scroll tbody tr')].map(e => e.innerText)")
    equal(len(rows), 4)
    true("not tried yet" in rows[0] and "Greylisted" in rows[1] and "<b>dmarc</b>@" in rows[1], rows)
    true("4 that are tried next of 24" in b.text("#mail-queue"), b.text("#mail-queue"))
    b.js("document.getElementById('mail-over').open = true; document.getElementById('mail-dead').open = true")
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(b.js("return Date.now()") // 1000 - 86400))
    tiles = pairs(b, "#mail-queue .tiles > div")
    true(re.search("^(26|1) ", tiles.pop("Oldest of them")), "26 hours")
    true(abs(days_from(tiles.pop("Rows without a report since"), yesterday)) <= 1, "of yesterday")
    equal(tiles, {"Wait to be sent": "24", "Address not known yet": "2", "Sent, 14 days": "29", "Given up, 14 days": "1",
                  "Addresses past hope": "1"})
    tries = [cells(b, f"#mail-queue tbody tr:nth-child({i})")["Next try"] for i in (1, 4)]
    true(tries[0] == "now" and re.fullmatch("in (1|2) hours?|in [89]. minutes", tries[1]), tries)
    equal(b.js("return [...document.querySelectorAll('#mail-dead th')].map(e => e.innerText)")[:3], ["To", "Attempts", "When"])
    equal(b.js("return document.querySelector('#mail-dead tbody td').innerText"), "4", "attempts")
    true("no such user" in b.text("#mail-over") and "gone@d31.example" in b.text("#mail-dead"), b.text("#mail-queue"))


NEWEST = "return [...document.querySelectorAll('#mail-table tbody tr td')].map(e => e.textContent).slice(0, 7)"
STACKED = """
    const out = [], svg = document.querySelector('#mail-plots svg[data-bars]');
    const bars = [...svg.querySelectorAll('g')].map((g) => {
        const parts = [...g.querySelectorAll('rect:not(.behind)')], y = parts.map((e) => Number(e.getAttribute('y')));
        const said = g.querySelector('title').textContent.split('\\n').slice(1);
        if (y.some((v, i) => i > 0 && v >= y[i - 1]))
            out.push(g.outerHTML);
        return { n: said.reduce((n, line) => n + Number(line.split(': ')[1].replaceAll(',', '')), 0),
            high: parts.reduce((n, e) => n + Number(e.getAttribute('height')), 0) };
    }).sort((a, c) => c.n - a.n);
    for (const bar of bars)
        if (Math.abs(bar.high - bars[0].high * bar.n / bars[0].n) > 5)
            out.push(JSON.stringify(bar));
    return out;"""


def mail_is_drawn(b, s):
    bars = "return [...document.querySelectorAll('#mail-plots svg[data-bars]')].map(e => Number(e.dataset.bars))"
    equal(b.js(bars), [28, 28], "two of 30 days had none")
    says = b.js("return document.querySelector('#mail-plots svg').getAttribute('aria-label')")
    true("30 days" in says and "DMARC passed: 93,600" in says, says)
    equal(b.text("#mail-plots-note"), "A day is one of UTC, as in reports.")
    equal(b.js("return [...document.querySelectorAll('#mail-table th')].map(e => e.textContent).slice(1, 8)"), [
        "DMARC passed", "no DMARC record", "not decided (DNS)", "DMARC failed, ARC passed", "DMARC failed", "quarantined",
        "refused"])
    equal(b.js(NEWEST), ["2,160", "288", "0", "0", "96", "0", "48"], "of today")
    equal(b.js(NEWEST.replace("tr", "tr:nth-child(2)")), ["3,648", "432", "2", "48", "96", "48", "96"],
          "what ARC passed is not in what failed")
    equal(b.js(STACKED), [], "each part stands on the one below, and all are as high as they are many")
    equal(b.js("""
        const out = [];
        for (const svg of document.querySelectorAll('#mail-plots svg[data-bars]')) {
            const whole = svg.getBoundingClientRect();
            for (const e of svg.querySelectorAll('text, rect')) {
                const r = e.getBoundingClientRect();
                if (r.left < whole.left - 1 || r.right > whole.right + 1 || r.bottom > whole.bottom + 1 || r.height < 0)
                    out.push(e.outerHTML);
            }
        }
        const [a, c] = [...document.querySelectorAll('#mail-plots figure')].map(e => e.getBoundingClientRect());
        if (a.right > c.left && a.bottom > c.top) out.push('one over the other');
        return out;"""), [], "nothing sticks out")
    b.js("document.querySelectorAll('#mail-periods button')[0].focus()")
    b.keys(SPACE)
    b.wait(bars + "[0] === 44")
    equal(b.js("return document.activeElement.getAttribute('aria-pressed')"), "true", "the focus stays")
    equal(b.js("return document.querySelectorAll('#mail-table tbody tr').length"), 44)
    true("Times on the axis are UTC" in b.text("#mail-plots-note"), b.text("#mail-plots-note"))


def mail_is_accessible(b, s):
    b.js("for (const d of document.querySelectorAll('#mail-part details')) d.open = true")
    equal(b.js(A11Y), [])
    contrast_is_enough(b, s)
    fits_a_phone(b, s)


def mail_in_japanese(b, s):
    b.go(s.url + "?lang=ja")
    b.wait(READY)
    text = b.text("#mail-part")
    for word in ("結果の推移", "署名したドメイン", "送信待ち", "まだ試していません", "200日前", "隔離"):
        true(word in text, f"{word} in {text}")
    nothing_english_is_left(b, s)


def bad_mail_is_said(b, s):
    """The worst first, what was said as text; an answer that is an error is not kept to itself."""
    b.go(s.url + "?lang=ja")
    b.wait(READY)
    look_again(b, s, "q")
    b.wait("return document.querySelectorAll('#mail-trouble .box.bad').length === 1")
    equal(b.js("return document.getElementById('mail-health').className"), "banner bad")
    boxes = b.js("return [...document.querySelectorAll('#mail-trouble .box')].map(e => e.innerText)")
    equal(len(boxes), 3)
    true(boxes[1].splitlines()[0].rstrip("。") in b.text("#mail-health"), b.text("#mail-health"))
    true("421 <b>busy</b>\\u202e" in boxes[2], boxes)
    for box in boxes:
        true(all(line.endswith("。") for line in box.splitlines() if line and "421" not in line), box)
    b.js("""const real = window.fetch;
        window.fetch = (u, o) => String(u).includes('/v1/mail?') ? Promise.resolve(new Response(
            '{"error":"x","text":"no <b>mail</b>"}', { status: 503 })) : real(u, o);""")
    look_again(b, s, "q")
    b.wait("return document.getElementById('mail-note').innerText.includes('no <b>mail</b>')")
    true("no <b>mail</b>" in b.text("#health"), b.text("#health"))


def odd_mail_stays_text(b, s):
    b.go(s.url + "?lang=en")
    b.wait(READY)
    look_again(b, s, "P")
    b.wait(MAIL_ROWS + " === 2")
    true("<img src=x onerror=alert(1)>" in b.text("#mail-domains"), b.text("#mail-domains"))
    equal(b.js("return document.querySelectorAll('#mail-part img, #mail-part script, #mail-part b b').length"), 0)
    true("NaN" not in b.text("#mail-part"), b.text("#mail-part"))


def mail_alone(b, s):
    """Who judges mail only, and keeps nothing, is told why there is no more."""
    s.close()
    s.__init__()
    s.world("k")
    b.go(s.url + "?lang=en")
    b.wait(READY)
    equal(b.js("return [...document.querySelectorAll('main h2')].filter(e => e.checkVisibility()).map(e => e.innerText)"),
          ["Mail"])
    equal([b.text("#area"), b.js("return document.getElementById('health').checkVisibility()")], ["Mail", False])
    true("nothing wants attention" in b.text("#mail-health"), b.text("#mail-health"))
    true(b.js("return document.getElementById('mail-health').checkVisibility()"), "it is seen")
    true("mail.reports" in b.text("#mail-note"), b.text("#mail-note"))
    equal(b.js("return document.getElementById('mail-told').checkVisibility()"), False, "no empty boxes")
    equal(b.js(A11Y), [])
    look_again(b, s, "K")
    b.wait("return document.getElementById('mail-health').className === 'banner warn'")
    true("seal" in b.text("#mail-health") and "nothing wants" not in b.text("#mail-health"), b.text("#mail-health"))


def asks_for_the_token(b, s):
    b.go(s.url + "?lang=en")
    b.wait("return !document.getElementById('token').hidden")
    equal(b.text("#tiles"), "")
    b.js("document.getElementById('token-input').focus()")
    b.keys("wrong" + ENTER)
    b.wait("return document.getElementById('token-note').innerText !== ''")
    b.js("document.getElementById('token-input').focus()")
    b.keys("s3cret" + ENTER)
    b.wait("return document.querySelectorAll('#tiles dd').length === 7")
    equal(b.js("return document.getElementById('token').hidden"), True)


WORLDS = [
    ("en", (), [
        loads_in_english, shows_trust_anchors_and_objects, shows_routers,
        findings_are_worst_first, finding_opens_by_keyboard, filter_by_keyboard_keeps_focus,
        plots_have_all_points, plots_are_told_in_words, plot_follows_the_data,
        guard_shows_and_hides, servers_are_worst_first, servers_are_filtered,
        changes_of_ours_have_causes, explains_by_keyboard, answer_has_a_link, hostile_text_stays_text, console_is_silent,
        csp_is_in_force, errors_are_told, is_accessible, contrast_is_enough, fits_a_phone,
        switches_language_and_remembers, explains_in_japanese, nothing_english_is_left,
        tells_when_the_server_is_gone]),
    ("ja,en", (), [accept_language_is_heard, speaks_japanese_of_it]),
    ("en", (), [a_crowd_stays_bounded]),
    ("en", (), [
        no_zones_no_word, zones_need_you_first, zone_opens_by_keyboard, what_to_enter_is_copied, keys_are_drawn,
        zone_stays_open, zones_are_filtered, odd_zones_stay_text, zones_are_accessible, zones_in_japanese,
        names_alone, console_is_silent]),
    ("en", (), [
        mail_is_told, mail_queue_has_reasons, mail_is_drawn, mail_is_accessible, mail_in_japanese,
        bad_mail_is_said, odd_mail_stays_text, mail_alone, console_is_silent]),
    ("en", ("s3cret",), [asks_for_the_token]),
]


def run(case, b, s):
    try:
        case(b, s)
    except (AssertionError, webdriver.WebDriverError) as e:
        return str(e)
    except Exception:
        return traceback.format_exc()
    return None


def main():
    total = sum(len(cases) for _, _, cases in WORLDS)
    why = webdriver.missing()
    n = failed = 0
    print(f"1..{total}")
    for languages, args, cases in WORLDS:
        if why is not None:
            for case in cases:
                n += 1
                print(f"ok {n} - {case.__name__} # SKIP {why}")
            continue
        with Fixture(*args) as s, webdriver.Browser(languages) as b:
            for case in cases:
                n += 1
                problem = run(case, b, s)
                failed += problem is not None
                print(f"{'ok' if problem is None else 'not ok'} {n} - {case.__name__}", flush=True)
                for line in (problem or "").splitlines():
                    print(f"# {line}")
    return 1 if failed else 0


sys.exit(main())
