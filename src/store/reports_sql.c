/*
 * The reports' tables and all that is asked of them. Both databases understand each line:
 * SQLite takes any name for a type, and "$1" as a parameter's name. mail_row.report is the
 * report it is in, 0 while it waits for one, -1 if nobody wants any. The time is the first of
 * its key: rows come in its order, so each transaction writes the end of that index, not all of it.
 */
#include "store/reports_internal.h"

const char reports_schema[] =
    "CREATE TABLE IF NOT EXISTS mail_number(name BYTEA PRIMARY KEY, value BIGINT NOT NULL);"
    "INSERT INTO mail_number(name, value) VALUES('schema', 2) ON CONFLICT DO NOTHING;"
    "INSERT INTO mail_number(name, value) VALUES('report', 0) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS mail_row(node BYTEA NOT NULL, queue_id BYTEA NOT NULL,"
    " at BIGINT NOT NULL, day BIGINT NOT NULL, domain BYTEA NOT NULL, policy BYTEA NOT NULL,"
    " alike BYTEA NOT NULL, report BIGINT NOT NULL, PRIMARY KEY(at, node, queue_id));"
    "CREATE INDEX IF NOT EXISTS mail_row_waiting ON mail_row(day, domain, policy) WHERE report = 0;"
    "CREATE INDEX IF NOT EXISTS mail_row_report ON mail_row(report) WHERE report > 0;"
    "CREATE TABLE IF NOT EXISTS mail_owner(domain BYTEA PRIMARY KEY, at BIGINT NOT NULL,"
    " rua BYTEA NOT NULL);"
    "CREATE TABLE IF NOT EXISTS mail_seen(domain BYTEA PRIMARY KEY, first_at BIGINT NOT NULL,"
    " last_at BIGINT NOT NULL, messages BIGINT NOT NULL, passed BIGINT NOT NULL,"
    " quarantined BIGINT NOT NULL, rejected BIGINT NOT NULL, complaints BIGINT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS mail_seen_last ON mail_seen(last_at);"
    "CREATE TABLE IF NOT EXISTS mail_report(id BIGINT PRIMARY KEY, day BIGINT NOT NULL,"
    " made BIGINT NOT NULL, domain BYTEA NOT NULL, policy BYTEA NOT NULL, addressed BIGINT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS mail_report_day ON mail_report(day);"
    "CREATE INDEX IF NOT EXISTS mail_report_domain ON mail_report(domain);"
    "CREATE TABLE IF NOT EXISTS mail_sending(report BIGINT NOT NULL, address BYTEA NOT NULL,"
    " state BIGINT NOT NULL, attempts BIGINT NOT NULL, next_at BIGINT NOT NULL,"
    " error BYTEA NOT NULL, PRIMARY KEY(report, address));"
    "CREATE INDEX IF NOT EXISTS mail_sending_due ON mail_sending(next_at) WHERE state = 0;"
    "CREATE INDEX IF NOT EXISTS mail_sending_given ON mail_sending(report) WHERE state = 2;"
    "CREATE INDEX IF NOT EXISTS mail_report_new ON mail_report(id) WHERE addressed = 0;"
    "CREATE TABLE IF NOT EXISTS mail_failing(address BYTEA PRIMARY KEY, failures BIGINT NOT NULL,"
    " at BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS mail_tally(hour BIGINT NOT NULL, dmarc BIGINT NOT NULL,"
    " arc BIGINT NOT NULL, act BIGINT NOT NULL, n BIGINT NOT NULL,"
    " PRIMARY KEY(hour, dmarc, arc, act));"
    "CREATE TABLE IF NOT EXISTS mail_count(day BIGINT NOT NULL, what BIGINT NOT NULL,"
    " n BIGINT NOT NULL, PRIMARY KEY(day, what));"
    "INSERT INTO mail_number(name, value) VALUES('mail', 0) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS mail_ready(id BIGINT PRIMARY KEY, at BIGINT NOT NULL,"
    " day BIGINT NOT NULL, domain BYTEA NOT NULL, alike BYTEA NOT NULL, octets BYTEA NOT NULL,"
    " incidents BIGINT NOT NULL, addressed BIGINT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS mail_ready_day ON mail_ready(day, domain);"
    "CREATE INDEX IF NOT EXISTS mail_ready_new ON mail_ready(alike) WHERE addressed = 0;"
    "CREATE TABLE IF NOT EXISTS mail_ready_known(node BYTEA NOT NULL, queue_id BYTEA NOT NULL,"
    " at BIGINT NOT NULL, PRIMARY KEY(node, queue_id, at));"
    "CREATE INDEX IF NOT EXISTS mail_ready_known_at ON mail_ready_known(at);"
    "CREATE TABLE IF NOT EXISTS mail_ready_sending(mail BIGINT NOT NULL, address BYTEA NOT NULL,"
    " state BIGINT NOT NULL, attempts BIGINT NOT NULL, next_at BIGINT NOT NULL,"
    " error BYTEA NOT NULL, PRIMARY KEY(mail, address));"
    "CREATE INDEX IF NOT EXISTS mail_ready_due ON mail_ready_sending(next_at) WHERE state = 0;";

