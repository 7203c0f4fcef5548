/*
 * A filter that does nothing, by libmilter: what the library and the server's
 * frames cost before anything is judged. It agrees on the same steps as role
 * milter, and answers at the same places.
 *
 *	milter_null SOCKET		as smfi_setconn(3) reads it
 */
#include <stdio.h>

#include <libmilter/mfapi.h>

#define SILENT	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | \
		 SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC)

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
    unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx, (void)f2, (void)f3;
	*pf0 = (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE) & f0;
	*pf1 = SILENT & f1;
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *from)
{
	(void)ctx, (void)name, (void)from;
	return SMFIS_NOREPLY;
}

static sfsistat
on_text(SMFICTX *ctx, char *text)
{
	(void)ctx, (void)text;
	return SMFIS_NOREPLY;
}

static sfsistat
on_address(SMFICTX *ctx, char **argv)
{
	(void)ctx, (void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat
on_field(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_head_end(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	(void)ctx, (void)p, (void)n;
	return SMFIS_NOREPLY;
}

static sfsistat
on_step(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char name[] = "null";
	const struct smfiDesc desc = {
		.xxfi_name = name, .xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_connect = on_connect, .xxfi_helo = on_text, .xxfi_envfrom = on_address,
		.xxfi_envrcpt = on_address, .xxfi_data = on_step, .xxfi_header = on_field,
		.xxfi_eoh = on_head_end, .xxfi_body = on_body, .xxfi_eom = on_step,
		.xxfi_abort = on_step, .xxfi_close = on_step, .xxfi_negotiate = on_negotiate,
	};

	if (argc != 2 || smfi_register(desc) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_setbacklog(200) != MI_SUCCESS) {
		fprintf(stderr, "usage: milter_null SOCKET\n");
		return 2;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 3;
}
