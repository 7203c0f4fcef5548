#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sched.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sandbox.h"

#define GIB	(1024ULL * 1024 * 1024)

/* Threads: the resolver of libcurl has one for each look-up (net/fetch.c). */
const struct sandbox_profile sandbox_fetch = {
	.name = "fetch", .calls = SANDBOX_OPEN | SANDBOX_CONNECT | SANDBOX_THREADS | SANDBOX_MEMFD,
	.max_memory = 8 * GIB, .max_files = 1024, .max_file = 4 * GIB, .required = true,
};
/*
 * The object store is one file, mapped as a whole; fetch.store-size lets it be
 * 64 GiB. Whoever maps it needs the addresses, but no memory of its own, and
 * the one who writes it may make a file of that size.
 */
#define OBJECTS	(64 * GIB)

const struct sandbox_profile sandbox_store = {
	.name = "store", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_MEMFD,
	.max_memory = 8 * GIB, .max_mapped = OBJECTS, .max_files = 256,
	.max_file = OBJECTS + GIB, .required = true,
};
const struct sandbox_profile sandbox_validate = {
	.name = "validate", .calls = SANDBOX_OPEN | SANDBOX_THREADS | SANDBOX_MEMFD,
	.max_memory = 16 * GIB, .max_mapped = OBJECTS, .max_files = 1024,
	.max_file = 4 * GIB, .required = true,
};
const struct sandbox_profile sandbox_rtr = {
	.name = "rtr", .calls = SANDBOX_ACCEPT | SANDBOX_MEMFD,
	.max_memory = 8 * GIB, .max_files = 4096, .max_file = 4 * GIB, .required = true,
};
const struct sandbox_profile sandbox_verify = {
	.name = "verify", .calls = SANDBOX_THREADS,
	.max_memory = 2 * GIB, .max_files = 64, .max_file = 4 * GIB, .required = true,
};
const struct sandbox_profile sandbox_web = {
	.name = "web", .calls = SANDBOX_ACCEPT | SANDBOX_MEMFD,
	.max_memory = 4 * GIB, .max_files = 1024, .max_file = 4 * GIB, .required = true,
};

const char *const sandbox_resolver_files[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
	"/etc/gai.conf", "/etc/services", "/etc/localtime", NULL
};

const struct sandbox_profile sandbox_rsync = {
	.name = "rsync", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_MEMFD,
	.max_memory = 4 * GIB, .max_files = 256, .max_file = 4 * GIB, .required = true,
};
const struct sandbox_profile sandbox_box = {
	.name = "box", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT | SANDBOX_PROGRAM,
	.max_memory = 2 * GIB, .max_files = 256, .max_file = GIB, .required = true,
	.max_procs = 4096,
};
/* A file of a repository has 8 MiB at most; memory is for lists of files. */
const struct sandbox_profile sandbox_program = {
	.name = "program", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT |
	SANDBOX_TCP_ONLY | SANDBOX_PROGRAM,
	.max_memory = GIB, .max_files = 64, .max_file = 16 * 1024 * 1024, .required = true,
	.max_cpu = 600, .max_procs = 4096,
};

/* Frames in, a packet to the box: it has nothing and opens nothing. */
const struct sandbox_profile sandbox_mail = {
	.name = "mail", .max_memory = GIB, .max_files = 64, .required = true,
};
const struct sandbox_profile sandbox_mail_box = {
	.name = "mail-box", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT |
	SANDBOX_PROGRAM | SANDBOX_MEMFD,
	.max_memory = GIB, .max_files = 64, .max_file = 16 * 1024 * 1024, .required = true,
	.max_procs = 4096,
};
/* It looks names up, so UDP besides TCP. */
const struct sandbox_profile sandbox_sendmail = {
	.name = "sendmail", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT |
	SANDBOX_PROGRAM,
	.max_memory = GIB, .max_files = 64, .max_file = 16 * 1024 * 1024, .required = true,
	.max_cpu = 60, .max_procs = 4096,
};

