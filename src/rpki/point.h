/* What the files of a publication point's check share: point*.c only. */
#ifndef RPKI_POINT_H
#define RPKI_POINT_H

#include "rpki/internal.h"

/* One file of the manifest while it is judged. */
struct file {
	const struct mft_file	*mf;
	struct rpki_object	 o;
	struct findings		 fs;
	struct sv		 bytes;
	struct cms		*cms;		/* signed objects */
	struct cert		*cert;		/* the CA's, or cms->ee */
	struct resources	 res;		/* effective */
	bool			 again;		/* as it was: nothing of it was parsed */
	int64_t			 judged;	/* … since then */
	struct sv		 serial;
	const struct rpki_ca	*before;	/* … its CA in the point before */
	size_t			 child;		/* 1 + index of what it became; 0: no CA */
	size_t			 verify;	/* its first item in the batch */
	unsigned		 n_verify;
};

struct work {
	const struct rpki_ca	*ca;
	const struct rpki_source *src;
	const struct rpki_opt	*opt;
	struct rpki_point	*pt;
	struct pool		*tmp;		/* bytes and parsed values */
	struct crypto_pub	*key;		/* the CA's, prepared */
	struct cms		*cms;		/* the manifest */
	struct mft		*mft;
	struct crl		*crl;
	struct sv		 crl_uri;
	struct file		*files;
	size_t			 n_files, n_taks;
	bool			 again;		/* files may be taken from src->before */
	int64_t			 now;
};

/* base "/" name; p is NULL without memory. */
struct sv uri_join(struct pool *, struct sv base, struct sv name);
/* Fetch a file; what is absent or too large is a finding in fs. */
int	 file_get(struct work *, struct sv uri, struct sv *ret, struct findings *fs,
	    const struct finding_def *absent) MUST_USE;
void	 findings_begin(struct work *, struct findings *, struct sv subject);
/*
 * A file that the manifest lists: its bytes if they have that hash, else a
 * finding (missing, or another hash).
 */
int	 listed_get(struct work *w, struct sv uri, const struct mft_file *, struct sv *ret,
	    struct findings *fs) MUST_USE;
/* Something is true from `from` to `to` only: note when that changes. */
void	 window_note(struct work *w, int64_t from, int64_t to);
/* Makes their digests, too: a message for each. */
int	 point_verify(struct work *w, struct crypto_verify *, const struct crypto_msg *,
	    size_t n) MUST_USE;
/* An item for the CA's key. */
void	 ca_verify_item(struct work *w, struct crypto_verify *, struct crypto_msg *, struct cert *);

/* --- point_head.c: the manifest, its certificate, the CRL --- */
int	 manifest_read(struct work *, struct findings *) MUST_USE;
/* Sets w->pt->failed. */
int	 head_check(struct work *) MUST_USE;

/* --- point_files.c --- */
/* Before any file is read: those that are as they were. */
int	 files_again(struct work *) MUST_USE;
/* All files were good: for the next time. */
int	 files_remember(struct work *) MUST_USE;
/* Do such bytes fit to the point's payloads? They may come from anywhere. */
bool	 point_files_sound(struct sv, const struct rpki_point *);

/* --- point_out.c: children, payloads, what is kept --- */
int	 files_finish(struct work *) MUST_USE;
/* May the CA of a certificate that is not valid be read, for explanations? */
bool	 lost_followed(const struct work *, const struct cert *);

#endif
