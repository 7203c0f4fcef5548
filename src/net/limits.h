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

#endif