/*
 * It reads the zones of others and talks to name servers, and writes nothing. A million
 * names take 250 MB, twice.
 */
const struct sandbox_profile sandbox_zone = {
	.name = "zone", .calls = SANDBOX_OPEN | SANDBOX_THREADS | SANDBOX_MEMFD | SANDBOX_ACCEPT |
	SANDBOX_CONNECT,
	.max_memory = 16 * GIB, .max_files = 1024, .max_file = 4 * GIB, .required = true,
};
/* One folder, no network; nothing of it is larger than a key. */
const struct sandbox_profile sandbox_key = {
	.name = "key", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_THREADS | SANDBOX_MEMFD,
	.max_memory = 2 * GIB, .max_files = 64, .max_file = 16 * 1024 * 1024, .required = true,
};

/* One folder, no network; nothing of it is larger than the list of its keys. */
const struct sandbox_profile sandbox_seal = {
	.name = "seal", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_MEMFD,
	.max_memory = 2 * GIB, .max_files = 64, .max_file = 16 * 1024 * 1024, .required = true,
};

/* It asks name servers, by UDP and TCP, and opens nothing. */
const struct sandbox_profile sandbox_name = {
	.name = "name", .calls = SANDBOX_CONNECT | SANDBOX_MEMFD,
	.max_memory = 2 * GIB, .max_files = 1024, .max_file = 16 * 1024 * 1024, .required = true,
};

/*
 * libmilter has a thread for each connection of an MTA, and one for signals. They write into
 * the folder of rows, and ask name
 * servers. Memory: messages at a time (role/milter_role.h) times what one may have, and stacks.
 */
const struct sandbox_profile sandbox_milter = {
	.name = "milter", .calls = SANDBOX_ACCEPT | SANDBOX_CONNECT | SANDBOX_THREADS |
	SANDBOX_SIGWAIT | SANDBOX_MEMFD | SANDBOX_OPEN | SANDBOX_CHANGE,
	.max_memory = 16 * GIB, .max_mapped = 16 * GIB, .max_files = 65536,
	.max_file = 128 * 1024 * 1024, .required = true,
};

/*
 * Files of the state directory (segments, SQLite), and sockets: a database, a mail server, name
 * servers. libcurl and libpq look names up. A segment is mapped; a report is some megabytes.
 */
const struct sandbox_profile sandbox_report = {
	.name = "report", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT | SANDBOX_LOCAL |
	SANDBOX_THREADS | SANDBOX_MEMFD,
	.max_memory = 4 * GIB, .max_mapped = 4 * GIB, .max_files = 256, .max_file = OBJECTS,
	.required = true,
};

/* As fetch, and one folder of small files. libcurl has a thread for each look-up. */
const struct sandbox_profile sandbox_mark = {
	.name = "mark", .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT | SANDBOX_THREADS | SANDBOX_MEMFD,
	.max_memory = 2 * GIB, .max_files = 256, .max_file = 16 * 1024 * 1024, .required = true,
};

/* --- Landlock; newer than the headers of Debian 12 in part --- */

#define LL_FS_EXECUTE		(1ULL << 0)
#define LL_FS_WRITE_FILE	(1ULL << 1)
#define LL_FS_READ_FILE		(1ULL << 2)
#define LL_FS_READ_DIR		(1ULL << 3)
#define LL_FS_REMOVE_DIR	(1ULL << 4)
#define LL_FS_REMOVE_FILE	(1ULL << 5)
#define LL_FS_MAKE_DIR		(1ULL << 7)
#define LL_FS_MAKE_REG		(1ULL << 8)
#define LL_FS_ABI1		((1ULL << 13) - 1)
#define LL_FS_REFER		(1ULL << 13)	/* ABI 2 */
#define LL_FS_TRUNCATE		(1ULL << 14)	/* ABI 3 */
#define LL_FS_IOCTL_DEV		(1ULL << 15)	/* ABI 5 */
#define LL_NET_TCP		(3ULL << 0)	/* ABI 4: bind, connect */
#define LL_NET_CONNECT		(1ULL << 1)
#define LL_SCOPE		(3ULL << 0)	/* ABI 6: abstract sockets, signals */

