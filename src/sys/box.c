#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"
#include "sys/tree.h"

#define TICK_MS		100
#define MEASURE_MS	1000	/* walks of the folder are that far apart, or more */
#define CHILD_FD	3
#define FILE_FD		4	/* of a job: what came with the request */
#define SCRIPT_HEAD_MAX	256	/* BINPRM_BUF_SIZE */

static const char *const rsync_reads[] = { NULL };
/* Names, authorities, and the configuration of those clients of SMTP that Debian has. */
static const char *const sendmail_reads[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
	"/etc/services", "/etc/localtime", "/usr/share/zoneinfo", "/etc/passwd", "/etc/hostname",
	"/etc/mailname", "/etc/aliases", "/etc/ssl", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/etc/gnutls", "/etc/msmtprc", "/etc/esmtprc",
	"/etc/ssmtp", NULL
};
const struct box_kind box_rsync = { &sandbox_box, &sandbox_program, rsync_reads, false };
const struct box_kind box_sendmail = { &sandbox_mail_box, &sandbox_sendmail, sendmail_reads, true };

/* --- what a program needs to start --- */

/* The dynamic loader is ours, too: the same system has one. */
static const char *
loader_path(void)
{
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t n = getauxval(AT_PHNUM);
	uintptr_t base = 0;

	if (ph == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_PHDR)
			base = (uintptr_t)ph - ph[i].p_vaddr;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_INTERP)
			return (const char *)(base + ph[i].p_vaddr);
	return NULL;
}

static int
path_maybe(struct sandbox *s, const char *path, enum sandbox_access a)
{
	int rc = sandbox_path(s, path, a);

	return rc == -ENOENT ? 0 : rc;
}

/* What runs it when it is a script: "#!/bin/sh". */
static int
script_path(struct sandbox *s, const char *program)
{
	_cleanup_(fd_close) int fd = open(program, O_RDONLY | O_CLOEXEC);
	char head[SCRIPT_HEAD_MAX + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, head, SCRIPT_HEAD_MAX);
	struct sv line, words;

	if (n <= 0)
		return 0;
	head[n] = '\0';
	words = (struct sv){ head, (size_t)n };
	if (!sv_starts(words, SV("#!")) || !sv_line(&words, &line))
		return 0;
	line = sv_trim(sv_skip(line, 2));
	head[(size_t)(line.p - head) + sv_find(line, ' ')] = '\0';
	return path_maybe(s, line.p, SANDBOX_EXEC);
}

static int
program_paths(struct sandbox *s, const char *program, const struct box_kind *kind)
{
	static const char *const reads[] = {
		"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
		"/dev/urandom",
	};
	const char *loader = loader_path();
	int rc = sandbox_path(s, program, SANDBOX_EXEC);

	if (rc == 0 && loader != NULL)
		rc = path_maybe(s, loader, SANDBOX_EXEC);
	if (rc == 0)
		rc = script_path(s, program);
	for (size_t i = 0; i < ARRAY_LEN(reads) && rc == 0; i++)
		rc = path_maybe(s, reads[i], SANDBOX_READ);
	for (size_t i = 0; kind->reads[i] != NULL && rc == 0; i++)
		rc = path_maybe(s, kind->reads[i], SANDBOX_READ);
	if (kind->nameless && rc == 0)
		rc = path_maybe(s, "/tmp", SANDBOX_NAMELESS);
	/* It is opened to be written, too. */
	return rc < 0 ? rc : sandbox_path(s, "/dev/null", SANDBOX_WRITE);
}

/* --- one run --- */

static int
program_box(const struct box_run *b)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	const char *what;
	int rc;

	if (b->no_sandbox)
		return 0;
	if (s == NULL)
		return -ENOMEM;
	if ((rc = program_paths(s, b->program, b->kind)) < 0 ||
	    (rc = sandbox_path(s, b->folder, SANDBOX_WRITE)) < 0)
		return rc;
	sandbox_port(s, b->port);
	return sandbox_enter(s, b->kind->program, &what);
}

/* A file in memory: nobody has to write while it reads, or does not. */
static int
input_open(const struct box_run *b, int null)
{
	int fd, rc;

	if (b->is_file)
		return lseek(FILE_FD, 0, SEEK_SET) < 0 ? -errno : FILE_FD;
	if (b->input.n == 0)
		return null;
	if ((rc = memfd_of("input", b->input, &fd)) < 0)
		return rc;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd;
}

/* In the child. Its last words before exec go where the program's go. */
static void
program_exec(const struct box_run *b, int err, pid_t parent)
{
	char *envp[] = { NULL };
	int null, in, rc;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || setsid() < 0 ||
	    (null = open("/dev/null", O_RDWR)) < 0 || (in = input_open(b, null)) < 0 ||
	    dup2(err, STDERR_FILENO) < 0 ||
	    dup2(in, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) < 0 || chdir(b->folder) < 0)
		_exit(127);
	(void)umask(077);
	if ((rc = program_box(b)) < 0) {
		dprintf(STDERR_FILENO, "its sandbox cannot be closed: %s", err_str(rc));
		_exit(126);
	}
	(void)execve(b->program, b->argv, envp);
	dprintf(STDERR_FILENO, "it cannot be run: %s", err_str(-errno));
	_exit(126);
}