#define SENDING \
	"SELECT r.id, r.day, r.made, r.domain, r.policy, s.address, s.error, s.state, s.attempts," \
	" s.next_at FROM mail_sending s JOIN mail_report r ON r.id = s.report"

/* $3 is a domain, $4 the same behind a ".": what ends so is below it. */
#define SEEN_WISHED \
	" FROM mail_seen WHERE last_at >= $1 AND first_at >= $2 AND (length($3) = 0 OR domain = $3" \
	" OR substr(domain, length(domain) - length($4) + 1) = $4)"

/* $1: enum reports_wished; where: what an index serves. */
#define LIST(where, max) \
	"SELECT r.id, r.day, r.made, r.domain, r.policy, COALESCE(s.address, '')," \
	" COALESCE(s.error, ''), COALESCE(s.state, 0), COALESCE(s.attempts, 0)," \
	" COALESCE(s.next_at, 0), r.addressed" \
	" FROM mail_report r LEFT JOIN mail_sending s ON s.report = r.id WHERE " where \
	" AND ($1 < 0 OR CASE WHEN r.addressed = 0 THEN 3 WHEN s.report IS NULL THEN 4" \
	" ELSE s.state END = $1) ORDER BY r.id DESC, s.address LIMIT " max
#define LISTED	"iiibbbbiiii"