#define LL_READ		(LL_FS_READ_FILE | LL_FS_READ_DIR)
#define LL_WRITE	(LL_READ | LL_FS_WRITE_FILE | LL_FS_REMOVE_FILE | \
	LL_FS_REMOVE_DIR | LL_FS_MAKE_DIR | LL_FS_MAKE_REG | LL_FS_REFER | \
	LL_FS_TRUNCATE)
#define LL_EXEC		(LL_READ | LL_FS_EXECUTE)
#define LL_NAMELESS	(LL_FS_READ_FILE | LL_FS_WRITE_FILE | LL_FS_TRUNCATE)
#define LL_OF_FILES	(LL_FS_READ_FILE | LL_FS_WRITE_FILE | LL_FS_TRUNCATE | LL_FS_EXECUTE)

struct ll_ruleset {
	uint64_t	fs, net, scoped;
};

struct ll_path {
	uint64_t	access;
	int32_t		fd;
} __attribute__((packed));

#define LL_CREATE_VERSION	1U
#define LL_RULE_PATH		1
#define LL_RULE_PORT		2

struct ll_port {
	uint64_t	access, port;
};

/* What each ABI knows, so that an old kernel is not asked for more. */
static const struct {
	size_t		size;	/* of struct ll_ruleset, as that kernel knows it */
	uint64_t	fs, net, scoped;
} ll_abis[] = {
	[1] = { 8, LL_FS_ABI1, 0, 0 },
	[2] = { 8, LL_FS_ABI1 | LL_FS_REFER, 0, 0 },
	[3] = { 8, LL_FS_ABI1 | LL_FS_REFER | LL_FS_TRUNCATE, 0, 0 },
	[4] = { 16, LL_FS_ABI1 | LL_FS_REFER | LL_FS_TRUNCATE, LL_NET_TCP, 0 },
	[5] = { 16, LL_FS_ABI1 | LL_FS_REFER | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV,
	    LL_NET_TCP, 0 },
	[6] = { 24, LL_FS_ABI1 | LL_FS_REFER | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV,
	    LL_NET_TCP, LL_SCOPE },
};

#define PATHS_MAX	512	/* trees, TALs and RRDP files, folders of zones, of one configuration */

struct sandbox {
	struct {
		int		 fd;
		bool		 dir;
		uint64_t	 access;
	} paths[PATHS_MAX];
	unsigned	n;
	uint16_t	port;		/* 0: not bound to one */
};

struct sandbox *
sandbox_new(void)
{
	return calloc(1, sizeof(struct sandbox));
}

struct sandbox *
sandbox_free(struct sandbox *s)
{
	if (s == NULL)
		return NULL;
	for (unsigned i = 0; i < s->n; i++)
		(void)close(s->paths[i].fd);
	free(s);
	return NULL;
}

int
sandbox_path(struct sandbox *s, const char *path, enum sandbox_access a)
{
	struct stat st;
	int fd;

	if (s->n == PATHS_MAX)
		return -E2BIG;
	if ((fd = open(path, O_PATH | O_CLOEXEC)) < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		(void)close(fd);
		return -EIO;
	}
	s->paths[s->n].fd = fd;
	s->paths[s->n].dir = S_ISDIR(st.st_mode);
	s->paths[s->n].access = a == SANDBOX_WRITE ? LL_WRITE :
	    a == SANDBOX_EXEC ? LL_EXEC : a == SANDBOX_NAMELESS ? LL_NAMELESS : LL_READ;
	s->n++;
	return 0;
}

void
sandbox_port(struct sandbox *s, uint16_t port)
{
	s->port = port;
}

int
sandbox_landlock_abi(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_VERSION);

	return v < 0 ? 0 : (int)v;
}

