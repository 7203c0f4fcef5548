/*
 * app/mail_privacy: what is done with messages, in words of the law.
 *
 * Mail is under the secrecy of communications: whoever judges, marks, counts
 * or refuses it has to be able to say what is done, with which data, how long,
 * why, and to whom it goes. So each option of mail.* says which act it
 * performs, and when (app/mail_privacy.def); a lint keeps options and table
 * together (tests/lint/test_acts.py). The acts:
 *
 *	read-messages			look at the header and body of each
 *	rewrite-headers			add, remove or sign fields
 *	reject-mail			refuse, hold or put off a message
 *	keep-data			note something beyond the message's own time
 *	make-reports			tell others' operators what was found
 *	send-to-third-parties		hand data to somebody else
 *
 * What enters is a configuration; what leaves are the acts that it performs,
 * the data that are kept, and a text for the users' agreement, to be adapted.
 * Nothing here is legal advice.
 */
#ifndef APP_MAIL_PRIVACY_H
#define APP_MAIL_PRIVACY_H

#include "app/conf.h"

enum privacy_act {
	PRIVACY_READ = 1 << 0,
	PRIVACY_REWRITE = 1 << 1,
	PRIVACY_REJECT = 1 << 2,
	PRIVACY_KEEP = 1 << 3,
	PRIVACY_REPORT = 1 << 4,
	PRIVACY_SEND = 1 << 5,
	PRIVACY_ACT_END = 1 << 6
};
/* "read-messages" … */
const char *privacy_act_name(enum privacy_act);

/* A row of app/mail_privacy.def. */
struct privacy_option {
	const char	*path;
	unsigned	 acts;		/* enum privacy_act; 0: it only sets how */
	const char	*when;		/* "*": it is given; else the words that switch it on */
	const char	*what;		/* msgid: what is done; "" without acts */
};
extern const struct privacy_option privacy_options[];
extern const size_t privacy_n_options;

/* Data that are kept or passed on. */
struct privacy_data {
	const char	*path;		/* that option switches it on */
	const char	*what, *why, *how_long, *whom;	/* msgids */
	enum app_conf_row keep;		/* how long in numbers; 0: there is none */
};

/* Does the configuration switch the option on? */
bool	 privacy_is_on(const struct conf *, const struct privacy_option *);
/* All acts together; 0: no mail is touched. */
unsigned privacy_acts(const struct conf *);
/* The i-th kind of data that this configuration keeps or passes on; NULL: there are no more. */
const struct privacy_data *privacy_data(const struct conf *, size_t i);
/* Its how_long, with the number in force. */
void	 privacy_how_long(const struct conf *, const struct privacy_data *, enum lang, struct buf *);
/* The paragraphs of the text for users that this configuration needs; NULL at the end. msgids. */
const char *privacy_consent(const struct conf *, size_t i);

#endif
