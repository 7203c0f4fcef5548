/*
 * What the commands of area "mail" share: a message, its envelope and the
 * DNS, judged once; then each command shows of it what it is asked for.
 */
#ifndef CMD_MAIL_H
#define CMD_MAIL_H

#include "app/mail_dns.h"
#include "app/mail_psl.h"
#include "cmd/cmd.h"
#include "mail/story.h"
#include "sys/file.h"

#define MAIL_TEXT_MAX	((size_t)256 << 20)	/* of a message: providers take 25 to 150 MB */

struct mail_case {
	/* options */
	const char		*dns[MAIL_DNS_FILES_MAX];
	size_t			 n_dns;
	const char		*resolver, *psl_path, *client, *helo, *sender, *id;
	uint32_t		 timeout_sec;
	bool			 nagios, no_dns;
	struct mail_case	*dns_of;	/* whose answers these are; NULL: its own */
	/* the message */
	const char		*name;		/* of its file; "-": standard input */
	struct file_map		 map;
	struct buf		 read;
	struct pool		*kept;		/* what a new question to the DNS leaves as it is */
	struct pool		*pool;		/* what is made anew */
	struct mail_head	 head;
	struct sv		 text, body;
	struct mail_judge	 judge;
	struct findings		 head_fs;	/* of the message itself */
	/* what came of it */
	struct mail_dns		*source;
	struct psl_ctx_st	*psl;
	struct mail_judge_in	 in;
	struct mail_judge_out	 out;
	struct findings		 fs;
	struct mail_story	 story;
	struct authres		 results;
};

/* Rows for a command's options; the state is a struct mail_case. */
#define MAIL_DNS_OPTS \
	{ "dns", 0, "FILE", N_("take all answers of the DNS from this zone file; may be repeated") }, \
	{ "resolver", 0, "ADDR[:PORT]", N_("ask this resolver (those of /etc/resolv.conf)") }, \
	{ "timeout", 0, "SECONDS", N_("how long to wait for the DNS, all questions together (30)") }
#define MAIL_OPTS \
	{ "client", 0, "ADDRESS", N_("the address of the client that delivered it, for SPF") }, \
	{ "helo", 0, "NAME", N_("the name that the client gave (HELO, EHLO)") }, \
	{ "sender", 0, "ADDRESS", N_("the envelope's sender; \"\" is the null sender (else that of Return-Path)") }, \
	{ "authserv-id", 0, "NAME", N_("who says so in Authentication-Results (this host)") }, \
	MAIL_DNS_OPTS, \
	{ "psl", 0, "FILE|none", N_("the list of public suffixes, for the result by RFC 7489 (Debian's)") }, \
	{ "nagios", 0, NULL, N_("one line and the exit status of a monitoring plugin") }

/* .opt and .done of these commands. */
int	 mail_opt(struct cmd_ctx *, void *state, const struct cmd_opt *, const char *arg);
void	 mail_done(void *state);
/* Its text only ("-": standard input). */
int	 mail_text_take(const struct cmd_ctx *, struct mail_case *, const char *name);
/* Read the message of that name, ask, judge: 0, or an exit code after saying why. */
int	 mail_take(const struct cmd_ctx *, struct mail_case *, const char *name);
/* By DESIGN section 10: see sekisho-mail(1). */
int	 mail_exit(const struct mail_case *);
/* The run() of a command for one message: text, JSON or a plugin's line, and the exit code. */
int	 mail_run(struct cmd_ctx *, struct mail_case *, int argc, char **argv,
	    void (*text)(const struct cmd_ctx *, const struct mail_case *, struct buf *));

/* --- mail_show.c --- */

/* A name without its final dot. */
void	 mail_name_print(struct buf *, const struct dname *);
/* "dkim pass  …": the lines of verify. */
void	 mail_lines_print(const struct cmd_ctx *, const struct mail_case *, struct buf *);
/* The field that we would add. */
void	 mail_results_print(const struct mail_case *, struct buf *);

/* --- mail_explain.c --- */

/* The whole chain of evidence. */
void	 mail_explain_print(const struct cmd_ctx *, const struct mail_case *, struct buf *);

/* --- mail_json.c --- */

void	 mail_json_print(const struct cmd_ctx *, const struct mail_case *, struct buf *);

#endif
