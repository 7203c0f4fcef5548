/*
 * Processes: starting a role, ending with its parent, dropping privileges,
 * the lock that says that somebody works here, random numbers.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include <signal.h>		/* the names of the signals */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"

#define PROC_CHILD_FD	3	/* the child's end of the socket pair */

/*
 * Start a program: its end of a new SOCK_SEQPACKET pair on fd 3, stdin and
 * stdout on /dev/null, stderr as ours, no other descriptor, an empty
 * environment, SIGKILL when we end. *ret_fd is our end (non-blocking).
 */
int	 proc_spawn(const char *path, pid_t *ret_pid, int *ret_fd) MUST_USE;
/*
 * fork(), but what a signal meant to us it does not mean to the child: a
 * signal that meets it on its way to exec would otherwise run our handler,
 * and libevent's tells our own loop. In the child all are as at a start.
 */
pid_t	 proc_fork(void) MUST_USE;
/* The next child that has ended; false: none. text is "signal 9", "status 3". */
bool	 proc_reap(pid_t *ret_pid, bool *ret_ok, char text[static 32]);
void	 proc_signal(pid_t, int signo);
bool	 proc_can_run(const char *path);
/* Set-user-id or set-group-id? */
bool	 proc_gains_rights(const char *path);
/* Replace this process. Returns only on failure. */
int	 proc_exec(const char *path, char *const argv[]);

/* For a child: SIGPIPE, SIGINT and SIGHUP are the parent's business. */
void	 proc_child_signals(void);
void	 proc_no_sigpipe(void);
/* Now, without exit handlers. */
void	 proc_end(int status) __attribute__((noreturn));
pid_t	 proc_pid(void);
bool	 proc_is_root(void);
/* This machine's name, as its administrator gave it; "localhost" where there is none. */
const char *proc_host_name(char *buf, size_t n);
/* The running program's folder, without "/" at its end. */
int	 proc_folder(char *buf, size_t n) MUST_USE;
/* A path that stays true when the working directory changes; "" stays "". */
int	 proc_absolute(const char *path, char *buf, size_t n) MUST_USE;

/*
 * Become that user for good, with its group alone. -ENOENT: no such user;
 * -EPERM: we are not root.
 */
struct proc_user {
	uid_t	uid;
	gid_t	gid;
};
int	 proc_user_find(const char *name, struct proc_user *ret) MUST_USE;
/* Its name, or "?" where it has none or one that is not letters, digits and "._-$@"; returns buf. */
const char *proc_user_name(uid_t, char *buf, size_t n);
int	 proc_user_become(const struct proc_user *) MUST_USE;
/* Hand a file or folder over to it. */
int	 proc_user_own(const struct proc_user *, const char *path) MUST_USE;

/*
 * Take the lock (a file with our pid in it). SE_LOCKED: *ret_holder is the
 * pid that has it (0: unknown). The lock ends with the process.
 */
int	 proc_lock(const char *path, int *ret_fd, long *ret_holder) MUST_USE;

int	 random_fill(void *, size_t n) MUST_USE;

#endif