const struct sql_statement reports_sql[SQL_MAX] = {
	[SQL_VERSION] = { "SELECT value FROM mail_number WHERE name = 'schema'", "", "i" },
	[SQL_ROW_ADD] = { "INSERT INTO mail_row(node, queue_id, at, day, domain, policy, alike, report)"
	    " VALUES($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING", "bbiibbbi", "" },
	[SQL_SEEN_ADD] = { "INSERT INTO mail_seen(domain, first_at, last_at, messages, passed,"
	    " quarantined, rejected, complaints) VALUES($1, $2, $3, $4, $5, $6, $7, $8)"
	    " ON CONFLICT(domain) DO UPDATE SET"
	    " first_at = CASE WHEN excluded.first_at < mail_seen.first_at THEN excluded.first_at"
	    " ELSE mail_seen.first_at END,"
	    " last_at = CASE WHEN excluded.last_at > mail_seen.last_at THEN excluded.last_at"
	    " ELSE mail_seen.last_at END,"
	    " messages = mail_seen.messages + excluded.messages,"
	    " passed = mail_seen.passed + excluded.passed,"
	    " quarantined = mail_seen.quarantined + excluded.quarantined,"
	    " rejected = mail_seen.rejected + excluded.rejected,"
	    " complaints = mail_seen.complaints + excluded.complaints", "biiiiiii", "" },
	[SQL_SEEN_FIND] = { "SELECT domain, first_at, last_at, messages, passed, quarantined, rejected,"
	    " complaints FROM mail_seen WHERE domain = $1", "b", "biiiiiii" },
	[SQL_SEEN_EACH] = { "SELECT domain, first_at, last_at, messages, passed, quarantined, rejected,"
	    " complaints FROM mail_seen ORDER BY messages DESC, domain LIMIT $1", "i", "biiiiiii" },
	[SQL_SEEN_LIST] = { "SELECT domain, first_at, last_at, messages, passed, quarantined, rejected,"
	    " complaints" SEEN_WISHED " ORDER BY CASE $5 WHEN 0 THEN messages WHEN 1 THEN complaints"
	    " WHEN 2 THEN quarantined + rejected WHEN 3 THEN last_at WHEN 4 THEN first_at ELSE 0 END"
	    " DESC, domain LIMIT $6", "iibbii", "biiiiiii" },
	[SQL_SEEN_SUM] = { "SELECT count(*), COALESCE(min(first_at), 0), COALESCE(max(last_at), 0),"
	    " CAST(COALESCE(sum(messages), 0) AS BIGINT), CAST(COALESCE(sum(passed), 0) AS BIGINT),"
	    " CAST(COALESCE(sum(quarantined), 0) AS BIGINT), CAST(COALESCE(sum(rejected), 0) AS BIGINT),"
	    " CAST(COALESCE(sum(complaints), 0) AS BIGINT)" SEEN_WISHED, "iibb", "iiiiiiii" },
	[SQL_OWNER_PUT] = { "INSERT INTO mail_owner(domain, at, rua) VALUES($1, $2, $3)"
	    " ON CONFLICT(domain) DO UPDATE SET at = excluded.at, rua = excluded.rua"
	    " WHERE excluded.at >= mail_owner.at", "bib", "" },
	[SQL_OWNER_FIND] = { "SELECT rua FROM mail_owner WHERE domain = $1", "b", "b" },
	[SQL_WAITING] = { "SELECT DISTINCT day, domain FROM mail_row WHERE report = 0 AND day < $1"
	    " ORDER BY day, domain", "i", "ib" },
	[SQL_POLICIES] = { "SELECT DISTINCT policy FROM mail_row WHERE report = 0 AND day = $1"
	    " AND domain = $2 ORDER BY policy", "ib", "b" },
	[SQL_NUMBER_NEXT] = { "UPDATE mail_number SET value = value + 1"
	    " WHERE name = 'report'", "", "" },
	[SQL_NUMBER] = { "SELECT value FROM mail_number WHERE name = 'report'", "", "i" },
	[SQL_LAST] = { "SELECT value FROM mail_number WHERE name = 'made'", "", "i" },
	[SQL_LAST_PUT] = { "INSERT INTO mail_number(name, value) VALUES('made', $1)"
	    " ON CONFLICT(name) DO UPDATE SET value = excluded.value", "i", "" },
	[SQL_REPORT_ADD] = { "INSERT INTO mail_report(id, day, made, domain, policy, addressed)"
	    " VALUES($1, $2, $3, $4, $5, 0)", "iiibb", "" },
	[SQL_ROWS_CLAIM] = { "UPDATE mail_row SET report = $1 WHERE report = 0 AND day = $2"
	    " AND domain = $3 AND policy = $4", "iibb", "" },
	[SQL_UNADDRESSED] = { "SELECT id, day, made, domain, policy FROM mail_report WHERE addressed = 0"
	    " AND id > $1 ORDER BY id LIMIT $2", "ii", "iiibb" },
	[SQL_ADDRESSED] = { "UPDATE mail_report SET addressed = 1 WHERE id = $1 AND addressed = 0",
	    "i", "" },
	[SQL_ROWS_SUM] = { "SELECT alike, count(*) FROM mail_row WHERE report = $1 AND report > 0"
	    " GROUP BY alike ORDER BY alike", "i", "bi" },
	[SQL_SENDING_ADD] = { "INSERT INTO mail_sending(report, address, state, attempts, next_at, error)"
	    " VALUES($1, $2, 0, 0, $3, '') ON CONFLICT DO NOTHING", "ibi", "" },
	[SQL_DUE] = { SENDING " WHERE s.state = 0 AND s.next_at <= $1"
	    " ORDER BY s.next_at, s.report, s.address LIMIT $2", "ii", "iiibbbbiii" },
	[SQL_SENDINGS] = { SENDING " WHERE s.report = $1 ORDER BY s.address", "i", "iiibbbbiii" },
	[SQL_TRIED] = { "UPDATE mail_sending SET state = $3, attempts = attempts + 1, next_at = $4,"
	    " error = $5 WHERE report = $1 AND address = $2", "ibiib", "" },
	[SQL_FAILED] = { "INSERT INTO mail_failing(address, failures, at) VALUES($1, 1, $2)"
	    " ON CONFLICT(address) DO UPDATE SET failures = mail_failing.failures + 1,"
	    " at = excluded.at", "bi", "" },
	[SQL_FAILED_NOT] = { "DELETE FROM mail_failing WHERE address = $1", "b", "" },
	[SQL_FAILURES] = { "SELECT failures, at FROM mail_failing WHERE address = $1", "b", "ii" },
	[SQL_TALLY_ADD] = { "INSERT INTO mail_tally(hour, dmarc, arc, act, n) VALUES($1, $2, $3, $4, $5)"
	    " ON CONFLICT(hour, dmarc, arc, act) DO UPDATE SET n = mail_tally.n + excluded.n",
	    "iiiii", "" },
	[SQL_TALLY] = { "SELECT hour / $2 * $2 AS at, dmarc, arc, act, CAST(sum(n) AS BIGINT)"
	    " FROM mail_tally WHERE hour >= $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4", "ii", "iiiii" },
	[SQL_COUNT_ADD] = { "INSERT INTO mail_count(day, what, n) VALUES($1, $2, $3)"
	    " ON CONFLICT(day, what) DO UPDATE SET n = mail_count.n + excluded.n", "iii", "" },
	[SQL_COUNTS] = { "SELECT day, what, n FROM mail_count WHERE day >= $1 AND day <= $2"
	    " ORDER BY day, what", "ii", "iii" },
	[SQL_NOW] = { "SELECT (SELECT count(*) FROM mail_sending WHERE state = 0),"
	    " (SELECT COALESCE(min(r.made), -1) FROM mail_sending s JOIN mail_report r"
	    " ON r.id = s.report WHERE s.state = 0),"
	    " (SELECT COALESCE(min(day), -1) FROM mail_row WHERE report = 0),"
	    " (SELECT count(*) FROM mail_report WHERE addressed = 0),"
	    " (SELECT count(*) FROM mail_seen)", "", "iiiii" },
	[SQL_GIVEN_UP] = { SENDING " WHERE s.state = 2 ORDER BY s.report DESC, s.address LIMIT $1",
	    "i", "iiibbbbiii" },
	[SQL_FAILING] = { "SELECT address, failures, at FROM mail_failing WHERE failures >= $1"
	    " AND at >= $2 ORDER BY at DESC, address LIMIT $3", "iii", "bii" },
	/* "+": by number, newest first, as far as it is needed. */
	[SQL_LIST] = { LIST("+r.day >= 0", "$2"), "ii", LISTED },
	[SQL_LIST_DAYS] = { LIST("r.day >= $3 AND r.day <= $4", "$2"), "iiii", LISTED },
	[SQL_LIST_OF] = { LIST("r.domain = $5 AND +r.day >= $3 AND +r.day <= $4", "$2"), "iiiib", LISTED },
	[SQL_REPORT_FIND] = { "SELECT id, day, made, domain, policy FROM mail_report WHERE id = $1",
	    "i", "iiibb" },
	/* From the beginning of the key's index: what a slice costs is its own rows. */
	[SQL_PRUNE_ROWS] = { "DELETE FROM mail_row WHERE at <= (SELECT max(at) FROM"
	    " (SELECT at FROM mail_row WHERE at < $1 ORDER BY at LIMIT $2) AS slice)", "ii", "" },
	[SQL_PRUNE_SENDINGS] = { "DELETE FROM mail_sending WHERE report IN"
	    " (SELECT id FROM mail_report WHERE day < $1)", "i", "" },
	[SQL_PRUNE_REPORTS] = { "DELETE FROM mail_report WHERE day < $1", "i", "" },
	[SQL_PRUNE_SEEN] = { "DELETE FROM mail_seen WHERE domain IN"
	    " (SELECT domain FROM mail_seen WHERE last_at < $1 LIMIT $2)", "ii", "" },
	[SQL_PRUNE_FAILING] = { "DELETE FROM mail_failing WHERE at < $1", "i", "" },
	[SQL_PRUNE_OWNERS] = { "DELETE FROM mail_owner WHERE at < $1", "i", "" },
	[SQL_PRUNE_TALLY] = { "DELETE FROM mail_tally WHERE hour < $1", "i", "" },
	[SQL_PRUNE_COUNTS] = { "DELETE FROM mail_count WHERE day >= 0 AND day < $1", "i", "" },
	[SQL_MAIL_KNOWN_ADD] = { "INSERT INTO mail_ready_known(node, queue_id, at) VALUES($1, $2, $3)"
	    " ON CONFLICT DO NOTHING", "bbi", "" },
	[SQL_MAIL_JOIN] = { "UPDATE mail_ready SET incidents = incidents + 1"
	    " WHERE domain = $1 AND alike = $2 AND addressed = 0", "bb", "" },
	[SQL_MAIL_COUNT] = { "SELECT count(*), (SELECT count(*) FROM mail_ready WHERE day = $1"
	    " AND domain = $2) FROM mail_ready WHERE day = $1", "ib", "ii" },
	[SQL_MAIL_NUMBER_NEXT] = { "UPDATE mail_number SET value = value + 1 WHERE name = 'mail'", "", "" },
	[SQL_MAIL_NUMBER] = { "SELECT value FROM mail_number WHERE name = 'mail'", "", "i" },
	[SQL_MAIL_ADD] = { "INSERT INTO mail_ready(id, at, day, domain, alike, octets, incidents, addressed)"
	    " VALUES($1, $2, $3, $4, $5, $6, 1, 0)", "iiibbb", "" },
	[SQL_MAIL_UNADDRESSED] = { "SELECT id, at, domain, alike, octets, incidents FROM mail_ready"
	    " WHERE addressed = 0 AND at <= $1 AND id > $2 ORDER BY id LIMIT $3", "iii", "iibbbi" },
	[SQL_MAIL_ADDRESSED] = { "UPDATE mail_ready SET addressed = 1 WHERE id = $1 AND addressed = 0",
	    "i", "" },
	[SQL_MAIL_SENDING_ADD] = { "INSERT INTO mail_ready_sending(mail, address, state, attempts, next_at,"
	    " error) VALUES($1, $2, 0, 0, $3, '') ON CONFLICT DO NOTHING", "ibi", "" },
	[SQL_MAIL_DUE] = { "SELECT m.id, m.at, m.domain, m.octets, m.incidents, s.address, s.error, s.state,"
	    " s.attempts, s.next_at FROM mail_ready_sending s JOIN mail_ready m ON m.id = s.mail"
	    " WHERE s.state = 0 AND s.next_at <= $1 ORDER BY s.next_at, s.mail, s.address LIMIT $2",
	    "ii", "iibbibbiii" },
	[SQL_MAIL_TRIED] = { "UPDATE mail_ready_sending SET state = $3, attempts = attempts + 1,"
	    " next_at = $4, error = $5 WHERE mail = $1 AND address = $2", "ibiib", "" },
	[SQL_MAIL_NOW] = { "SELECT (SELECT count(*) FROM mail_ready WHERE addressed = 0),"
	    " (SELECT count(*) FROM mail_ready_sending WHERE state = 0),"
	    " (SELECT count(*) FROM mail_ready_sending WHERE state = 1),"
	    " (SELECT count(*) FROM mail_ready_sending WHERE state = 2)", "", "iiii" },
	[SQL_PRUNE_MAILS] = { "DELETE FROM mail_ready WHERE id IN"
	    " (SELECT id FROM mail_ready WHERE at < $1 LIMIT $2)", "ii", "" },
	[SQL_PRUNE_MAIL_SENDINGS] = { "DELETE FROM mail_ready_sending WHERE NOT EXISTS"
	    " (SELECT 1 FROM mail_ready WHERE mail_ready.id = mail_ready_sending.mail)", "", "" },
	[SQL_PRUNE_MAIL_KNOWN] = { "DELETE FROM mail_ready_known WHERE (node, queue_id, at) IN"
	    " (SELECT node, queue_id, at FROM mail_ready_known WHERE at < $1 LIMIT $2)", "ii", "" },
};
