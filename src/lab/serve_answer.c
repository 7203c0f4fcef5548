/*
 * From a request to an answer. The rules are asked at four moments: which
 * answer, what the document says, how it is wrapped, how it is sent; what
 * none of them takes is a file of the host's folder.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"
#include "sys/clock.h"
#include "sys/file.h"

#define HEAD_READ	4096	/* of a document: its root element stands in it */
#define GZIP_LEAST	512	/* smaller bodies gain nothing */
#define LOOP_PATH	"/lab-loop/"
#define ETAG_LEN	64
#define DATE_BASE	1577836800	/* 2020-01-01: a serial later is still the past */

/* The making of one answer. */
struct work {
	struct serve_host	*h;
	const struct serve_req	*req;
	struct serve_answer	*a;
	char			 path[SERVE_PATH_MAX];
	uint64_t		 variant;	/* the step that the file is of; 0: all */
	struct file_stamp	 stamp;
	char			 head[HEAD_READ];	/* the file's first bytes */
	size_t			 n_head;
	unsigned		 kind;
	bool			 found, changed;
	bool			 gzip;		/* the client takes it, and it pays */
	const char		*encoding, *type;
	uint64_t		 more_length;	/* lies about Content-Length */
	bool			 half_length;
};

void
serve_answer_done(struct serve_answer *a)
{
	buf_done(&a->head);
	serve_body_done(&a->body);
}

/* --- heads --- */

static void
head_begin(struct work *w, unsigned status)
{
	struct buf *b = &w->a->head;
	char date[SERVE_DATE_LEN];

	w->a->status = status;
	buf_printf(b, "HTTP/1.1 %u %s\r\nServer: sekisho-lab\r\nDate: %s\r\n", status,
	    serve_reason(status), serve_date(clock_now(), date));
}

static void
head_end(struct work *w)
{
	if (w->a->close || !w->req->keep_alive) {
		w->a->close = true;
		buf_str(&w->a->head, "Connection: close\r\n");
	}
	buf_str(&w->a->head, "\r\n");
	if (w->req->head)
		serve_body_done(&w->a->body);
	if (w->req->head)
		w->a->body = (struct serve_body)SERVE_BODY_INIT;
}

/* A short answer; extra is a header line with its end, or "". */
static int
short_answer(struct work *w, unsigned status, const char *extra, struct sv text)
{
	head_begin(w, status);
	buf_str(&w->a->head, extra);
	if (status != 304)
		buf_printf(&w->a->head, "Content-Type: text/plain\r\nContent-Length: %zu\r\n", text.n);
	buf_sv(&w->a->body.mem, text);
	head_end(w);
	return w->a->head.rc;
}

static int
status_answer(struct work *w, unsigned status)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%u %s\n", status, serve_reason(status));

	return short_answer(w, status, "", (struct sv){ text, status == 304 ? 0 : (size_t)n });
}

/* The length of what follows, if it is known; else chunks, or the end. */
static void
length_header(struct work *w)
{
	struct serve_body *body = &w->a->body;
	uint64_t n = serve_body_size(body);

	if (body->max == 0 && body->gzip == NULL) {
		n = w->half_length ? n / 2 : n + w->more_length;
		buf_printf(&w->a->head, "Content-Length: %llu\r\n", (unsigned long long)n);
		if (w->half_length || w->more_length > 0)
			w->a->close = true;
	} else if (w->req->http10)
		w->a->close = true;
	else {
		body->chunked = true;
		buf_str(&w->a->head, "Transfer-Encoding: chunked\r\n");
	}
}

/* --- conditional requests (RFC 9110 section 13) --- */

/*
 * Notifications of a moving world are dated by their serial, not by their
 * file: steps that were made in one second must not share a date, and one in
 * which the host did not move must keep it.
 */
static int64_t
modified(const struct work *w)
{
	uint64_t serial;

	if (w->variant > 0 &&
	    num_u64(serve_attr((struct sv){ w->head, w->n_head }, "serial"), 0, INT32_MAX, &serial) == 0)
		return DATE_BASE + (int64_t)serial;
	return w->stamp.mtime_nsec / 1000000000;
}