/* What the program says: the head of it, for people. */
static void
text_add(struct box_end_info *info, const char *p, size_t n)
{
	size_t at = strlen(info->text);

	for (size_t i = 0; i < n && at + 2 < BOX_TEXT_MAX; i++) {
		if (p[i] == '\n') {
			info->text[at++] = ';';
			info->text[at++] = ' ';
		} else
			info->text[at++] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
	}
	info->text[at] = '\0';
}

static void
text_trim(struct box_end_info *info)
{
	size_t n = strlen(info->text);

	while (n > 0 && (info->text[n - 1] == ' ' || info->text[n - 1] == ';'))
		info->text[--n] = '\0';
}

/* true: the pipe has ended. */
static bool
text_read(struct box_end_info *info, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char piece[1024];
	ssize_t n;

	if (fd < 0 || poll(&p, 1, TICK_MS) <= 0)
		return false;
	if ((n = read(fd, piece, sizeof(piece))) <= 0)
		return n == 0 || errno != EINTR;
	text_add(info, piece, (size_t)n);
	return false;
}

static bool
folder_large(const struct box_run *b, int64_t *next_ms)
{
	const struct tree_limits l = { .names = b->max_names, .bytes = b->max_bytes };
	int64_t now = clock_mono_usec() / 1000;
	struct tree_size size = { 0 };

	if (now < *next_ms)
		return false;
	if (tree_measure(b->folder, &l, &size) < 0)
		size.names = 0;		/* files come and go; the next walk tells */
	/* Never more than a tenth of the time for looking. */
	*next_ms = now + MEASURE_MS + (clock_mono_usec() / 1000 - now) * 10;
	return size.names > b->max_names || size.bytes > b->max_bytes;
}

/* See job(): who asked for this is dead, and with it whoever waits for the end. */
static bool
orphaned(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGHUP) == 1;
}

static void
watch(const struct box_run *b, pid_t pid, int err, struct box_end_info *info)
{
	int64_t start = clock_mono_usec() / 1000, measure = start + MEASURE_MS;
	bool closed = false;
	int st = 0;

	info->end = BOX_EXITED;
	while (waitpid(pid, &st, WNOHANG) == 0) {
		if (closed)
			(void)poll(NULL, 0, TICK_MS);
		else
			closed = text_read(info, err);
		if (orphaned() || clock_mono_usec() / 1000 - start > (int64_t)b->timeout_sec * 1000)
			info->end = BOX_LATE;
		else if (folder_large(b, &measure))
			info->end = BOX_LARGE;
		if (info->end == BOX_EXITED)
			continue;
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &st, 0);
		return;
	}
	for (int i = 0; i < 64 && !closed; i++)		/* its last words */
		closed = text_read(info, err);
	(void)kill(-pid, SIGKILL);			/* whom it left behind */
	if (WIFSIGNALED(st))
		info->end = BOX_KILLED;
	info->code = WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st);
	measure = 0;
	if (folder_large(b, &measure))
		info->end = BOX_LARGE;
}

void
box_run(const struct box_run *b, struct box_end_info *ret)
{
	pid_t parent = getpid(), pid;
	int fds[2];

	*ret = (struct box_end_info){ .end = BOX_CANNOT };
	if (orphaned()) {
		ret->code = -ESRCH;
		return;
	}
	if (pipe2(fds, O_CLOEXEC) < 0) {
		ret->code = -errno;
		return;
	}
	if ((pid = proc_fork()) == 0)
		program_exec(b, fds[1], parent);
	(void)close(fds[1]);
	if (pid < 0)
		ret->code = -errno;
	else
		watch(b, pid, fds[0], ret);
	(void)close(fds[0]);
	text_trim(ret);
}

/* --- addresses --- */

