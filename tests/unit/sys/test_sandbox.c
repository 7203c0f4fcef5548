/*
 * The proof: each attempt is made in a fresh child twice, first without the
 * sandbox, where it must succeed, then inside a role's, where it must fail;
 * and what the role needs must work inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

#include "base/util.h"
#include "sys/memfd.h"
#include "sys/sandbox.h"

static char	 dir[] = "/tmp/sekisho-sandbox-XXXXXX";	/* the role's folder is dir/in */
static char	 in_file[128], in_new[128], in_dir[128], out_file[128], out_new[128];
static int	 listener = -1, port;

static bool
file_read_try(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY);
	bool ok = fd >= 0 && read(fd, &c, 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool	read_out(void) { return file_read_try(out_file); }
static bool	read_in(void) { return file_read_try(in_file); }
static bool	list_out(void) { return open(dir, O_RDONLY | O_DIRECTORY) >= 0; }
static bool	create_out(void) { return open(out_new, O_WRONLY | O_CREAT, 0600) >= 0; }
static bool	create_in(void) { return open(in_new, O_WRONLY | O_CREAT, 0600) >= 0; }
static bool	write_out(void) { return open(out_file, O_WRONLY) >= 0; }
static bool	trunc_open(void) { return open(in_file, O_RDONLY | O_TRUNC) >= 0; }
static bool	trunc_path(void) { return truncate(in_file, 1) == 0; }
static bool	trunc_out(void) { return truncate(out_file, 1) == 0; }
static bool	unlink_out(void) { return unlink(out_file) == 0; }
static bool	rename_in(void) { return rename(in_file, in_new) == 0; }
static bool	chmod_in(void) { return chmod(in_file, 0777) == 0; }
static bool	symlink_in(void) { return symlink("/etc/passwd", in_new) == 0; }
static bool	socket_try(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool	udp_try(void) { return socket(AF_INET, SOCK_DGRAM, 0) >= 0; }
static bool	unix_try(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
static bool	netlink_try(void) { return socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }
static bool	signal_try(void) { return kill(getppid(), 0) == 0; }
static bool	memfd_try(void) { return memfd_create("x", 0) >= 0; }

static bool
connect_try(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* On a socket that was open before: the call itself must be closed. */
static int	early_socket = -1;

static bool
connect_early(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return connect(early_socket, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool
bind_early(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return bind(early_socket, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* The kernel would choose the port. */
static bool
listen_try(void)
{
	return listen(early_socket, 1) == 0;
}

static bool
accept_try(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	/* The client connected before the sandbox closed: see prepare_child(). */
	(void)a;
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) >= 0;
}

static bool
fork_try(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static bool
exec_try(void)
{
	/* Success ends this process with status 0. */
	(void)execl("/bin/true", "true", (char *)NULL);
	return false;
}

static bool
ptrace_try(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static void *
thread_body(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static bool
thread_try(void)
{
	pthread_t t;
	int ran = 0;

	return pthread_create(&t, NULL, thread_body, &ran) == 0 &&
	    pthread_join(t, NULL) == 0 && ran == 1;
}

static bool
unshare_try(void)
{
	return unshare(CLONE_FILES) == 0;
}

static bool
proc_mem(void)
{
	return open("/proc/self/mem", O_RDWR) >= 0;
}

static bool
memfd_use(void)
{
	struct file_map m;
	int fd;
	bool ok = memfd_of("x", SV("hello"), &fd) == 0 && memfd_map(fd, false, 100, &m) == 0;

	return ok && m.data.n == 5;
}

static atomic_int early_word;	/* 1: try; 2, 3: it did not, did work */
static pthread_t early_id;

static void *
early_run(void *arg)
{
	while (early_word == 0)
		(void)usleep(1000);
	early_word = socket_try() ? 3 : 2;
	return arg;
}

static bool
early_thread(void)
{
	early_word = 1;
	(void)pthread_join(early_id, NULL);
	return early_word == 3;
}

struct attempt {
	const char	*name;
	bool		(*fn)(void);
};

/* Nobody may; each works outside. */
static const struct attempt nobody[] = {
	{ "read a file elsewhere", read_out },
	{ "list a folder elsewhere", list_out },
	{ "create a file elsewhere", create_out },
	{ "open a file elsewhere to write", write_out },
	{ "truncate a file elsewhere", trunc_out },
	{ "remove a file elsewhere", unlink_out },
	{ "make a netlink socket", netlink_try },
	{ "bind a socket made before", bind_early },
	{ "listen", listen_try },
	{ "exec", exec_try },
	{ "ptrace", ptrace_try },
	{ "unshare", unshare_try },
	{ "write its own memory through /proc", proc_mem },
	{ "change a file's mode", chmod_in },
	{ "make a symbolic link", symlink_in },
};
/* Only for who starts a program, or is one. */
static const struct attempt forking[] = {
	{ "fork", fork_try },
	{ "make memory executable", map_code },
};
static const struct attempt signalling[] = { { "signal its parent", signal_try } };
static const struct attempt locals[] = { { "make a unix socket", unix_try } };
static const struct attempt early[] = { { "make a socket in a thread from before", early_thread } };
static const struct attempt datagrams[] = { { "make a UDP socket", udp_try } };
static const struct attempt writing[] = {
	{ "create a file in its folder", create_in },
	{ "rename a file in its folder", rename_in },
	{ "truncate a file by opening it", trunc_open },
};
static const struct attempt reading[] = {
	{ "read a file in its folder", read_in },
};
static const struct attempt truncating[] = { { "truncate a file by its path", trunc_path } };
static const struct attempt connecting[] = {
	{ "make a socket", socket_try },
	{ "connect", connect_try },
	{ "connect a socket made before", connect_early },
};
static const struct attempt accepting[] = { { "accept a connection", accept_try } };
static const struct attempt threading[] = { { "start a thread", thread_try } };
static const struct attempt memfds[] = {
	{ "make a memfd", memfd_try }, { "fill, seal and map a memfd", memfd_use } };

/* As role key makes them for a PKCS#11 module. */
static const struct sandbox_profile module = {
	.name = "module", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_THREADS | SANDBOX_MODULE,
	.max_files = 64, .max_file = 1 << 20, .required = true,
};
static const struct sandbox_profile module_local = {
	.name = "module that connects here", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_THREADS |
	SANDBOX_MODULE | SANDBOX_LOCAL, .max_files = 64, .max_file = 1 << 20, .required = true,
};

struct profile {
	const struct sandbox_profile	*p;
	bool				 folder;	/* has one */
	enum sandbox_access		 access;
};

static const struct profile profiles[] = {
	{ &sandbox_fetch, true, SANDBOX_READ },
	{ &sandbox_rsync, true, SANDBOX_WRITE },
	{ &sandbox_box, true, SANDBOX_WRITE },
	{ &sandbox_program, true, SANDBOX_WRITE },
	{ &sandbox_mail, false, SANDBOX_READ },
	{ &sandbox_mail_box, true, SANDBOX_WRITE },
	{ &sandbox_sendmail, true, SANDBOX_WRITE },
	{ &sandbox_store, true, SANDBOX_WRITE },
	{ &sandbox_validate, true, SANDBOX_READ },
	{ &sandbox_rtr, false, SANDBOX_READ },
	{ &sandbox_web, false, SANDBOX_READ },
	{ &sandbox_key, true, SANDBOX_WRITE },
	{ &sandbox_name, false, SANDBOX_READ },
	{ &sandbox_milter, true, SANDBOX_WRITE },
	{ &sandbox_report, true, SANDBOX_WRITE },
	{ &sandbox_mark, true, SANDBOX_WRITE },
	{ &module, true, SANDBOX_WRITE },
	{ &module_local, true, SANDBOX_WRITE },
};

static unsigned	n_tests, n_failed;

static void
tap(bool ok, const char *who, const char *what, const char *how)
{
	n_tests++;
	n_failed += !ok;
	printf("%sok %u - %s: %s %s\n", ok ? "" : "not ", n_tests, who, what, how);
}

static void
write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "secret\n", 7) != 7)
		abort();
	(void)close(fd);
}

static void
world(void)
{
	(void)unlink(in_new);
	(void)unlink(out_new);
	(void)mkdir(in_dir, 0700);
	write_file(in_file);
	write_file(out_file);
}

/* A connection waits in the backlog; a socket exists. */
static void
prepare_child(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		_exit(3);
	early_socket = socket(AF_INET, SOCK_STREAM, 0);
	if (pthread_create(&early_id, NULL, early_run, NULL) != 0)
		_exit(3);
}

static int
enter(const struct profile *pr)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	const char *what;

	if (s == NULL || (pr->folder && sandbox_path(s, in_dir, pr->access) < 0))
		return -1;
	return sandbox_enter(s, pr->p, &what);
}

/* true: the attempt succeeded. A child that is killed did not succeed. */
static bool
attempt(const struct attempt *a, const struct profile *pr)
{
	pid_t pid;
	int st;

	world();
	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		prepare_child();
		if (pr != NULL && enter(pr) < 0)
			_exit(2);
		_exit(a->fn() ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &st, 0) != pid)
		abort();
	/* What waits in the backlog still would satisfy the next accept. */
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0; )
		(void)close(fd);
	if (WIFEXITED(st) && WEXITSTATUS(st) >= 2) {
		printf("# the child could not prepare: status %d\n", WEXITSTATUS(st));
		return pr == NULL ? false : true;	/* fails the proof either way */
	}
	return WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static void
prove(const struct profile *pr, const struct attempt *a, size_t n, bool allowed)
{
	for (size_t i = 0; i < n; i++) {
		bool without = attempt(&a[i], NULL), within = attempt(&a[i], pr);

		tap(without && within == allowed, pr->p->name, a[i].name,
		    allowed ? "works inside" : "works outside, not inside");
		if (!without)
			printf("# it did not work outside either\n");
	}
}

#define ALL(a)	(a), ARRAY_LEN(a)

static void
prove_profile(const struct profile *pr)
{
	unsigned c = pr->p->calls;

	bool program = (c & SANDBOX_PROGRAM) != 0;

	prove(pr, ALL(nobody), false);
	prove(pr, ALL(forking), program);
	/* Landlock keeps signals in from ABI 6 on; before, the call is all there is. */
	prove(pr, ALL(signalling), program && sandbox_landlock_abi() < 6);
	prove(pr, ALL(datagrams), (c & SANDBOX_CONNECT) != 0 && (c & SANDBOX_TCP_ONLY) == 0);
	prove(pr, ALL(writing), pr->folder && pr->access == SANDBOX_WRITE);
	prove(pr, ALL(truncating), false);	/* by path: nobody needs it */
	prove(pr, ALL(reading), pr->folder);
	/* Before ABI 4 a call is all there is, too: SANDBOX_LOCAL has it. */
	if ((c & SANDBOX_LOCAL) == 0 || sandbox_landlock_abi() >= 4)
		prove(pr, ALL(connecting), (c & SANDBOX_CONNECT) != 0);
	prove(pr, ALL(locals), (c & SANDBOX_LOCAL) != 0);
	if ((c & SANDBOX_MODULE) != 0)
		prove(pr, ALL(early), false);
	prove(pr, ALL(accepting), (c & SANDBOX_ACCEPT) != 0);
	prove(pr, ALL(threading), (c & SANDBOX_THREADS) != 0 || program);
	prove(pr, ALL(memfds), (c & SANDBOX_MEMFD) != 0);
}

static int
listen_loopback(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(listener, 128) < 0 || getsockname(listener, (struct sockaddr *)&a, &n) < 0)
		return -1;
	port = ntohs(a.sin_port);
	return 0;
}

/* As on a kernel without Landlock. */
static int
enter_without_landlock(const struct sandbox_profile *p, const char **ret_what)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	if (s == NULL || f == NULL || seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(landlock_create_ruleset), 0) < 0 || seccomp_load(f) < 0)
		return 1;
	return sandbox_enter(s, p, ret_what);
}

static bool
fails_closed(const struct sandbox_profile *p)
{
	struct sandbox_profile lax = *p;
	const char *what = "";
	int st, lax_st;

	lax.required = false;
	if (fork() == 0)
		_exit(enter_without_landlock(p, &what) < 0 && strcmp(what, "landlock") == 0 ? 0 : 1);
	(void)wait(&st);
	if (fork() == 0)
		_exit(enter_without_landlock(&lax, &what) == 0 && what != NULL ? 0 : 1);
	(void)wait(&lax_st);
	return st == 0 && lax_st == 0;
}

/* Which port a program may connect to; kernels before ABI 4 cannot tell. */
static int	only_port;

static bool
connect_only(void)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	const char *what;

	if (only_port != 0) {
		sandbox_port(s, (uint16_t)only_port);
		if (sandbox_enter(s, &sandbox_program, &what) < 0)
			return false;
	}
	return connect_try();
}

static void
prove_port(void)
{
	static const struct attempt a = { "connect", connect_only };
	bool without, same, other;

	only_port = 0;
	without = attempt(&a, NULL);
	only_port = port;
	same = attempt(&a, NULL);
	only_port = port == 1 ? 2 : port - 1;
	other = attempt(&a, NULL);
	tap(without && same, "program", "connect to its port", "works inside");
	tap(without && other == (sandbox_landlock_abi() < 4), "program", "connect to another port",
	    "works outside, not inside");
}

/* A required profile does not start where a part is missing: no half closed doors. */
static void
prove_closed(void)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();

	tap(sandbox_path(s, "/nonexistent", SANDBOX_READ) == -ENOENT, "all",
	    "a path that is not there", "is an error");
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		tap(profiles[i].p->required && fails_closed(profiles[i].p),
		    profiles[i].p->name, "on a kernel without Landlock:", "does not start");
}

int
main(void)
{
	if (sandbox_landlock_abi() < 1) {
		printf("1..1\nok 1 - sandbox # SKIP this kernel has no Landlock\n");
		return 0;
	}
	if (mkdtemp(dir) == NULL || listen_loopback() < 0)
		return 1;
	(void)snprintf(in_dir, sizeof(in_dir), "%s/in", dir);
	(void)snprintf(in_file, sizeof(in_file), "%s/in/file", dir);
	(void)snprintf(in_new, sizeof(in_new), "%s/in/new", dir);
	(void)snprintf(out_file, sizeof(out_file), "%s/file", dir);
	(void)snprintf(out_new, sizeof(out_new), "%s/new", dir);
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		prove_profile(&profiles[i]);
	prove_port();
	prove_closed();
	printf("1..%u\n", n_tests);
	world();
	(void)unlink(in_file);
	(void)unlink(out_file);
	(void)rmdir(in_dir);
	(void)rmdir(dir);
	return n_failed > 0;
}