static int
landlock_enter(const struct sandbox *s, const struct sandbox_profile *profile)
{
	size_t abi = min_size((size_t)sandbox_landlock_abi(), ARRAY_LEN(ll_abis) - 1);
	struct ll_ruleset rs = { ll_abis[abi].fs, ll_abis[abi].net,
	    ll_abis[abi].scoped };
	_cleanup_(fd_close) int fd = -1;

	if (abi == 0)
		return -EOPNOTSUPP;
	if ((profile->calls & SANDBOX_CONNECT) != 0 && s->port == 0)
		rs.net &= ~LL_NET_CONNECT;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rs, ll_abis[abi].size, 0);
	if (fd < 0)
		return -errno;
	for (unsigned i = 0; i < s->n; i++) {
		struct ll_path p = { s->paths[i].access & rs.fs, s->paths[i].fd };

		if (!s->paths[i].dir)
			p.access &= LL_OF_FILES;
		if (syscall(SYS_landlock_add_rule, fd, LL_RULE_PATH, &p, 0) < 0)
			return -errno;
	}
	if (s->port != 0 && (rs.net & LL_NET_CONNECT) != 0) {
		struct ll_port p = { LL_NET_CONNECT, s->port };

		if (syscall(SYS_landlock_add_rule, fd, LL_RULE_PORT, &p, 0) < 0)
			return -errno;
	}
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}

/* --- seccomp --- */

#define C(name)	SCMP_SYS(name)

/* Everybody's: memory, time, reading and writing what is open, waiting. */
static const int calls_base[] = {
	C(read), C(write), C(readv), C(writev), C(pread64), C(pwrite64), C(close),
	C(recvmsg), C(sendmsg), C(recvfrom), C(sendto), C(lseek), C(fstat),
	C(newfstatat), C(fcntl), C(dup), C(dup3), C(pipe2), C(eventfd2),
	C(poll), C(ppoll), C(select), C(pselect6), C(epoll_create1), C(epoll_ctl),
	C(epoll_wait), C(epoll_pwait), C(epoll_pwait2),
	C(munmap), C(mremap), C(brk), C(madvise), C(msync),
	C(futex), C(sched_yield), C(sched_getaffinity), C(set_robust_list), C(rseq),
	C(clock_gettime), C(clock_getres), C(clock_nanosleep), C(nanosleep),
	C(gettimeofday), C(time), C(getrandom), C(sysinfo), C(uname), C(getrusage),
	C(rt_sigaction), C(rt_sigprocmask), C(rt_sigreturn), C(sigaltstack),
	C(restart_syscall), C(exit), C(exit_group), C(getcpu),
	C(getpid), C(gettid), C(getppid), C(getuid), C(geteuid), C(getgid), C(getegid),
};

/* On sockets that the parent bound and listens on. */
static const int calls_accept[] = {
	C(accept), C(accept4), C(shutdown), C(getsockname), C(getpeername),
	C(getsockopt), C(setsockopt), C(sendfile), C(sendmmsg),
};

/* On IP sockets of its own; bind() and listen() are not among them. */
static const int calls_connect[] = {
	C(connect), C(shutdown), C(getsockname), C(getpeername), C(getsockopt),
	C(setsockopt), C(sendmmsg), C(recvmmsg),
};

/* Where in the file system is Landlock's part; writing is below. */
static const int calls_open[] = {
	C(stat), C(lstat), C(statx), C(access), C(faccessat), C(faccessat2),
	C(readlink), C(readlinkat), C(getdents64), C(fstatfs), C(fadvise64),
	C(getcwd),
};

static const int calls_change[] = {
	C(open), C(openat), C(rename), C(renameat), C(renameat2), C(unlink), C(unlinkat),
	C(mkdir), C(mkdirat), C(ftruncate), C(fallocate), C(fsync), C(fdatasync),
	C(fchmod),
};

static const int calls_module[] = { C(flock), C(mlock), C(mlock2), C(munlock), C(rmdir) };

static const int calls_memfd[] = { C(memfd_create), C(ftruncate), C(fallocate) };

/*
 * Starting a program that is not ours, and what such a one does: its own
 * loader, signals to its own children, times of files, and the calls that
 * close a sandbox within this one.
 */
