/* Acts, data and words: see app/mail_privacy.h. */
#include "app/mail_privacy.h"

const struct privacy_option privacy_options[] = {
#define P(path, acts, when, what) { path, acts, when, what },
#include "app/mail_privacy.def"
#undef P
};
const size_t privacy_n_options = ARRAY_LEN(privacy_options);

static const struct privacy_data data[] = {
	{ "mail.milter.listen", N_("the message: header, body, envelope"),
	  N_("to authenticate it (SPF, DKIM, ARC, DMARC)"),
	  N_("in memory, until the verdict"), N_("nobody"), 0 },
	{ "mail.milter.listen", N_("domain names of the message, and its sender's address (in SPF's macros)"),
	  N_("to find the policies and keys of these domains"),
	  N_("in memory, for the time to live of each answer"),
	  N_("the resolver, and through it the name servers of those domains"), 0 },
	{ "mail.bimi", N_("domains whose mail came in and that publish a mark: the domain, the mark, and when it was fetched"),
	  N_("to show the mark beside the domain's next messages without asking for it again"),
	  N_("in the state directory, for a day after it was fetched last, 4096 marks at most"),
	  N_("the web servers that the domain names: they learn that somebody here got mail from it within that day, and no more"), 0 },
	{ "mail.reports", N_("for each message: time, queue id, the client's address, domains, results, what was done; no local part of an address, no subject, no text"),
	  N_("to sum up what was found, for oneself and for the domains' owners"),
	  N_("in the state directory, or in the database of mail.reporting.store"), N_("nobody"),
	  CONF_REPORTING_KEEP_ROWS },
	{ "mail.reports", N_("for each domain that asks for it, and each day: how many messages in its name came from which address, and what was found and done; no local part of an address, no subject, no text"),
	  N_("so that its owner sees who sends in its name, and whether that is authenticated"),
	  N_("as long as what it is made of"),
	  N_("the addresses that the domain's DMARC record names (rua=); those of other domains only where these agree to it"),
	  CONF_REPORTING_KEEP_ROWS },
	{ "mail.reports", N_("of each domain that mail came from authenticated: when first and last, how many messages, what was done, complaints"),
	  N_("for one's own decisions about mail from there"),
	  N_("in the same place, after the last message"), N_("nobody"), CONF_REPORTING_KEEP_NAMES },
	{ "mail.failure-reports", N_("of a message that fails where its domain's owner asks for it: the client's address, results, and parts of the header with people's addresses replaced by words (From, To, Date, Message-ID, signatures); no text"),
	  N_("so that the owner finds out why it failed, and who forges"),
	  N_("in the state directory, until it is sent, three days at most"),
	  N_("the owner of the domain in From, at the addresses that its DMARC record names (ruf=)"), 0 },
	{ "mail.complaints", N_("of a message that a user complains of: results, and parts of the header with people's addresses replaced by words (From, To, Date, Message-ID, signatures, the sender's own identifiers); no subject, no text"),
	  N_("so that the operator of its sender can stop more of it"),
	  N_("it is not kept"),
	  N_("the operator of the sender, at the address agreed with it, or that the message itself names (CFBL-Address)"), 0 },
};

static const struct {
	enum privacy_act	 act;
	const char		*name;
} names[] = {
	{ PRIVACY_READ, "read-messages" },
	{ PRIVACY_REWRITE, "rewrite-headers" },
	{ PRIVACY_REJECT, "reject-mail" },
	{ PRIVACY_KEEP, "keep-data" },
	{ PRIVACY_REPORT, "make-reports" },
	{ PRIVACY_SEND, "send-to-third-parties" },
};

const char *
privacy_act_name(enum privacy_act act)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].act == act)
			return names[i].name;
	return "";
}

/*
 * What a provider in Japan has to tell: one paragraph an act, and what single options add; the
 * first and the last always.
 */