int
box_resolve(const char *host, bool numeric, struct box_addr *ret, size_t max, size_t *ret_n)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = numeric ? AI_NUMERICHOST : AI_ADDRCONFIG };
	struct addrinfo *all = NULL;
	size_t n = 0;

	if (getaddrinfo(host, NULL, &hints, &all) != 0)
		return -ENOENT;
	for (struct addrinfo *ai = all; ai != NULL && n < max; ai = ai->ai_next) {
		struct box_addr *a = &ret[n];
		char text[INET6_ADDRSTRLEN];
		bool v6 = ai->ai_family == AF_INET6;
		const void *bytes = v6 ?
		    (const void *)&((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr :
		    (const void *)&((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr;

		if (!v6 && ai->ai_family != AF_INET)
			continue;
		a->n = v6 ? 16 : 4;
		memcpy(a->bytes, bytes, a->n);
		if (inet_ntop(ai->ai_family, bytes, text, sizeof(text)) == NULL)
			continue;
		(void)snprintf(a->text, sizeof(a->text), v6 ? "[%s]" : "%s", text);
		n++;
	}
	freeaddrinfo(all);
	*ret_n = n;
	return n == 0 ? -ENOENT : 0;
}

/* --- the process that does it --- */

static int
box_enter(const struct box_conf *c, const char **ret_what)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	int rc;

	*ret_what = "paths";
	if (c->no_sandbox)
		return 0;
	if (s == NULL)
		return -ENOMEM;
	if ((rc = program_paths(s, c->program, c->kind)) < 0 ||
	    (rc = sandbox_path(s, c->folder, SANDBOX_WRITE)) < 0)
		return rc;
	for (size_t i = 0; sandbox_resolver_files[i] != NULL && rc == 0; i++)
		rc = path_maybe(s, sandbox_resolver_files[i], SANDBOX_READ);
	return rc < 0 ? rc : sandbox_enter(s, c->kind->box, ret_what);
}

/*
 * When the box dies, this one must live for a moment: the program has made
 * processes of its own, and only this one knows their group. So the signal
 * waits until somebody asks for it (orphaned()).
 */
static void
job(const struct box_conf *c, struct sv request, pid_t parent)
{
	char answer[BOX_PACKET_MAX];
	sigset_t hup;
	size_t n;

	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&hup);
	(void)sigaddset(&hup, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &hup, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGHUP) < 0 ||
	    getppid() != parent)
		_exit(1);
	n = c->job(c->arg, request, answer, sizeof(answer));
	(void)!send(CHILD_FD, answer, n, MSG_NOSIGNAL);
	_exit(0);
}

/* What the maker is told once: 0, or a code and the name of what failed. */
struct hello {
	int	rc;
	char	what[32];
};

/* The file that came with a request is FILE_FD, or that is closed. */
static ssize_t
request_read(char request[static BOX_PACKET_MAX])
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = request, .iov_len = BOX_PACKET_MAX };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
	    .msg_controllen = sizeof(space) };
	const struct cmsghdr *c;
	ssize_t n;
	int fd;

	(void)close(FILE_FD);
	n = recvmsg(CHILD_FD, &m, MSG_CMSG_CLOEXEC);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return n;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (fd != FILE_FD) {
		(void)dup2(fd, FILE_FD);
		(void)close(fd);
	}
	return n;
}

static void
box_main(const struct box_conf *c, int fd, pid_t parent)
{
	char request[BOX_PACKET_MAX];
	struct hello h = { 0 };
	const char *what = "";
	pid_t self = getpid();
	ssize_t n;

	(void)signal(SIGCHLD, SIG_IGN);		/* nobody waits for jobs: no zombies */
	(void)signal(SIGINT, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0) || close_range(CHILD_FD + 1, ~0U, 0) < 0)
		_exit(1);
	h.rc = box_enter(c, &what);
	(void)snprintf(h.what, sizeof(h.what), "%s", what);
	if (send(CHILD_FD, &h, sizeof(h), MSG_NOSIGNAL) < 0 || h.rc < 0)
		_exit(1);
	while ((n = request_read(request)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && fork() == 0)
			job(c, (struct sv){ request, (size_t)n }, self);
	_exit(0);
}

int
box_new(const struct box_conf *c, int *ret_fd, pid_t *ret_pid, const char **ret_what)
{
	static const struct { const char *name; } parts[] = {
		{ "landlock" }, { "seccomp" }, { "rlimit" }, { "no_new_privs" }, { "paths" } };
	_cleanup_(fd_close) int ours = -1;
	pid_t parent = getpid(), pid;
	struct hello h = { 0 };
	int sv[2];

	*ret_what = "process";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	ours = sv[0];
	if ((pid = proc_fork()) == 0)
		box_main(c, sv[1], parent);
	(void)close(sv[1]);
	if (pid < 0)
		return -errno;
	if (recv(ours, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return -EPIPE;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strncmp(h.what, parts[i].name, sizeof(h.what)) == 0)
			*ret_what = parts[i].name;
	if (h.rc < 0)
		return h.rc;
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	*ret_fd = ours;
	*ret_pid = pid;
	ours = -1;
	return 0;
}

int
box_ask(int fd, struct sv request)
{
	return send(fd, request.p, request.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int
box_ask_file(int fd, struct sv request, int file)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)request.p, .iov_len = request.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
	    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof(file));
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int
box_wait(int fd, int64_t usec)
{
	int64_t end = clock_mono_usec() + usec, left;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while ((left = end - clock_mono_usec()) > 0)
		if (poll(&p, 1, (int)min_i64(left / 1000 + 1, INT32_MAX)) > 0)
			return 0;
	return -ETIMEDOUT;
}

int
box_answer(int fd, char answer[static BOX_PACKET_MAX])
{
	ssize_t n = recv(fd, answer, BOX_PACKET_MAX, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n == 0 ? -EPIPE : (int)n;
}
