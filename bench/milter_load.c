/*
 * Mail servers' load on filters: N connections at a time, on each one message
 * after the other, and after so many of them a new connection.
 *
 *	milter_load SECONDS CONNECTIONS EACH MESSAGE WHERE WORDS [WHERE WORDS]…
 *	milter_load hold CONNECTIONS MESSAGE WHERE WORDS
 *
 * WHERE: unix:PATH or inet:PORT. With several filters, each message goes to
 * one after the other, with the fields of those before it, as Postfix has it.
 * WORDS, with commas, must stand in the fields that a filter adds: who does
 * not judge is not counted ("-": anything goes). Prints a JSON object: messages, seconds, and in
 * microseconds the median, p99 and maximum of a message's round trip (from
 * its first octet, or the connection's in front of the first one, to the last
 * filter's verdict), and this program's own processor time.
 *
 * hold: one message on each connection, and a line when all of it was sent on
 * all of them; when standard input ends, its end is told. So the memory of
 * what a filter keeps of them can be looked at.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "milter_talk.h"

#define FILTERS_MAX	4
#define CONNECTIONS_MAX	1000
#define STACK		(256 * 1024)
#define STEPS		64		/* of the histogram in each power of two: 1.6 % */
#define PLACES		(STEPS * 64)

struct filter {
	const char	*where, *words;
};

/* What all threads share; they change nothing of it but what is atomic. */
struct load {
	struct filter	 filters[FILTERS_MAX];
	size_t		 n_filters;
	struct mail	 mail;
	uint64_t	 end_nsec;
	unsigned long	 each;
	atomic_uint	 number;		/* of queue ids */
	pthread_barrier_t sent, go;		/* hold */
};

/* One connection, and what it has seen. */
struct worker {
	pthread_t	 thread;
	struct load	*load;
	uint32_t	 seen[PLACES];
	uint64_t	 n, most;
	char		 id[32];
};

static __attribute__((noreturn)) void
die(const char *what)
{
	fprintf(stderr, "milter_load: %s\n", what);
	exit(3);
}

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- how long --- */

static unsigned
place_of(uint64_t nsec)
{
	unsigned e;

	if (nsec < STEPS)
		return (unsigned)nsec;
	e = 63 - (unsigned)__builtin_clzll(nsec) - 6;	/* so that nsec >> e is below 2 * STEPS */
	return (e + 1) * STEPS + (unsigned)(nsec >> e) - STEPS;
}

/* The middle of a place. */
static double
place_usec(unsigned place)
{
	unsigned e = place / STEPS;

	if (e == 0)
		return place / 1e3;
	return ((double)(place % STEPS + STEPS) + 0.5) * (double)(1ULL << (e - 1)) / 1e3;
}

static void
seen_add(struct worker *w, uint64_t nsec)
{
	w->seen[place_of(nsec)]++;
	w->n++;
	if (nsec > w->most)
		w->most = nsec;
}

static double
share_usec(const uint64_t *seen, uint64_t n, double share)
{
	uint64_t left = (uint64_t)((double)n * share);

	for (unsigned i = 0; i < PLACES; i++) {
		if (seen[i] > left)
			return place_usec(i);
		left -= seen[i];
	}
	return 0;
}

/* --- messages --- */

static void
words_check(const struct talk *t, const struct filter *f)
{
	char words[200], *rest = words, *word;
	bool any = strcmp(f->words, "-") == 0;

	if (t->verdict != 'a' && t->verdict != 'c') {
		fprintf(stderr, "milter_load: %s says \"%c\"\n", f->where, t->verdict);
		exit(3);
	}
	(void)snprintf(words, sizeof(words), "%s", f->words);
	while (!any && (word = strsep(&rest, ",")) != NULL)
		if (t->added.n == 0 || memmem(t->added.p, t->added.n, word, strlen(word)) == NULL) {
			fprintf(stderr, "milter_load: %s does not say \"%s\":\n", f->where, word);
			(void)fwrite(t->added.p, 1, t->added.n, stderr);
			exit(3);
		}
}

static void
id_next(struct worker *w)
{
	(void)snprintf(w->id, sizeof(w->id), "%012X", atomic_fetch_add(&w->load->number, 1));
}

/* All filters hear of the envelope before the first hears of the message. */
static void
message_send(struct worker *w, struct talk *talks)
{
	const struct load *l = w->load;
	struct octets on_top = { 0 };

	for (size_t i = 0; i < l->n_filters; i++)
		if (!talk_envelope(&talks[i], w->id))
			words_check(&talks[i], &l->filters[i]);
	for (size_t i = 0; i < l->n_filters; i++) {
		struct octets all = { 0 };

		talk_message(&talks[i], &on_top, &l->mail);
		talk_end(&talks[i]);
		words_check(&talks[i], &l->filters[i]);
		octets_put(&all, talks[i].added.p, talks[i].added.n);
		octets_put(&all, on_top.p, on_top.n);
		free(on_top.p);
		on_top = all;
	}
	free(on_top.p);
}