/* What was changed has no date, and a tag only if it is at hand as a whole. */
static void
etag(const struct work *w, char tag[static ETAG_LEN])
{
	uint8_t sum[SHA256_LEN];
	uint64_t n[3] = { w->stamp.ino, w->stamp.size, (uint64_t)w->stamp.mtime_nsec };

	tag[0] = '\0';
	if (w->changed && (w->a->body.left > 0 || w->a->body.max > 0))
		return;
	if (w->changed)
		crypto_sha256(w->a->body.mem.p, w->a->body.mem.len, sum);
	else if (w->kind == SERVE_NOTIFICATION)	/* its head names serial and snapshot */
		crypto_sha256_2(w->head, w->n_head, &w->stamp.size, sizeof(w->stamp.size), sum);
	else
		crypto_sha256(n, sizeof(n), sum);
	(void)snprintf(tag, ETAG_LEN, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", sum[0], sum[1], sum[2],
	    sum[3], sum[4], sum[5], sum[6], sum[7]);
}

static bool
not_modified(const struct work *w, const char *tag)
{
	struct sv list = w->req->if_none_match;

	if (list.n == 0)
		return !w->changed && w->req->if_modified_since >= modified(w);
	while (list.n > 0) {
		struct sv one = sv_trim(sv_cut(&list, ','));

		if (sv_starts(one, SV("W/")))
			one = sv_skip(one, 2);
		if (sv_eq_str(one, "*") || (tag[0] != '\0' && sv_eq_str(one, tag)))
			return true;
	}
	return false;
}

static void
validators(struct work *w, const char *tag)
{
	char date[SERVE_DATE_LEN];

	if (tag[0] != '\0')
		buf_printf(&w->a->head, "ETag: %s\r\n", tag);
	if (!w->changed)
		buf_printf(&w->a->head, "Last-Modified: %s\r\n", serve_date(modified(w), date));
}

/* --- a document --- */

static int
doc_answer(struct work *w)
{
	char tag[ETAG_LEN];
	int rc = 0;

	etag(w, tag);
	if (not_modified(w, tag)) {
		serve_body_done(&w->a->body);
		w->a->body = (struct serve_body)SERVE_BODY_INIT;
		head_begin(w, 304);
		validators(w, tag);
		head_end(w);
		return w->a->head.rc;
	}
	if (w->gzip && serve_body_size(&w->a->body) >= GZIP_LEAST && (rc = serve_body_gzip(&w->a->body)) < 0)
		return rc;
	if (w->a->body.gzip != NULL) {
		w->encoding = "gzip";
		w->h->stat.gzipped++;
	}
	head_begin(w, 200);
	buf_printf(&w->a->head, "Content-Type: %s\r\n", w->type);
	if (w->encoding != NULL)
		buf_printf(&w->a->head, "Content-Encoding: %s\r\nVary: Accept-Encoding\r\n", w->encoding);
	validators(w, tag);
	length_header(w);
	head_end(w);
	return w->a->head.rc;
}

/* Open the file and read its first bytes; they become the body's. */
static int
doc_open(struct work *w, uint64_t back)
{
	struct serve_body *b = &w->a->body;
	long got = 1;
	int rc;

	if ((rc = serve_host_file(w->h, w->req->path, back, w->path, sizeof(w->path), &w->variant)) < 0)
		return rc;
	serve_body_done(b);
	*b = (struct serve_body)SERVE_BODY_INIT;
	if ((rc = stream_open(w->path, UINT64_MAX, &b->fd, &w->stamp)) < 0)
		return rc;
	for (w->n_head = 0; w->n_head < sizeof(w->head) && got > 0; w->n_head += (size_t)got)
		if ((got = stream_read(&b->fd, w->head + w->n_head, sizeof(w->head) - w->n_head)) < 0)
			return (int)got;
	buf_bytes(&b->mem, w->head, w->n_head);
	b->left = w->stamp.size > w->n_head ? w->stamp.size - w->n_head : 0;
	w->kind = serve_doc_kind((struct sv){ w->head, w->n_head });
	return b->mem.rc;
}

/* --- documents that say something else --- */

