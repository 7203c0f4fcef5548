#include <errno.h>

#include "app/mail.h"
#include "base/base64.h"
#include "base/timefmt.h"

#define LOCAL_MAX	64	/* RFC 5321 section 4.5.3.1.1 */
#define LABEL_MAX	63
#define LINE_MAX	76	/* RFC 2045 section 6.7, RFC 2047 section 2 */
/* Of an encoded word: 75 less "=?utf-8?B?" and "?=", in threes. */
#define WORD_BYTES	45

/* --- addresses --- */

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322 section 3.2.3, less what a shell or a sendmail might take for its own. */
static bool
is_atext(char c)
{
	const struct sv others = SV("!#$%&'*+-/=?^_{}~");

	return is_alnum(c) || sv_find(others, c) < others.n;
}

static bool
local_good(struct sv s)
{
	if (s.n == 0 || s.n > LOCAL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '.')
		return false;
	while (s.n > 0) {
		struct sv atom = sv_cut(&s, '.');

		if (atom.n == 0)
			return false;
		for (size_t i = 0; i < atom.n; i++)
			if (!is_atext(atom.p[i]))
				return false;
	}
	return true;
}

static bool
domain_good(struct sv s)
{
	if (s.n == 0 || s.p[s.n - 1] == '.')
		return false;
	while (s.n > 0) {
		struct sv label = sv_cut(&s, '.');

		if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-')
				return false;
	}
	return true;
}

int
mail_address_check(struct sv s)
{
	size_t at = sv_rfind(s, '@');

	if (s.n > MAIL_ADDRESS_MAX || at >= s.n)
		return -EINVAL;
	return local_good(sv_take(s, at)) && domain_good(sv_skip(s, at + 1)) ? 0 : -EINVAL;
}

static bool
id_good(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-' &&
		    (s.p[i] != '.' || i == 0 || i + 1 == s.n || s.p[i - 1] == '.'))
			return false;
	return s.n > 0 && s.n <= LOCAL_MAX;
}

/* --- the subject --- */

static bool
is_plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	/* What looks like an encoded word is not to be decoded as one. */
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '=' && s.p[i + 1] == '?')
			return false;
	return s.n <= LINE_MAX - SV("Subject: ").n;
}

/* How many bytes the character has; 0: it is none (RFC 3629 section 4). */
static size_t
utf8_len(struct sv s)
{
	const uint8_t *p = (const uint8_t *)(const void *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
	    p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Does this character command the reader's screen: C0, C1, line ends, direction? */
static bool
is_control(struct sv s, size_t n)
{
	const uint8_t *p = (const uint8_t *)(const void *)s.p;

	if (n == 1)
		return p[0] < ' ' || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n != 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
	    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

/* UTF-8 without controls, whatever it was; line ends stay where they may. */
static void
text_clean(struct buf *b, struct sv s, size_t max, bool lines)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		bool bad = n == 0 || (is_control(s, n) && !(lines && s.p[0] == '\n'));

		if (b->len + (bad ? 1 : n) > max)
			return;
		if (bad)
			buf_char(b, '?');
		else
			buf_sv(b, sv_take(s, n));
		s = sv_skip(s, n == 0 ? 1 : n);
	}
}

/* Each word has whole characters (RFC 2047 section 5), each on a line of its own. */
static void
words_write(struct buf *b, struct sv s)
{
	char word[WORD_BYTES / 3 * 4];

	for (bool first = true; s.n > 0; first = false) {
		size_t n = 0, k;

		while (n < s.n && (k = utf8_len(sv_skip(s, n))) > 0 && n + k <= WORD_BYTES)
			n += k;
		k = base64_encode(word, s.p, n);
		buf_printf(b, "%s=?utf-8?B?%.*s?=", first ? "" : "\n ", (int)k, word);
		s = sv_skip(s, n);
	}
}

static void
subject_write(struct buf *b, struct sv subject)
{
	_cleanup_(buf_done) struct buf clean = BUF_INIT;

	text_clean(&clean, subject, MAIL_SUBJECT_MAX, false);
	buf_str(b, "Subject: ");
	if (is_plain(buf_get(&clean)))
		buf_sv(b, buf_get(&clean));
	else
		words_write(b, buf_get(&clean));
	buf_char(b, '\n');
	if (clean.rc < 0)
		b->rc = clean.rc;
}

/* --- the body --- */

/* RFC 2045 section 6.7; soft line breaks so that no line has more than 76. */
static void
body_write(struct buf *b, struct sv body)
{
	static const char hex[] = "0123456789ABCDEF";
	_cleanup_(buf_done) struct buf clean = BUF_INIT;
	size_t col = 0;
	struct sv s;

	text_clean(&clean, body, MAIL_BODY_MAX, true);
	s = buf_get(&clean);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		bool end = i + 1 == s.n || s.p[i + 1] == '\n';
		/* '.' and "From " where a line begins are read by others on the way */
		bool quote = c >= 0x7f || c == '=' || (c == ' ' && end) ||
		    (col == 0 && (c == '.' || c == 'F'));

		if (c == '\n') {
			buf_char(b, '\n');
			col = 0;
			continue;
		}
		if (col + (quote ? 3 : 1) >= LINE_MAX) {
			buf_str(b, "=\n");
			col = 0;
			quote = quote || c == '.' || c == 'F';
		}
		if (quote)
			buf_printf(b, "=%c%c", hex[c >> 4], hex[c & 15]);
		else
			buf_char(b, (char)c);
		col += quote ? 3 : 1;
	}
	if (col > 0)
		buf_char(b, '\n');
	if (clean.rc < 0)
		b->rc = clean.rc;
}

/* --- the mail --- */

static int
mail_check(const struct mail *m)
{
	int rc = mail_address_check(m->from);

	if (m->n_to == 0 || m->n_to > MAIL_TO_MAX || !id_good(m->id))
		return -EINVAL;
	for (size_t i = 0; i < m->n_to && rc == 0; i++)
		rc = mail_address_check(m->to[i]);
	return rc;
}

int
mail_write(const struct mail *m, struct buf *b)
{
	char date[TIME_MAIL_STRLEN];
	int rc = mail_check(m);

	if (rc < 0)
		return rc;
	buf_printf(b, "From: Sekisho <%.*s>\n", SV_ARG(m->from));
	for (size_t i = 0; i < m->n_to; i++)
		buf_printf(b, "%s%.*s%s\n", i == 0 ? "To: " : " ", SV_ARG(m->to[i]),
		    i + 1 < m->n_to ? "," : "");
	subject_write(b, m->subject);
	buf_printf(b, "Date: %s\n", time_mail_str(m->at, date));
	buf_printf(b, "Message-ID: <%.*s@%.*s>\n", SV_ARG(m->id),
	    SV_ARG(sv_skip(m->from, sv_rfind(m->from, '@') + 1)));
	buf_str(b, "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n");
	body_write(b, m->body);
	if (b->rc < 0)
		return b->rc;
	return b->len > MAIL_MAX ? -E2BIG : 0;
}
