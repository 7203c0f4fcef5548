#include "hsm_kit.h"

#include <dlfcn.h>
#include <ftw.h>

extern char **environ;

/* SoftHSM 2.6.1 leaks in C_SignInit with EdDSA; sanitizers see its frames only the slow way. */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *
__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so";
}

static const char *
softhsm_find(void)
{
	static const char *const paths[] = {
		"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return NULL;
}

const char *
kit_file(struct kit *k, const char *name, const char *text, mode_t mode)
{
	static char path[160];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", k->dir, name);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) < 0 ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) < 0 || close(fd) < 0)
		return NULL;
	return path;
}

static bool
token_make(const char *label)
{
	const char *argv[] = { "softhsm2-util", "--init-token", "--free", "--label", label,
		"--pin", PIN, "--so-pin", PIN, NULL };
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, (char **)(uintptr_t)argv, environ) != 0)
		return false;
	posix_spawn_file_actions_destroy(&fa);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

const char *
kit_begin(struct kit *k, const char *faulty)
{
	faulty_get_fn get;
	char conf[256];
	void *lib;

	memset(k, 0, sizeof(*k));
	k->softhsm = softhsm_find();
	k->faulty = faulty;
	if (k->softhsm == NULL)
		return "SoftHSM 2 is not installed";
	(void)snprintf(k->dir, sizeof(k->dir), "/tmp/sekisho-hsm-XXXXXX");
	if (mkdtemp(k->dir) == NULL || (k->pool = pool_new(1 << 24)) == NULL)
		return "no folder in /tmp";
	(void)snprintf(conf, sizeof(conf), "%s/tokens", k->dir);
	(void)mkdir(conf, 0700);
	(void)snprintf(conf, sizeof(conf),
	    "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", k->dir);
	(void)setenv("SOFTHSM2_CONF", kit_file(k, "softhsm2.conf", conf, 0600), 1);
	(void)setenv("FAULTY_MODULE", k->softhsm, 1);
	(void)snprintf(k->pin, sizeof(k->pin), "%s", kit_file(k, "pin", PIN "\n", 0600));
	if (!token_make("zones") || !token_make("twin") || !token_make("twin"))
		return "softhsm2-util cannot make a token";
	if ((lib = dlopen(faulty, RTLD_NOW)) == NULL ||
	    (get = (faulty_get_fn)dlsym(lib, "faulty_get")) == NULL)
		return "the faulty module does not load";
	k->ctl = get();
	return NULL;
}

static int
gone(const char *path, const struct stat *st UNUSED, int what UNUSED, struct FTW *f UNUSED)
{
	return remove(path);
}

void
kit_end(struct kit *k)
{
	(void)pool_free(k->pool);
	(void)nftw(k->dir, gone, 8, FTW_DEPTH | FTW_PHYS);
}

void
kit_reset(struct kit *k)
{
	CK_FUNCTION_LIST *real = k->ctl->real;

	memset(k->ctl, 0, sizeof(*k->ctl));
	k->ctl->real = real;
	k->n_pauses = k->msec = 0;
	findings_init(&k->fs, k->pool);
}

void
kit_pause(void *arg, unsigned msec)
{
	struct kit *k = arg;

	k->n_pauses++;
	k->msec += msec;
}

struct hsm *
kit_open(struct kit *k, unsigned n_sessions)
{
	struct hsm_opts o = { .module = k->faulty, .token = "pkcs11:token=zones", .pin_file = k->pin,
		.n_sessions = n_sessions, .wait_msec = 20000, .pause = kit_pause, .pause_arg = k };
	struct hsm *h = NULL;

	/* Not hsm_open(): the build folder need not be root's. */
	if (hsm_open_path(&o, k->faulty, &k->fs, &h) < 0)
		return NULL;
	return h;
}

void
kit_expect(struct kit *k, const char *code)
{
	assert_non_null(k->fs.head);
	assert_string_equal(k->fs.head->def->code, code);
	assert_null(k->fs.head->next);
	findings_init(&k->fs, k->pool);
}

uint8_t
kit_alg(enum hsm_kind kind)
{
	static const uint8_t algs[HSM_KIND_MAX] = { [HSM_RSA] = 8, [HSM_P256] = 13, [HSM_P384] = 14,
		[HSM_ED25519] = 15, [HSM_ED448] = 16 };

	return algs[kind];
}

struct crypto_pub *
kit_public(const struct hsm_key *key)
{
	const struct hsm_public *p = hsm_key_public(key);
	struct crypto_token_key t = { p->modulus, p->exponent, p->point };
	uint8_t alg = kit_alg(hsm_key_info(key)->kind), dnskey[CRYPTO_DNSKEY_MAX];
	struct crypto_pub *pub = NULL;
	size_t n;

	if (crypto_token_public(alg, &t, dnskey, &n) < 0 ||
	    crypto_pub_new(alg, (struct sv){ (const char *)dnskey, n }, &pub) < 0)
		return NULL;
	return pub;
}

#define BATCH_MAX	64

int
kit_sign(struct hsm *h, struct hsm_key *key, const struct crypto_pub *pub, size_t n)
{
	static const char text[] = "three keys shared one tag, and nobody verified what was published";
	uint8_t alg = kit_alg(hsm_key_info(key)->kind);
	struct sv info = crypto_digest_info(alg);
	uint8_t tbs[BATCH_MAX][256], sig[BATCH_MAX][HSM_SIG_MAX], wire[CRYPTO_DNSSIG_MAX];
	struct hsm_make m[BATCH_MAX];
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct sv data[CRYPTO_PIECES] = { sv_take(SV(text), 10 + i % 50) };
		size_t len = crypto_tbs_len(alg, data);

		memcpy(tbs[i], info.p != NULL ? info.p : "", info.n);
		if (crypto_tbs(alg, data, tbs[i] + info.n) < 0)
			return -EINVAL;
		m[i] = (struct hsm_make){ { (const char *)tbs[i], info.n + len }, sig[i], 0 };
	}
	if ((rc = hsm_sign(h, key, m, n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct sv data[CRYPTO_PIECES] = { sv_take(SV(text), 10 + i % 50) };
		struct sv one = { (const char *)wire, crypto_pub_sig_len(pub) };

		if (crypto_sig_wire(alg, (struct sv){ (const char *)sig[i], m[i].sig_len }, wire,
		    one.n) < 0 || crypto_verify_one(pub, data, one) != 1)
			return 1;
	}
	return 0;
}