static void
hex_write(const uint8_t sum[static SHA256_LEN], char out[static 2 * SHA256_LEN + 1])
{
	for (unsigned i = 0; i < SHA256_LEN; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* The session in the first bytes of a document becomes its successor, in place. */
static void
session_patch(char *head, size_t n)
{
	struct sv session = serve_attr((struct sv){ head, n }, "session_id");
	char *at = (char *)(uintptr_t)session.p;

	if (session.n > 0)
		at[0] = at[0] == 'f' ? '0' : 'f';
}

/* The hash that the snapshot has with another session; large ones are hashed once. */
static int
snapshot_rehash(struct work *w, struct sv uri)
{
	struct serve_host *h = w->h;
	struct crypto_sha256 *sum;
	struct file_stamp stamp;
	char path[SERVE_PATH_MAX], bytes[HEAD_READ];
	_cleanup_(fd_close) int fd = -1;
	uint8_t digest[SHA256_LEN];
	struct sv host, rest;
	uint64_t step;
	long got;
	int rc;

	if (!serve_uri_split(uri, &host, &rest))
		return -EINVAL;
	if ((rc = serve_host_file(h, rest, 0, path, sizeof(path), &step)) < 0 ||
	    (rc = stream_open(path, UINT64_MAX, &fd, &stamp)) < 0)
		return rc;
	if (file_stamp_same(&stamp, &h->hashed))
		return 0;
	if ((sum = crypto_sha256_new()) == NULL)
		return -ENOMEM;
	for (bool first = true; (got = stream_read(&fd, bytes, sizeof(bytes))) > 0; first = false) {
		if (first)
			session_patch(bytes, (size_t)got);
		crypto_sha256_update(sum, bytes, (size_t)got);
	}
	crypto_sha256_final(sum, digest);
	(void)crypto_sha256_free(sum);
	hex_write(digest, h->hashed_hex);
	h->hashed = stamp;
	return got < 0 ? (int)got : 0;
}

static int
huge_notification(struct work *w, const struct serve_strike *k, struct serve_notification *n)
{
	struct serve_body *b = &w->a->body;

	n->serial = 4000000000u;
	n->n_deltas = 0;
	serve_notification_write(n, &b->mem);
	b->mem.len -= min_size(b->mem.len, strlen("</notification>\n"));
	b->unit = serve_unit_delta;
	b->max = k->number;
	buf_str(&b->tail, "</notification>\n");
	return b->mem.rc;
}

static int
notification_text(struct work *w, const struct serve_strike *k, struct pool *pool)
{
	struct serve_body *b = &w->a->body;
	struct serve_notification n;
	struct sv text;
	int rc;

	if ((rc = file_read(pool, FILE_CWD, w->path, SERVE_NOTIFICATION_MAX, &text)) < 0 ||
	    (rc = serve_notification_parse(pool, text, &n)) < 0)
		return rc;
	serve_body_done(b);
	*b = (struct serve_body)SERVE_BODY_INIT;
	if (k->b == SERVE_B_HUGE_NOTIFICATION)
		return huge_notification(w, k, &n);
	if ((rc = serve_notification_change(pool, k, &n)) < 0)
		return rc;
	if (k->b == SERVE_B_SESSION_CHANGED && (rc = snapshot_rehash(w, n.snapshot.uri)) == 0)
		n.snapshot.hash = sv_str(w->h->hashed_hex);
	if (rc < 0)
		return rc;
	serve_notification_write(&n, &b->mem);
	return b->mem.rc;
}

static int
notification_change(struct work *w, const struct serve_strike *k)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	uint64_t now = w->variant;

	/* An older one that is there as a file is served as it was. */
	if (k->b == SERVE_B_REPLAY && now > 0) {
		int rc = doc_open(w, k->number);

		if (rc < 0 || w->variant != now)
			return rc;
	}
	if ((pool = pool_new(4 * SERVE_NOTIFICATION_MAX)) == NULL)
		return -ENOMEM;
	w->changed = true;
	return notification_text(w, k, pool);
}

/* From the root element on, objects without end. */
static void
huge_snapshot(struct work *w, const struct serve_strike *k)
{
	struct serve_body *b = &w->a->body;
	struct sv rest = { w->head, w->n_head };
	size_t at = 0;

	for (unsigned i = 0; i < 2; i++) {	/* behind "<?xml ?>" and "<snapshot >" */
		at += sv_find(rest, '>') + 1;
		rest = sv_skip((struct sv){ w->head, w->n_head }, at);
	}
	b->mem.len = min_size(b->mem.len, at);
	b->left = 0;
	b->unit = serve_unit_publish;
	b->max = k->number;
	buf_str(&b->tail, "</snapshot>\n");
}

static void
doc_truncate(struct work *w)
{
	struct serve_body *b = &w->a->body;
	uint64_t half = serve_body_size(b) / 2;

	if (half < b->mem.len) {
		b->mem.len = (size_t)half;
		b->left = 0;
	} else
		b->left = half - b->mem.len;
}

/* A document type before the root element of a snapshot or delta. */
static int
prolog_insert(struct work *w, const struct serve_strike *k)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 16);
	struct sv head = { w->head, w->n_head }, session = serve_attr(head, "session_id");
	struct serve_notification n = { .session = session };
	struct buf *b = &w->a->body.mem;
	size_t root = 0, at;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (session.p == NULL)
		return -EINVAL;
	if ((rc = serve_notification_change(pool, k, &n)) < 0)
		return rc;
	while (root + 1 < head.n && (head.p[root] != '<' || head.p[root + 1] == '?' || head.p[root + 1] == '!'))
		root++;
	at = (size_t)(session.p - head.p);
	if (root >= at)
		return -EINVAL;
	b->len = 0;
	buf_bytes(b, head.p, root);
	buf_sv(b, n.prolog);
	buf_bytes(b, head.p + root, at - root);
	buf_sv(b, n.session);
	buf_sv(b, sv_skip(head, at + session.n));
	return b->rc;
}

