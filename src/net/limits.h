/* The named limits of net, each with its reason. */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

/* A page opens about six connections; some dozens of people and scrapers. */
#define HTTPD_CONNS_MAX		128
/* Memory of one connection: its request line and headers must fit. */
#define HTTPD_CONN_MEM		(16 * 1024)
/* Seconds without progress after which a connection is closed (slow loris). */
#define HTTPD_IDLE_SEC		20
/* Query parameters of one request; no route takes more than four. */
#define HTTP_QUERY_MAX		8
/* Bytes of a path: the longest route has 24. */
#define HTTP_PATH_MAX		128
/* Bytes of a query value: an rsync URI of the RPKI has under 300. */
#define HTTP_VALUE_MAX		2048
/* Headers a response may carry besides those of MHD. */
#define HTTP_HEADERS_MAX	16

/* --- the client; each of a fetch is a default that the caller may change --- */

/* Sixty servers and a file each; a handful of the slow ones wait for others. */
#define FETCH_CONNS_MAX		32
/* Body on the wire and inflated: the largest snapshot today has 350 MB. */
#define FETCH_WIRE_MAX		((uint64_t)512 * 1024 * 1024)
#define FETCH_BYTES_MAX		((uint64_t)1024 * 1024 * 1024)
/* Base64 in XML shrinks to a half; 1:100 is a bomb or a page of blanks. */
#define FETCH_RATIO_MAX		100
/* … but small answers may be repetitive. */
#define FETCH_RATIO_FREE	((uint64_t)4 * 1024 * 1024)
/* Name, TCP and TLS: three round trips of a bad satellite link, and retries. */
#define FETCH_CONNECT_MSEC	15000
/* 350 MB at 10 Mbit/s. */
#define FETCH_TOTAL_MSEC	300000
/* 4 KB in 20 s: less is no server that means well (slow loris). */
#define FETCH_RATE_BYTES	4096
#define FETCH_RATE_MSEC		20000
/* The largest CDN configurations seen need one. */
#define FETCH_REDIRECTS_MAX	3
/* Header lines of one answer; libcurl itself ends at 300 KB a line. */
#define FETCH_HEADERS_BYTES_MAX	(32 * 1024)
/* Letters of a URL, as rpki's RPKI_URI_MAX. */
#define FETCH_URL_MAX		2048
/* Lines of the hosts mapping: the lab has some sixty servers. */
#define FETCH_HOSTS_MAX		512
/* A CA bundle: Debian's has 220 KB. */
#define FETCH_CA_BYTES_MAX	(4 * 1024 * 1024)
/* An hour: more is a server that wants to be forgotten. */
#define FETCH_RETRY_AFTER_MAX	3600

#endif