static const int calls_program[] = {
	C(execve), C(clone), C(fork), C(vfork), C(wait4), C(waitid), C(kill), C(tgkill),
	C(setsid), C(setpgid), C(getpgid), C(getpgrp), C(arch_prctl), C(set_tid_address),
	C(prlimit64), C(setrlimit), C(getrlimit), C(prctl), C(seccomp),
	C(landlock_create_ruleset), C(landlock_add_rule), C(landlock_restrict_self),
	C(mmap), C(mprotect), C(chdir), C(fchdir), C(umask), C(utimensat), C(alarm),
	C(setitimer), C(dup2), C(pipe), C(close_range), C(getxattr), C(lgetxattr), C(fgetxattr),
	C(listxattr), C(llistxattr), C(flistxattr), C(unlinkat), C(rmdir), C(getgroups),
	C(rt_sigpending), C(rt_sigtimedwait), C(rt_sigsuspend), C(statfs),
};

/* Nobody here makes them by mistake: whoever tries is not our code any more. */
static const int calls_deadly[] = {
	C(execve), C(execveat), C(ptrace), C(process_vm_readv), C(process_vm_writev),
	C(mount), C(umount2), C(pivot_root), C(chroot), C(unshare), C(setns),
	C(init_module), C(finit_module), C(delete_module), C(kexec_load), C(bpf),
	C(perf_event_open), C(userfaultfd), C(add_key), C(keyctl), C(request_key),
	C(io_uring_setup), C(open_by_handle_at), C(reboot), C(swapon),
};

static int
allow(scmp_filter_ctx f, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* New code may not appear in memory. */
static int
allow_memory(scmp_filter_ctx f)
{
	static const int calls[] = { C(mmap), C(mprotect) };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(calls) && rc == 0; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

/* Only this process may be signalled: abort() does that. */
static int
allow_abort(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, C(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* openat() to read; O_TRUNC is here because Landlock's ABI 2 lets it pass. */
static int
allow_open(scmp_filter_ctx f)
{
	const scmp_datum_t no = O_ACCMODE | O_CREAT | O_TRUNC;
	int rc = allow(f, calls_open, ARRAY_LEN(calls_open));

	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(openat), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, no, O_RDONLY));
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(open), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, no, O_RDONLY));
	return rc;
}

/*
 * TCP and UDP sockets (the resolver's are UDP), a pair of its own to wake the
 * loop, and how many bytes wait on a socket. No raw, netlink or Unix sockets.
 */
static int
allow_connect(scmp_filter_ctx f, bool tcp_only)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	const scmp_datum_t kind = 0xffffffff & ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t step = tcp_only ? 2 : 1;
	int rc = allow(f, calls_connect, ARRAY_LEN(calls_connect));

	for (size_t i = 0; i < ARRAY_LEN(families) * ARRAY_LEN(types) && rc == 0; i += step)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(socket), 2,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i / 2], 0),
		    SCMP_A1(SCMP_CMP_MASKED_EQ, kind, (scmp_datum_t)types[i % 2]));
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(socketpair), 1,
		    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	return rc;
}

static int
allow_local(scmp_filter_ctx f)
{
	const scmp_datum_t kind = 0xffffffff & ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
	int rc = allow(f, calls_connect, ARRAY_LEN(calls_connect));

	return rc != 0 ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, C(socket), 2,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0), SCMP_A1(SCMP_CMP_MASKED_EQ, kind, SOCK_STREAM));
}

static int
allow_threads(scmp_filter_ctx f)
{
	int rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	/* Its flags lie in memory: unseen by us; libc falls back to clone. */
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), C(clone3), 0);
	return rc;
}

static int
allow_program(scmp_filter_ctx f)
{
	int rc = allow(f, calls_program, ARRAY_LEN(calls_program));

	/* As with threads; what is forked is bound by the same sandbox. */
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), C(clone3), 0);
	return rc;
}