static int
doc_change(struct work *w, const struct serve_strike *k)
{
	int rc = 0;

	if (!k->on)
		return 0;
	if (w->kind == SERVE_NOTIFICATION && k->b != SERVE_B_TRUNCATED)
		return notification_change(w, k);
	if (k->b == SERVE_B_TRUNCATED)
		doc_truncate(w);
	else if (k->b == SERVE_B_SESSION_CHANGED)
		session_patch(w->a->body.mem.p, w->a->body.mem.len);
	else if (k->b == SERVE_B_HUGE_SNAPSHOT)
		huge_snapshot(w, k);
	else
		rc = prolog_insert(w, k);
	w->changed = true;
	return rc;
}

/* --- wrappings --- */

static void
endless(struct work *w, const struct serve_strike *k, serve_unit_fn unit)
{
	struct serve_body *b = &w->a->body;

	serve_body_done(b);
	*b = (struct serve_body){ .fd = -1, .unit = unit, .max = k->number };
	w->changed = true;
	w->gzip = false;
}

static int
endless_head(struct work *w, const struct serve_strike *k, const char *start, serve_unit_fn unit)
{
	endless(w, k, unit);
	w->a->status = 200;
	w->a->close = w->a->raw = true;
	buf_str(&w->a->head, start);
	return w->a->head.rc;
}

/* 0: go on; 1: the answer is made. */
static int
body_change(struct work *w, const struct serve_strike *k)
{
	int rc;

	if (!k->on)
		return 0;
	w->gzip = false;
	switch (k->b) {
	case SERVE_B_GZIP_BOMB:
		endless(w, k, NULL);
		w->encoding = "gzip";
		return serve_body_bomb(&w->a->body, k->number);
	case SERVE_B_BAD_GZIP:
		w->encoding = "gzip";
		return 0;
	case SERVE_B_LONG_LENGTH:
		w->more_length = k->number;
		return 0;
	case SERVE_B_SHORT_LENGTH:
		w->half_length = true;
		return 0;
	case SERVE_B_ENDLESS_HEADERS:
		rc = endless_head(w, k, "HTTP/1.1 200 OK\r\n", serve_unit_header);
		return rc < 0 ? rc : 1;
	case SERVE_B_ENDLESS_CONTINUE:
		rc = endless_head(w, k, "", serve_unit_continue);
		return rc < 0 ? rc : 1;
	default:
		endless(w, k, serve_unit_line);
		return 0;
	}
}

/* --- other answers --- */

static int
redirect(struct work *w, const char *scheme, const char *host, struct sv path)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, "Location: %s%s%.*s\r\n", scheme, host, SV_ARG(path));
	buf_char(&b, '\0');
	return b.rc < 0 ? b.rc : short_answer(w, 302, b.p, SV("elsewhere\n"));
}

static int
redirect_loop(struct work *w)
{
	char path[64];
	int n = snprintf(path, sizeof(path), LOOP_PATH "%llu", (unsigned long long)++w->h->serve->loop_n);

	return redirect(w, "https://", w->h->name, (struct sv){ path, (size_t)n });
}

static int
redirect_inward(struct work *w, const struct serve_strike *k)
{
	static const char *const inward[] = {
		"127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254", "192.168.0.1", "172.16.0.1",
		"[fe80::1]", "[fc00::1]", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "100.64.0.1",
	};

	return redirect(w, "https://", k->text[0] != '\0' ? k->text :
	    inward[k->nth % ARRAY_LEN(inward)], w->req->path);
}

static int
retry_answer(struct work *w, const struct serve_strike *k, unsigned status)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "Retry-After: %llu\r\n", (unsigned long long)k->number);
	return short_answer(w, status, line, SV("later\n"));
}

static int
ok_answer(struct work *w, const char *type, struct sv text)
{
	serve_body_done(&w->a->body);
	w->a->body = (struct serve_body)SERVE_BODY_INIT;
	buf_sv(&w->a->body.mem, text);
	w->changed = true;
	w->gzip = false;
	w->type = type;
	return doc_answer(w);
}

