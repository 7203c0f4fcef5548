/*
 * A program that is not ours, run in a box: argv without a shell, an empty
 * environment, /dev/null or what it is given as input, /dev/null as output,
 * its own session, its own sandbox (its kind: one folder to write to, the
 * program and its libraries to read, TCP), limits of memory, processor time
 * and file size, a deadline, and an eye on what the folder weighs. At the end
 * its whole process group is killed.
 *
 * Who starts such a program must be able to fork, to exec and to connect. So
 * the role that has the frames and reads the files does not do it: it has a
 * small process made before its own sandbox closes (box_new()), which does
 * nothing else, in a sandbox of its own (sandbox_box: Landlock lets it
 * execute the one program and the loader, nothing more). Requests and answers
 * are packets on a socket pair; each request is worked on in a process of its
 * own, which may block, and dies with the one that made it.
 */
#ifndef SYS_BOX_H
#define SYS_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/sv.h"
#include "base/util.h"
#include "sys/sandbox.h"

#define BOX_PACKET_MAX	(48 * 1024)	/* a mail; a request of rsync has 2 KB */
#define BOX_TEXT_MAX	400		/* of what the program said */

/*
 * What programs of one kind may: profiles of the process that starts them and
 * of themselves, and what they read beyond their libraries (NULL ends it;
 * what is absent is passed over).
 */
struct box_kind {
	const struct sandbox_profile	*box, *program;
	const char *const		*reads;
	bool				 nameless;	/* tmpfile(3) works */
};
extern const struct box_kind box_rsync, box_sendmail;

/* --- one run, blocking --- */

struct box_run {
	const struct box_kind *kind;
	const char	*program;
	char *const	*argv;
	const char	*folder;	/* absolute; its working directory */
	struct sv	 input;		/* of nothing: /dev/null */
	bool		 is_file;	/* the input is the file that came with the request */
	uint16_t	 port;		/* the only one; 0: any */
	uint32_t	 timeout_sec;
	uint64_t	 max_names, max_bytes;	/* of the folder */
	bool		 no_sandbox;
};

enum box_end {
	BOX_EXITED,			/* .code: its status */
	BOX_KILLED,			/* .code: the signal */
	BOX_LATE,			/* it reached its deadline */
	BOX_LARGE,			/* the folder outgrew its limits */
	BOX_CANNOT,			/* .code: -Exxx: it did not start */
};

struct box_end_info {
	enum box_end	 end;
	int		 code;
	char		 text[BOX_TEXT_MAX + 1];	/* printable; lines end in "; " */
};

void	 box_run(const struct box_run *, struct box_end_info *ret);

/* --- addresses --- */

struct box_addr {
	uint8_t	 bytes[16];
	size_t	 n;			/* 4 or 16 */
	char	 text[64];		/* an IPv6 address in brackets */
};
/* In the order in which they should be tried; blocks. -ENOENT: no such name. */
int	 box_resolve(const char *host, bool numeric, struct box_addr *ret, size_t max,
	    size_t *ret_n) MUST_USE;

/* --- the process that does it --- */

/* In a process of its own: from a request to an answer (at most BOX_PACKET_MAX). */
typedef size_t	(*box_job_fn)(void *arg, struct sv request, char *answer, size_t max);

struct box_conf {
	const struct box_kind *kind;
	const char	*program;	/* that may be executed */
	const char	*folder;	/* below which all runs have theirs */
	box_job_fn	 job;
	void		*arg;
	bool		 no_sandbox;
};

/*
 * *ret_fd: non-blocking; readable when an answer is there, or when the
 * process has died. Returns when its sandbox is closed, or failed (*ret_what).
 */
int	 box_new(const struct box_conf *, int *ret_fd, pid_t *ret_pid, const char **ret_what) MUST_USE;
int	 box_ask(int fd, struct sv request) MUST_USE;
/* With a file, for input that no packet could hold; it stays the caller's. */
int	 box_ask_file(int fd, struct sv request, int file) MUST_USE;
/* Wait for an answer: 0, or -ETIMEDOUT. */
int	 box_wait(int fd, int64_t usec) MUST_USE;
/* The bytes of an answer; -EAGAIN: none; -EPIPE: it is dead. */
int	 box_answer(int fd, char answer[static BOX_PACKET_MAX]) MUST_USE;

#endif
