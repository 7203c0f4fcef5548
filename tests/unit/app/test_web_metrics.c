/* What monitoring asks: health, metrics. */
#include "web_kit.h"

static void
health(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);
	w->ctx.now = NOW + 999;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);
	w->ctx.now = NOW + 1000;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(has(w, "expired"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(has(w, "no_data"));
}

/* The routers as the rtr role tells them; a stranger's address is no label. */
static void
router_metrics_by_client(void **state)
{
	struct world *w = *state;

	w->ctx.routers = json_loads("{\"n_by_version\":{\"2\":3},\"n_by_transport\":{\"tcp\":1,\"tls\":2},"
	    "\"totals\":{\"accepted\":9,\"denied\":4,\"sent\":5000,\"received\":80,\"errors\":1},"
	    "\"tls_until\":1800000000,\"peers\":["
	    "{\"address\":\"192.0.2.1\",\"tcp\":1,\"md5\":0,\"tls\":2,\"since\":1795000000,"
	    "\"version\":2,\"serial\":7,\"accepted\":3,\"sent\":4000,\"received\":70,\"errors\":1},"
	    "{\"address\":\"2001:db8::1\",\"tcp\":0,\"accepted\":6,\"sent\":1000,\"received\":10,\"errors\":0},"
	    "{\"address\":\"evil\\\"} 1\",\"tcp\":1,\"sent\":66},{\"address\":\"192.0.2.0/24\",\"sent\":66},7]}", 0, NULL);
	assert_non_null(w->ctx.routers);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_rtr_client_connections{client=\"192.0.2.1\",transport=\"tls\"} 2\n"));
	assert_true(has(w, "sekisho_rtr_client_serial{client=\"192.0.2.1\"} 7\n"));
	assert_true(has(w, "sekisho_rtr_client_connected_timestamp_seconds{client=\"192.0.2.1\"} 1795000000\n"));
	assert_true(has(w, "sekisho_rtr_client_sent_bytes_total{client=\"2001:db8::1\"} 1000\n"));
	assert_true(has(w, "sekisho_rtr_client_errors_total{client=\"192.0.2.1\"} 1\n"));
	assert_true(has(w, "sekisho_rtr_connections_total{result=\"denied\"} 4\n"));
	assert_true(has(w, "sekisho_rtr_sent_bytes_total 5000\n"));
	assert_true(has(w, "sekisho_rtr_clients_by_transport{transport=\"tls\"} 2\n"));
	assert_true(has(w, "sekisho_rtr_tls_expiry_timestamp_seconds 1800000000\n"));
	/* Gone: its counters stay, its serial does not. */
	assert_false(has(w, "sekisho_rtr_client_serial{client=\"2001:db8::1\"}"));
	assert_false(has(w, "evil") || has(w, " 66\n") || has(w, "192.0.2.0/24"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
}

static void
metrics(void **state)
{
	struct world *w = *state;

	w->ctx.routers = json_loads("{\"n_by_version\":{\"0\":1,\"2\":5,\"x\\\"y\":1}}", 0, NULL);
	w->ctx.house = json_loads("{\"crypto\":{\"path\":\"tables\",\"asked\":\"auto\",\"why\":\"processor\"},"
	    "\"roles\":[{\"name\":\"rtr\",\"ready\":true,\"restarts\":2},"
	    "{\"name\":\"x y\"},7]}", 0, NULL);
	w->stats.by_class[4] = 3;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_string_equal(header(w, "Content-Type"),
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_true(has(w, "sekisho_vrps{ta=\"alpha\",family=\"ipv4\"} 1\n"));
	assert_true(has(w, "sekisho_vrps{ta=\"beta\",family=\"ipv6\"} 0\n"));
	assert_true(has(w, "sekisho_objects{type=\"roa\",verdict=\"valid\"} 3\n"));
	assert_true(has(w, "sekisho_findings{severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_data_age_seconds 60\n"));
	assert_true(has(w, "sekisho_validation_duration_seconds 1.500\n"));
	assert_true(has(w, "sekisho_rtr_clients{version=\"2\"} 5\n"));
	assert_true(has(w, "sekisho_http_requests_total{code=\"4xx\"} 3\n"));
	assert_true(has(w, "sekisho_crypto_path_info{path=\"tables\",why=\"processor\"} 1\n"));
	assert_true(has(w, "sekisho_role_ready{role=\"rtr\"} 1\n"));
	assert_true(has(w, "sekisho_role_restarts_total{role=\"rtr\"} 2\n"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
	assert_false(has(w, "label") || has(w, "type=\"\"") || has(w, "x\\\"y"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_healthy 0\n") && !has(w, "sekisho_vrps"));
}

/* Of a run: what validate tells; what it does not tell is not there. */
static void
run_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_validate_"));
	w->ctx.validate = json_loads("{\"runs\":7,\"failed\":2,\"last_run\":1795305600,"
	    "\"signatures_known\":40,\"signatures_computed\":3,\"pins_lost\":1,"
	    "\"next_by_time\":\"2026-11-22T00:00:00Z\",\"points\":100,\"points_as_before\":90,"
	    "\"points_kept\":8,\"duration_usec\":1234567}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_validate_runs_total{result=\"good\"} 5\n"));
	assert_true(has(w, "sekisho_validate_runs_total{result=\"failed\"} 2\n"));
	assert_true(has(w, "sekisho_validate_last_run_timestamp_seconds 1795305600\n"));
	assert_true(has(w, "sekisho_validate_last_duration_seconds 1.234\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"judged\"} 2\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"as_before\"} 90\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"kept\"} 8\n"));
	assert_true(has(w, "sekisho_validate_signatures{how=\"known\"} 40\n"));
	assert_true(has(w, "sekisho_validate_signatures{how=\"computed\"} 3\n"));
	assert_true(has(w, "sekisho_validate_next_timestamp_seconds 1795305600\n"));
	assert_true(has(w, "sekisho_validate_pins_lost_total 1\n"));
	json_decref(w->ctx.validate);
	w->ctx.validate = json_loads("{\"runs\":\"x\",\"next_by_time\":7,\"pins_lost\":-1}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_validate_runs_total{result=\"good\"} 0\n"));
	assert_false(has(w, "sekisho_validate_next_") || has(w, "sekisho_validate_points"));
}

/* Of the mail filter: what it tells; the table has no member that it does not have. */
static void
mail_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_mail_"));
	w->ctx.mail = json_loads("{\"connections\":3,\"judging\":2,\"accepted\":70,\"rejected\":4,"
	    "\"deferred\":1,\"quarantined\":5,\"own\":9,\"signed\":18,\"rows_lost\":0,"
	    "\"answers_known\":600,\"pubs_made\":7}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_mail_messages_total{act=\"accept\"} 70\n"));
	assert_true(has(w, "sekisho_mail_messages_total{act=\"reject\"} 4\n"));
	assert_true(has(w, "sekisho_mail_messages_total{act=\"tempfail\"} 1\n"));
	assert_true(has(w, "sekisho_mail_messages_total{act=\"quarantine\"} 5\n"));
	assert_true(has(w, "sekisho_mail_ours_total{what=\"own\"} 9\n"));
	assert_true(has(w, "sekisho_mail_ours_total{what=\"signatures\"} 18\n"));
	assert_true(has(w, "sekisho_mail_trouble_total{kind=\"rows_lost\"} 0\n"));
	assert_true(has(w, "sekisho_mail_open{what=\"connections\"} 3\n"));
	assert_true(has(w, "sekisho_mail_answers_total{how=\"known\"} 600\n"));
	assert_true(has(w, "sekisho_mail_keys_total{how=\"made\"} 7\n"));
	assert_false(has(w, "what=\"seals\"") || has(w, "how=\"asked\""));
	json_decref(w->ctx.mail);
	w->ctx.mail = NULL;
}

/* Each number under its own name. */
static const struct {
	const char	*member, *sample;
} of_filter[] = {
	{ "accepted", "messages_total{act=\"accept\"}" },
	{ "quarantined", "messages_total{act=\"quarantine\"}" },
	{ "deferred", "messages_total{act=\"tempfail\"}" },
	{ "rejected", "messages_total{act=\"reject\"}" },
	{ "own", "ours_total{what=\"own\"}" },
	{ "relayed", "ours_total{what=\"relay\"}" },
	{ "signed", "ours_total{what=\"signatures\"}" },
	{ "sealed", "ours_total{what=\"seals\"}" },
	{ "crowded", "trouble_total{kind=\"crowded\"}" },
	{ "not_judged", "trouble_total{kind=\"not_judged\"}" },
	{ "not_signed", "trouble_total{kind=\"not_signed\"}" },
	{ "rows_lost", "trouble_total{kind=\"rows_lost\"}" },
	{ "connections", "open{what=\"connections\"}" },
	{ "judging", "open{what=\"judging\"}" },
	{ "answers_known", "answers_total{how=\"known\"}" },
	{ "answers_asked", "answers_total{how=\"asked\"}" },
	{ "pubs_known", "keys_total{how=\"known\"}" },
	{ "pubs_made", "keys_total{how=\"made\"}" },
	{ "marks_known", "marks_total{how=\"known\"}" },
	{ "marks_not_known", "marks_total{how=\"not_known\"}" },
	{ "marks_asked", "marks_total{how=\"asked\"}" },
	{ "marks_shown", "marks_total{how=\"shown\"}" },
}, of_totals[] = {
	{ "rows", "rows_total" },
	{ "made", "reports_total{what=\"made\"}" },
	{ "no_address", "reports_total{what=\"no_address\"}" },
	{ "sent", "reports_total{what=\"sent\"}" },
	{ "failed", "reports_total{what=\"failed\"}" },
	{ "given_up", "reports_total{what=\"given_up\"}" },
};

static void
mail_names(void **state)
{
	struct world *w = *state;
	json_t *totals = json_object();
	char line[128];

	w->ctx.mail = json_object();
	for (size_t i = 0; i < ARRAY_LEN(of_filter); i++)
		(void)json_object_set_new(w->ctx.mail, of_filter[i].member, json_integer((json_int_t)(100 + i)));
	for (size_t i = 0; i < ARRAY_LEN(of_totals); i++)
		(void)json_object_set_new(totals, of_totals[i].member, json_integer((json_int_t)(200 + i)));
	w->ctx.reports = json_pack("{s:o}", "totals", totals);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	for (size_t i = 0; i < ARRAY_LEN(of_filter) + ARRAY_LEN(of_totals); i++) {
		size_t k = i - ARRAY_LEN(of_filter);

		(void)snprintf(line, sizeof(line), "\nsekisho_mail_%s %zu\n", i < ARRAY_LEN(of_filter) ?
		    of_filter[i].sample : of_totals[k].sample, i < ARRAY_LEN(of_filter) ? 100 + i : 200 + k);
		if (!has(w, line))
			fail_msg("%s", line);
	}
	json_decref(w->ctx.mail);
	json_decref(w->ctx.reports);
	w->ctx.mail = w->ctx.reports = NULL;
}

/* Of reports; what the role does not tell is not there, and what is odd does no harm. */
static void
report_metrics(void **state)
{
	struct world *w = *state;

	w->ctx.reports = json_pack("{s:I, s:i, s:{s:i, s:n, s:i, s:I}, s:{s:i, s:i, s:i, s:i, s:i}}",
	    "now", (json_int_t)w->ctx.now - 60, "dead_total", 4, "queue", "due", 7, "oldest",
	    "unaddressed", 2, "waiting_since", (json_int_t)w->ctx.now - 90000, "totals", "rows", 900,
	    "made", 30, "sent", 20, "failed", 3, "given_up", 1);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_mail_rows_total 900\n"));
	assert_true(has(w, "sekisho_mail_reports_total{what=\"made\"} 30\n"));
	assert_true(has(w, "sekisho_mail_reports_total{what=\"given_up\"} 1\n"));
	assert_true(has(w, "sekisho_mail_report_queue{what=\"due\"} 7\n"));
	assert_true(has(w, "sekisho_mail_report_queue{what=\"unaddressed\"} 2\n"));
	assert_true(has(w, "sekisho_mail_report_queue{what=\"dead\"} 4\n"));
	assert_true(has(w, "sekisho_mail_report_queue_age_seconds 0\n"));
	assert_true(has(w, "sekisho_mail_rows_waiting_age_seconds 90000\n"));
	assert_true(has(w, "sekisho_mail_reports_told_age_seconds 60\n"));
	assert_false(has(w, "what=\"no_address\""));
	json_decref(w->ctx.reports);
	w->ctx.reports = json_loads("{\"now\":\"x\",\"queue\":[7],\"totals\":3}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_mail_report_queue"));
	json_decref(w->ctx.reports);
	w->ctx.reports = NULL;
}

/* Zones that are signed here; what is never, or not told, is not there. */
static void
zone_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_zone"));
	assert_int_equal(told_zones(&w->names, SV("{\"served\":2,\"good\":1,\"signatures\":15,\"list\":["
	    "{\"zone\":\"a.example.\",\"serial\":7,\"horizon\":1795305600,\"next_signing\":9223372036854775807,\"refusals\":3},"
	    "{\"zone\":\"b.example.\",\"serial\":8,\"horizon\":-1,\"next_signing\":1795000000,\"refusals\":0},"
	    "{\"zone\":7,\"serial\":9},{\"zone\":\"c.example.\",\"refusals\":0}]}")), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_zones{state=\"good\"} 1\n"));
	assert_true(has(w, "sekisho_zones{state=\"kept\"} 1\n"));
	assert_true(has(w, "sekisho_zones{state=\"waiting\"} 1\n"));
	assert_true(has(w, "sekisho_zone_signatures_total 15\n"));
	assert_true(has(w, "sekisho_zone_serial{zone=\"a.example.\"} 7\n"));
	assert_true(has(w, "sekisho_zone_first_expiry_timestamp_seconds{zone=\"a.example.\"} 1795305600\n"));
	assert_false(has(w, "sekisho_zone_first_expiry_timestamp_seconds{zone=\"b.example.\"}"));
	assert_true(has(w, "sekisho_zone_next_signing_timestamp_seconds{zone=\"b.example.\"} 1795000000\n"));
	assert_false(has(w, "sekisho_zone_next_signing_timestamp_seconds{zone=\"a.example.\"}"));
	assert_true(has(w, "sekisho_zone_refusals_total{zone=\"a.example.\"} 3\n"));
	assert_false(has(w, "sekisho_zone_serial{zone=\"c.example.\"}"));
}