/* No byte is "<", so that no reader takes it for XML by chance. */
static int
garbage_answer(struct work *w, const struct serve_strike *k)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	uint32_t x = 2463534242u;

	for (uint64_t i = 0; i < k->number && i < SERVE_NOTIFICATION_MAX && b.rc == 0; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf_char(&b, (char)(x >> 24 | 0x80));
	}
	return b.rc < 0 ? b.rc : ok_answer(w, "application/xml", buf_get(&b));
}

static int
other_answer(struct work *w, const struct serve_strike *k)
{
	switch (k->b) {
	case SERVE_B_NOT_FOUND:
		return status_answer(w, 404);
	case SERVE_B_SERVER_ERROR:
		return status_answer(w, 500);
	case SERVE_B_UNAVAILABLE:
		return retry_answer(w, k, 503);
	case SERVE_B_TOO_MANY:
		return retry_answer(w, k, 429);
	case SERVE_B_REDIRECT:
		return redirect(w, "", k->text, (struct sv){ "", 0 });
	case SERVE_B_REDIRECT_LOOP:
		return redirect_loop(w);
	case SERVE_B_REDIRECT_ORIGIN:
		return redirect(w, "https://", k->text, w->req->path);
	case SERVE_B_REDIRECT_INWARD:
		return redirect_inward(w, k);
	case SERVE_B_REDIRECT_PLAIN:
		return redirect(w, "http://", w->h->name, w->req->path);
	case SERVE_B_ALWAYS_304:
		return status_answer(w, 304);
	case SERVE_B_EMPTY:
		return ok_answer(w, "application/xml", (struct sv){ "", 0 });
	case SERVE_B_HTML:
		return ok_answer(w, "text/html", SV("<!doctype html>\n<html lang=\"en\"><head><title>Welcome</title>"
		    "</head><body><p>This server works.</body></html>\n"));
	default:
		return garbage_answer(w, k);
	}
}

/* --- all together --- */

static void
count(struct work *w)
{
	struct serve_host_stat *st = &w->h->stat;

	st->requests++;
	if (w->kind == SERVE_NOTIFICATION)
		st->notifications++;
	else if (w->kind == SERVE_SNAPSHOT)
		st->snapshots++;
	else if (w->kind == SERVE_DELTA)
		st->deltas++;
	else
		st->others++;
}

static int
answer(struct work *w)
{
	struct serve_strike k;
	int rc;

	if (w->req->bad != 0)
		return status_answer(w, w->req->bad);
	if (sv_starts(w->req->path, SV(LOOP_PATH)))
		return redirect_loop(w);
	if ((k = serve_strike(w->h, SERVE_AT_ANSWER, w->req->path, w->kind)).on) {
		serve_body_done(&w->a->body);
		w->a->body = (struct serve_body)SERVE_BODY_INIT;
		return other_answer(w, &k);
	}
	if (!w->found)
		return status_answer(w, 404);
	k = serve_strike(w->h, SERVE_AT_DOC, w->req->path, w->kind);
	if ((rc = doc_change(w, &k)) < 0)
		return rc;
	k = serve_strike(w->h, SERVE_AT_BODY, w->req->path, w->kind);
	if ((rc = body_change(w, &k)) != 0)
		return rc;
	return doc_answer(w);
}

int
serve_answer_make(struct serve_host *h, const struct serve_req *req, struct serve_answer *ret)
{
	struct work w = { .h = h, .req = req, .a = ret, .kind = SERVE_OTHER, .type = "application/xml" };
	int rc = -ENOENT;

	*ret = (struct serve_answer){ .body = SERVE_BODY_INIT };
	if (req->bad == 0)
		rc = doc_open(&w, 0);
	w.found = rc == 0;
	if (rc < 0) {
		serve_body_done(&ret->body);
		ret->body = (struct serve_body)SERVE_BODY_INIT;
	}
	if (w.kind == SERVE_OTHER)
		w.type = "application/octet-stream";
	w.gzip = req->gzip && !req->http10 && !h->serve->conf.no_gzip && w.kind != SERVE_OTHER;
	count(&w);
	rc = answer(&w);
	if (rc < 0 && rc != -ENOMEM) {	/* a notification that is none, a file that went */
		serve_answer_done(ret);
		*ret = (struct serve_answer){ .body = SERVE_BODY_INIT };
		rc = status_answer(&w, 500);
	}
	if (rc >= 0)
		ret->send = serve_strike(h, SERVE_AT_SEND, req->bad == 0 ? req->path : SV("/"), w.kind);
	if (ret->status == 304)
		h->stat.not_modified++;
	if (ret->status >= 400)
		h->stat.errors++;
	return rc < 0 ? rc : 0;
}
