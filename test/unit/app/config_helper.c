#include "config_helper.h"

#include "app/config_tree.h"
#include "support/test.h"

static void remove_name(struct buf *problems)
{
    static const str name = STR_INIT("test.yaml:");
    struct buf kept;
    str rest = buf_str(problems);
    buf_init(&kept, 0);
    while (rest.len) {
        str line = str_split(&rest, '\n');
        if (str_starts(line, name))
            line = str_from(line, name.len);
        buf_printf(&kept, "%.*s\n", STR_ARG(line));
    }
    buf_release(problems);
    *problems = kept;
}

struct loaded load(const char *yaml, const char *const *environment,
                   const struct config_override *overrides, unsigned override_count)
{
    struct loaded l = {0};
    struct config_sources sources = {
        .environment = environment, .overrides = overrides, .override_count = override_count};
    config_report_init(&l.report);
    buf_init(&l.problems, 0);
    l.err = config_load_text(&sources, STR("test.yaml"), str_from_c(yaml), &l.conf, &l.report);
    config_report_write(&l.report, &l.problems);
    remove_name(&l.problems);
    return l;
}

void unload(struct loaded *l)
{
    config_free(l->conf);
    config_report_release(&l->report);
    buf_release(&l->problems);
}

void expect_problems(const char *yaml, const char *problems)
{
    struct loaded l = load(yaml, NULL, NULL, 0);
    EXPECT_STR(buf_str(&l.problems), problems);
    EXPECT_EQ(l.err, ERR_CONFIG);
    EXPECT(l.conf == NULL);
    unload(&l);
}

str printed(const struct loaded *l, struct arena *a, const char *path)
{
    struct buf text;
    struct config_report report;
    struct config_tree tree;
    buf_init(&text, 0);
    config_report_init(&report);
    config_print(l->conf, &text);
    EXPECT(config_tree_init(&tree, a, &report, NULL));
    config_tree_parse(&tree, STR("printed"), buf_str(&text));
    EXPECT_EQ(report.errors, 0);
    const struct config_node *n = tree.root;
    str rest = str_from_c(path);
    while (n && rest.len) {
        str piece = str_split(&rest, '.');
        uint64_t index;
        const struct config_node *up = n;
        n = config_node_get(up, piece);
        if (up->kind == CONFIG_LIST && str_to_u64(piece, &index))
            for (n = up->first; n && index; index--)
                n = n->next;
    }
    buf_release(&text);
    config_report_release(&report);
    if (n && n->kind == CONFIG_LIST)
        n = n->first;
    return n ? n->text : STR("");
}