/* A report of any shape harms nobody. */
static void
strange_reports(void **state)
{
	static const char *const texts[] = {
		"", "x", "[]", "{}", "{\"tas\":7,\"objects\":{},\"findings\":[1,[],{\"text\":5}]}",
		("{\"tas\":[1,{\"name\":5}],\"objects\":[7],\"findings_total\":[],"
		"\"findings_by_code\":[{\"code\":1}],\"duration_ms\":\"x\"}"),
		"{\"findings_total\":{\"REJECT\":-5},\"duration_ms\":-1}",
		"{\"guard\":7}", "{\"guard\":{\"held\":\"x\"}}", "{\"guard\":{\"held\":3}}",
		"{\"guard\":{\"held\":3,\"until\":\"soon\",\"hash\":\"h\"}}",
	};
	static const char *const paths[] = { "/api/v1/status", "/api/v1/findings", "/metrics" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		w->data = web_data_free(w->data);
		free(w->map);
		data_make(w, texts[i]);
		for (size_t k = 0; k < ARRAY_LEN(paths); k++)
			assert_int_equal(get(w, paths[k], NULL, NULL), 200);
	}
}

/* The fetcher's findings are counted as the validator's are; codes of nobody are not. */
static void
server_findings(void **state)
{
	struct world *w = *state;

	five_sources(w);
	assert_int_equal(source(w, "odd", false, NOW, "{\"code\":\"RPKI_MFT_STALE\",\"findings\":"
	    "[7,{\"code\":\"NO_SUCH_CODE\"},{\"code\":\"RPKI_MFT_STALE\"}]}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"RPKI_X\",severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_STATUS\",severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 2\n"));
	assert_false(has(w, "NO_SUCH_CODE"));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(has(w, "{\"code\":\"FETCH_DNS\",\"severity\":\"REJECT\",\"count\":2}"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 2\n"));
	assert_false(has(w, "RPKI_X"));
	/* One that is good again has none. */
	assert_int_equal(source(w, "long", true, NOW, "{}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 1\n"));
}

static void
fetch_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_fetch"));
	five_sources(w);
	assert_int_equal(source(w, "quote\"\n", true, NOW, "{\"failures\":0}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_fetch_servers{state=\"failing\"} 3\n"));
	assert_true(has(w, "sekisho_fetch_servers{state=\"good\"} 2\n"));
	assert_true(has(w, "sekisho_fetch_server_failures{server=\"long\"} 2\n"));
	assert_true(has(w, "sekisho_fetch_last_success_timestamp_seconds{server=\"quote\\\"\\n\"} 1795000000\n"));
	assert_false(has(w, "sekisho_fetch_last_success_timestamp_seconds{server=\"never\"}"));
	assert_true(has(w, "sekisho_fetch_attempts_total{result=\"failed\"} 5\n"));
	assert_true(has(w, "sekisho_fetch_failures_total{code=\"FETCH_STATUS\"} 3\n"));
	assert_false(has(w, "NO_SUCH_CODE"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
}

TESTS_MAIN("app-web-metrics",
    W(health), W(metrics), W(run_metrics), W(mail_metrics), W(mail_names), W(report_metrics), W(zone_metrics),
    W(server_findings), W(router_metrics_by_client),
    W(strange_reports), W(fetch_metrics))