static void
connection(struct worker *w, struct talk *talks)
{
	const struct load *l = w->load;
	uint64_t begin = now();

	for (size_t i = 0; i < l->n_filters; i++) {
		talk_open(&talks[i], l->filters[i].where);
		talk_client(&talks[i]);
	}
	for (unsigned long k = 0; k < l->each && (k == 0 || begin < l->end_nsec); k++) {
		id_next(w);
		message_send(w, talks);
		seen_add(w, now() - begin);
		for (size_t i = 0; i < l->n_filters; i++)
			talk_abort(&talks[i]);
		begin = now();
	}
	for (size_t i = 0; i < l->n_filters; i++)
		talk_close(&talks[i]);
}

static void
talks_done(struct talk *talks)
{
	for (size_t i = 0; i < FILTERS_MAX; i++) {
		free(talks[i].in.p);
		free(talks[i].out.p);
		free(talks[i].added.p);
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct talk talks[FILTERS_MAX] = { 0 };

	while (now() < w->load->end_nsec)
		connection(w, talks);
	talks_done(talks);
	return NULL;
}

static void *
hold(void *arg)
{
	struct worker *w = arg;
	struct load *l = w->load;
	struct talk talks[FILTERS_MAX] = { 0 }, *t = talks;
	const struct octets nothing = { 0 };
	uint64_t begin = now();

	talk_open(t, l->filters[0].where);
	talk_client(t);
	id_next(w);
	if (!talk_envelope(t, w->id))
		words_check(t, &l->filters[0]);
	talk_message(t, &nothing, &l->mail);
	(void)pthread_barrier_wait(&l->sent);
	(void)pthread_barrier_wait(&l->go);
	talk_end(t);
	words_check(t, &l->filters[0]);
	seen_add(w, now() - begin);
	talk_close(t);
	talks_done(talks);
	return NULL;
}

/* --- all of it --- */

static double
cpu_own(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
report(const struct worker *workers, size_t n, double seconds)
{
	static uint64_t seen[PLACES];
	uint64_t all = 0, most = 0;
	double p99;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < PLACES; k++)
			seen[k] += workers[i].seen[k];
		all += workers[i].n;
		most = workers[i].most > most ? workers[i].most : most;
	}
	p99 = share_usec(seen, all, 0.99);	/* the middle of its place */
	p99 = p99 < (double)most / 1e3 ? p99 : (double)most / 1e3;
	printf("{\"messages\": %llu, \"seconds\": %.4f, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f, "
	    "\"cpu\": %.4f}\n", (unsigned long long)all, seconds, share_usec(seen, all, 0.5),
	    p99, (double)most / 1e3, cpu_own());
}

static unsigned long
number(const char *s, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s == '\0' || *end != '\0' || v == 0 || v > max)
		die("a number is expected");
	return v;
}

static void
filters_take(struct load *l, char **argv, size_t n)
{
	if (n < 2 || n % 2 != 0 || n / 2 > FILTERS_MAX)
		die("usage: milter_load SECONDS|hold CONNECTIONS [EACH] MESSAGE WHERE WORDS …");
	for (size_t i = 0; i < n; i += 2)
		l->filters[l->n_filters++] = (struct filter){ argv[i], argv[i + 1] };
}

static void
wait_held(struct load *l)
{
	(void)pthread_barrier_wait(&l->sent);
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	(void)pthread_barrier_wait(&l->go);
}

static void
run(struct load *l, size_t n, bool holds)
{
	struct worker *all = calloc(n, sizeof(*all));
	pthread_attr_t attr;
	uint64_t begin = now();

	if (all == NULL || pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, STACK) != 0 ||
	    pthread_barrier_init(&l->sent, NULL, (unsigned)n + 1) != 0 ||
	    pthread_barrier_init(&l->go, NULL, (unsigned)n + 1) != 0)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		all[i].load = l;
		if (pthread_create(&all[i].thread, &attr, holds ? hold : work, &all[i]) != 0)
			die("no thread");
	}
	if (holds)
		wait_held(l);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(all[i].thread, NULL);
	report(all, n, (double)(now() - begin) / 1e9);
	free(all);
}

int
main(int argc, char **argv)
{
	static struct load l;
	bool holds = argc > 1 && strcmp(argv[1], "hold") == 0;
	int first = holds ? 4 : 5;		/* behind the message */
	unsigned long n;

	if (argc < first + 2)
		filters_take(&l, argv, 0);
	filters_take(&l, argv + first, (size_t)(argc - first));
	n = number(argv[2], CONNECTIONS_MAX);
	mail_read(argv[first - 1], &l.mail);
	/* Row identities are queue ids: those of another run must be others. */
	atomic_init(&l.number, (unsigned)now());
	if (!holds) {
		l.each = number(argv[3], 1000000);
		l.end_nsec = now() + number(argv[1], 3600) * 1000000000ULL;
	}
	run(&l, n, holds);
	return 0;
}