static int
rules(scmp_filter_ctx f, unsigned calls)
{
	int rc = allow(f, calls_base, ARRAY_LEN(calls_base));

	for (size_t i = 0; i < ARRAY_LEN(calls_deadly) && rc == 0; i++)
		if (calls_deadly[i] != C(execve) || (calls & SANDBOX_PROGRAM) == 0)
			rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, calls_deadly[i], 0);
	if (rc == 0 && (calls & SANDBOX_PROGRAM) != 0)
		rc = allow_program(f);
	else if (rc == 0 && (rc = allow_memory(f)) == 0)
		rc = allow_abort(f);
	if (rc == 0 && (calls & SANDBOX_ACCEPT) != 0)
		rc = allow(f, calls_accept, ARRAY_LEN(calls_accept));
	if (rc == 0 && (calls & SANDBOX_CONNECT) != 0)
		rc = allow_connect(f, (calls & SANDBOX_TCP_ONLY) != 0);
	if (rc == 0 && (calls & SANDBOX_OPEN) != 0)
		rc = (calls & SANDBOX_CHANGE) != 0 ?
		    allow(f, calls_open, ARRAY_LEN(calls_open)) : allow_open(f);
	if (rc == 0 && (calls & SANDBOX_CHANGE) != 0)
		rc = allow(f, calls_change, ARRAY_LEN(calls_change));
	if (rc == 0 && (calls & SANDBOX_MEMFD) != 0)
		rc = allow(f, calls_memfd, ARRAY_LEN(calls_memfd));
	if (rc == 0 && (calls & SANDBOX_MODULE) != 0)
		rc = allow(f, calls_module, ARRAY_LEN(calls_module));
	if (rc == 0 && (calls & SANDBOX_LOCAL) != 0)
		rc = allow_local(f);
	if (rc == 0 && (calls & SANDBOX_SIGWAIT) != 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(rt_sigtimedwait), 0);
	if (rc == 0 && (calls & SANDBOX_THREADS) != 0)
		rc = allow_threads(f);
	return rc;
}

static int
seccomp_enter(const struct sandbox_profile *p)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (f == NULL)
		return -ENOMEM;
	rc = rules(f, p->calls);
	/* Its constructors may have started threads; Landlock cannot be closed around those. */
	if (rc == 0 && (p->calls & SANDBOX_MODULE) != 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc;
}

/* --- limits --- */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

static int
limits_enter(const struct sandbox_profile *p)
{
	const struct {
		__rlimit_resource_t	what;
		uint64_t		value;
	} l[] = {
		{ RLIMIT_CORE, 0 },		/* other people's data and tokens */
		{ RLIMIT_NOFILE, p->max_files },
		{ RLIMIT_FSIZE, p->max_file },
		/* AddressSanitizer's shadow alone is terabytes of addresses. */
		{ RLIMIT_AS, p->max_memory == 0 || SANITIZED ? RLIM_INFINITY :
		    p->max_memory + p->max_mapped },
		{ RLIMIT_DATA, p->max_memory == 0 || SANITIZED ? RLIM_INFINITY : p->max_memory },
	};

	for (size_t i = 0; i < ARRAY_LEN(l); i++) {
		struct rlimit old, r;

		if (getrlimit(l[i].what, &old) < 0)
			return -errno;
		/* Only ever downwards. */
		r.rlim_cur = r.rlim_max = old.rlim_max < l[i].value ?
		    old.rlim_max : l[i].value;
		if (setrlimit(l[i].what, &r) < 0)
			return -errno;
	}
	return 0;
}

int
sandbox_enter(struct sandbox *s, const struct sandbox_profile *p,
    const char **ret_what)
{
	int rc;

	*ret_what = NULL;
	if ((rc = limits_enter(p)) < 0) {
		*ret_what = "rlimit";
		return rc;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		*ret_what = "no_new_privs";
		return -errno;
	}
	if ((rc = landlock_enter(s, p)) < 0) {
		*ret_what = "landlock";
		if (p->required)
			return rc;
	}
	if ((rc = seccomp_enter(p)) < 0) {
		*ret_what = "seccomp";
		if (p->required)
			return rc;
	}
	return 0;
}
