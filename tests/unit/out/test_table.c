#include "../tap.h"
#include "out/table.h"

static void
cells(void **state UNUSED)
{
	static const struct {
		struct sv	text;
		unsigned	cells;
	} rows[] = {
		{ SV(""), 0 },
		{ SV("VRP"), 3 },
		{ SV("関所"), 4 },
		{ SV("経路 a"), 6 },
		{ SV("ｱ"), 1 },			/* half width */
		{ SV("–"), 1 },
		{ SV("\xff\xe3"), 2 },		/* broken bytes */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(text_cells(rows[i].text), rows[i].cells);
}

static void
columns(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	table_cell(&b, "有効", 6, false);
	buf_char(&b, '|');
	table_cell(&b, "有効", 6, true);
	buf_char(&b, '|');
	table_num(&b, 42, 4);
	buf_char(&b, '|');
	table_cell(&b, "too long", 3, false);	/* never cut */
	assert_true(sv_eq(buf_get(&b), SV("有効  |  有効|  42|too long")));
	buf_done(&b);
}

TESTS_MAIN("out/table", T(cells), T(columns))