static const struct {
	unsigned	 acts;		/* any of these; 0: always … */
	const char	*path;		/* … but where this is on */
	const char	*text;
} paragraphs[] = {
	{ 0, NULL, N_("To protect you against forged mail, our mail service does the following by machine, for all users alike. No person reads your mail for it.") },
	{ PRIVACY_READ, NULL, N_("We examine the header and body of each message to find out whether it comes from the domain that it names (SPF, DKIM, DMARC, ARC).") },
	{ PRIVACY_REWRITE, NULL, N_("We write the results into the header of the message, remove forged ones, and sign mail that is sent with our domains.") },
	{ PRIVACY_REJECT, NULL, N_("We may refuse, hold or delay a message that fails this examination, as the owner of the domain asks for. The sender is told so. You may ask us to deliver such mail to you marked instead.") },
	{ 0, "mail.reports", N_("We keep for a short time which domains and addresses of mail servers were seen, and the results; not your address, not the subject, not the text.") },
	{ 0, "mail.reports", N_("We report to the owners of domains how many messages in their name passed or failed, and from which mail servers; reports do not name you.") },
	{ 0, "mail.failure-reports", N_("Where the owner of a domain asks for it, we tell them of single messages in the name of that domain that fail: the address of the mail server, the results, and parts of the header, in which addresses of people are replaced by words; no names, no text. Such a report is kept until it is sent, for three days at most.") },
	{ 0, "mail.failure.subject", N_("Such a report, and it alone, has the subject of the message, which is kept with it.") },
	{ 0, "mail.complaints", N_("If you tell us that a message is unwanted, we may tell the operator of its sender: parts of its header, in which addresses of people are replaced by words; no names, no subject, no text.") },
	{ 0, "mail.bimi", N_("Beside a message that passes we may show the mark of its sender's domain. We fetch it from the web server that the domain names, which learns that mail from there came to us, not to whom, and keep it for a day.") },
	{ PRIVACY_SEND, NULL, N_("To look up the policies of domains we ask the domain name system, which sees the names of these domains.") },
	{ 0, NULL, N_("You may object to this at any time by the form of your contract; your mail is then delivered without it as far as that is possible. Questions: CONTACT.") },
};

/* --- the configuration --- */

static size_t
row_find(const struct conf *c, const char *path)
{
	size_t i = 0;

	while (i < c->n_rows && strcmp(c->rows[i].path, path) != 0)
		i++;
	return i;
}

static bool
word_is_in(struct sv words, struct sv value)
{
	struct sv word;

	while (sv_word(&words, &word))
		if (sv_eq(word, value))
			return true;
	return false;
}

bool
privacy_is_on(const struct conf *c, const struct privacy_option *o)
{
	size_t row = row_find(c, o->path);
	const struct conf_value *v = row < c->n_rows ? &c->values[row] : NULL;

	if (o->acts == 0 || v == NULL || v->n == 0)
		return false;
	if (strcmp(o->when, "*") == 0)
		return c->rows[row].type == CONF_TABLE || v->items[0].text.n > 0;
	return word_is_in(sv_str(o->when), v->items[0].text);
}

/* Nothing passes here unless an MTA hands it over. */
static bool
mail_is_on(const struct conf *c)
{
	return privacy_is_on(c, &privacy_options[0]);
}

unsigned
privacy_acts(const struct conf *c)
{
	unsigned acts = 0;

	for (size_t i = 0; i < privacy_n_options && mail_is_on(c); i++)
		if (privacy_is_on(c, &privacy_options[i]))
			acts |= privacy_options[i].acts;
	return acts;
}

static bool
path_is_on(const struct conf *c, const char *path)
{
	for (size_t i = 0; i < privacy_n_options; i++)
		if (strcmp(privacy_options[i].path, path) == 0)
			return mail_is_on(c) && privacy_is_on(c, &privacy_options[i]);
	return false;
}

const struct privacy_data *
privacy_data(const struct conf *c, size_t i)
{
	for (size_t k = 0; k < ARRAY_LEN(data); k++)
		if (path_is_on(c, data[k].path) && i-- == 0)
			return &data[k];
	return NULL;
}

void
privacy_how_long(const struct conf *c, const struct privacy_data *d, enum lang lang, struct buf *b)
{
	buf_str(b, tr(lang, d->how_long));
	if (d->keep != 0)
		buf_printf(b, " (%s: %s)", c->rows[d->keep].path, app_conf_str(c, d->keep));
}

const char *
privacy_consent(const struct conf *c, size_t i)
{
	unsigned acts = privacy_acts(c);

	for (size_t k = 0; k < ARRAY_LEN(paragraphs) && acts != 0; k++) {
		bool is_wanted = paragraphs[k].path != NULL ? path_is_on(c, paragraphs[k].path) :
		    paragraphs[k].acts == 0 || (paragraphs[k].acts & acts) != 0;

		if (is_wanted && i-- == 0)
			return paragraphs[k].text;
	}
	return NULL;
}
