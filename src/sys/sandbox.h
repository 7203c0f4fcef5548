/*
 * What a process may do is a profile: a list of system calls (seccomp), of
 * paths (Landlock), and limits (rlimits); no_new_privs always. It closes
 * after the role has its configuration and before it sees a byte of a
 * stranger, and it cannot be opened again.
 *
 * A call that is not on the list ends the process (SECCOMP_RET_KILL_PROCESS)
 * when it belongs to those that only an attacker makes (exec, ptrace, mount,
 * module and key calls …); all others fail with EPERM, because libraries
 * probe for calls that they can do without, and a monitor that dies of a new
 * libc is worse than one whose call was refused.
 *
 * Landlock is used by raw system calls, with whatever the kernel offers from
 * ABI 1 up; truncation (ABI 3) and connecting (ABI 4) are closed by seccomp,
 * too, because Debian 12's kernel has ABI 2. Where Landlock or seccomp is
 * absent, sandbox_enter() fails for a profile with .required: the role does
 * not start. `--no-sandbox` is the operator's explicit word against it and
 * goes to the audit log.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

enum sandbox_access {
	SANDBOX_READ,		/* files below it may be read, folders listed */
	SANDBOX_WRITE,		/* also made, written, renamed, removed */
	SANDBOX_EXEC,		/* read, and run */
	SANDBOX_NAMELESS,	/* O_TMPFILE in it; files that are there, too, but none is made */
};

/* Groups of system calls, beyond the base (memory, time, read, write, epoll …). */
enum {
	SANDBOX_ACCEPT = 1 << 0,	/* accept, and options of those sockets */
	SANDBOX_OPEN = 1 << 1,		/* open, stat, list (Landlock says where) */
	SANDBOX_CHANGE = 1 << 2,	/* rename, unlink, truncate, fsync, mkdir */
	SANDBOX_THREADS = 1 << 3,	/* clone of threads, futex */
	SANDBOX_MEMFD = 1 << 4,		/* memfd_create, seals, truncate of it */
	SANDBOX_CONNECT = 1 << 5,	/* IP sockets, connect; not bind, not listen */
	SANDBOX_TCP_ONLY = 1 << 6,	/* … of TCP only */
	SANDBOX_PROGRAM = 1 << 7,	/* fork, exec (Landlock says of what), a sandbox within */
	SANDBOX_MODULE = 1 << 8,	/* code of others in this process: its locks; its threads get in, too */
	SANDBOX_LOCAL = 1 << 9,		/* stream sockets to programs of this machine, connect */
	SANDBOX_SIGWAIT = 1 << 10,	/* a thread of a library that waits for signals */
};

struct sandbox_profile {
	const char	*name;
	unsigned	 calls;
	uint64_t	 max_memory;	/* of its own (RLIMIT_DATA); 0: unlimited */
	uint64_t	 max_mapped;	/* files mapped besides (RLIMIT_AS is both) */
	uint64_t	 max_files;	/* RLIMIT_NOFILE */
	uint64_t	 max_file;	/* RLIMIT_FSIZE, memfds included; 0: none is written */
	bool		 required;	/* it sees remote bytes: fail closed */
	uint64_t	 max_cpu;	/* RLIMIT_CPU in seconds; 0: unlimited */
	uint64_t	 max_procs;	/* RLIMIT_NPROC, of this user; 0: unlimited */
};

/*
 * One per role; see sandbox.c. Box is the part of role rsync that starts the
 * program, program what the program itself is in, within the box.
 */
extern const struct sandbox_profile sandbox_rsync, sandbox_box, sandbox_program;
/* The same for role mail and the sendmail program. */
extern const struct sandbox_profile sandbox_mail, sandbox_mail_box, sandbox_sendmail;
extern const struct sandbox_profile sandbox_fetch, sandbox_store, sandbox_validate,
	sandbox_rtr, sandbox_verify, sandbox_web, sandbox_zone, sandbox_key, sandbox_name, sandbox_milter,
	sandbox_seal, sandbox_report, sandbox_mark;

/*
 * What libc's resolver reads (NULL ends the list); those that are there are
 * to be named with sandbox_path(). They are opened by then: a file that is
 * replaced later is another one, so a role that looks names up starts anew
 * when their file_signature() changes.
 */
extern const char *const sandbox_resolver_files[];

struct sandbox;			/* the paths, gathered before it closes */

struct sandbox	*sandbox_new(void);
struct sandbox	*sandbox_free(struct sandbox *);
int		 sandbox_path(struct sandbox *, const char *path, enum sandbox_access) MUST_USE;
/* TCP may connect to this port and no other (where the kernel has Landlock's ABI 4). */
void		 sandbox_port(struct sandbox *, uint16_t port);
/*
 * Close it, for good. *ret_what names the part that failed ("landlock",
 * "seccomp", "rlimit"). Without .required, absent parts of the kernel are
 * passed over and named in *ret_what with 0 returned.
 */
int		 sandbox_enter(struct sandbox *, const struct sandbox_profile *,
		    const char **ret_what) MUST_USE;
/* The kernel's Landlock ABI; 0: absent. */
int		 sandbox_landlock_abi(void);

DEFINE_CLEANUP(struct sandbox, sandbox_free)

#endif
