/*
 * Payloads in the formats that routers' friends read. Pure: a table of
 * {name, writer}; app adds `findings` and `summary`, which need the run.
 */
#ifndef OUT_PAYLOADS_OUT_H
#define OUT_PAYLOADS_OUT_H

#include "base/buf.h"
#include "inr/inr.h"

/* Numbers of the run for the metadata blocks. */
struct payloads_meta {
	int64_t		 built;		/* the clock the run was judged by */
	uint64_t	 elapsed_sec;
	uint64_t	 n_roas, n_roas_bad, n_aspas, n_aspas_bad, n_certs, n_certs_bad;
	uint64_t	 n_mfts, n_mfts_bad, n_crls, n_vrps_all;
	size_t		 n_nonfunc;
	const struct payloads_nonfunc {
		struct sv	location, repo, mft, ski;
		unsigned	ta;
	}		*nonfunc;	/* CAs without a usable publication point */
};

typedef void (*payloads_write_fn)(struct buf *, const struct payloads *,
    const struct payloads_meta *);

struct payloads_format {
	const char		*name;
	payloads_write_fn	 write;
};

/* NULL: unknown. */
const struct payloads_format *payloads_format_find(struct sv name);
extern const struct payloads_format payloads_formats[];
extern const size_t payloads_n_formats;

#endif
