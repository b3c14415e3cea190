/* The command line: every command and option of its table is read, and everything else is refused
 * with a hint. */
#include "app/cli.h"

#include <stdlib.h>

#include "app/command.h"
#include "support/test.h"

struct parsed {
    struct cli c;
    enum cli_outcome outcome;
    char *out, *err;
    size_t out_len, err_len;
};

/* Parses words separated by blanks. */
static struct parsed parse(const char *line)
{
    static char words[1024];
    static char *argv[64];
    int argc = 0;
    struct parsed p = {0};
    FILE *out = open_memstream(&p.out, &p.out_len), *err = open_memstream(&p.err, &p.err_len);
    EXPECT(out && err && strlen(line) < sizeof(words));
    memcpy(words, line, strlen(line) + 1);
    argv[argc++] = (char *)(uintptr_t) "llm-gateway";
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    argv[argc] = NULL;
    p.outcome = cli_parse(&p.c, argc, argv, out, err);
    fclose(out);
    fclose(err);
    return p;
}

static void done(struct parsed *p)
{
    free(p->out);
    free(p->err);
}

static void runs(const char *line, enum cli_command command)
{
    struct parsed p = parse(line);
    if (p.outcome != CLI_RUN)
        EXPECT_FAIL("%s: %s", line, p.err);
    EXPECT_EQ(p.c.facts->command, command);
    EXPECT_STR(p.out, "");
    EXPECT_STR(p.err, "");
    done(&p);
}

static void is_wrong(const char *line, const char *message)
{
    struct parsed p = parse(line);
    EXPECT_EQ(p.outcome, CLI_WRONG);
    EXPECT_CONTAINS(p.err, message);
    EXPECT_CONTAINS(p.err, "\nTry: llm-gateway ");
    EXPECT_STR(p.out, "");
    done(&p);
}

static void prints(const char *line, const char *part)
{
    struct parsed p = parse(line);
    EXPECT_EQ(p.outcome, CLI_DONE);
    EXPECT_CONTAINS(p.out, part);
    EXPECT_STR(p.err, "");
    done(&p);
}

static const char *valid_value(const struct cli_option *o)
{
    switch (o->value) {
    case CLI_FLAG:
        return NULL;
    case CLI_TEXT:
    case CLI_FILE:
        return "some/text";
    case CLI_ADDRESS:
        return "127.0.0.1:1234";
    case CLI_NUMBER:
        return "12";
    case CLI_DURATION:
        return "250ms";
    case CLI_SETTING:
        return "a.b=c=d";
    case CLI_CHOICE:
        return o->choices[0];
    case CLI_FAILURE:
        return "0.05:503";
    }
    return NULL;
}

static void option_is_read(const struct cli_command_facts *f, const struct cli_option *o)
{
    const char *value = valid_value(o);
    const char *argument = f->argument_choices ? f->argument_choices[0] : "";
    char line[256];
    snprintf(line, sizeof(line), "%s --%s%s%s %s", f->name, o->name, value ? "=" : "",
             value ? value : "", argument);
    struct parsed p = parse(line);
    EXPECT_EQ(p.outcome, CLI_RUN);
    EXPECT(cli_has(&p.c, o->name));
    EXPECT_STR(cli_text(&p.c, o->name), value);
    done(&p);
    if (!value)
        return;
    if (o->letter)
        snprintf(line, sizeof(line), "%s -%c%s %s", f->name, o->letter, value, argument);
    else
        snprintf(line, sizeof(line), "%s --%s %s %s", f->name, o->name, value, argument);
    p = parse(line);
    EXPECT_EQ(p.outcome, CLI_RUN);
    EXPECT_STR(cli_text_at(&p.c, o->name, 0), value);
    EXPECT(cli_text_at(&p.c, o->name, 1) == NULL);
    done(&p);
    snprintf(line, sizeof(line), "%s %s --%s", f->name, argument, o->name);
    is_wrong(line, "needs a value");
}

TEST(every_option_of_every_command_is_read)
{
    const struct cli_command_facts *f;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        EXPECT_EQ((unsigned)f->command, i);
        for (const struct cli_option *o = f->options; o->name; o++)
            option_is_read(f, o);
    }
}

TEST(without_a_command_it_serves)
{
    runs("", CLI_SERVE);
    runs("-c x.yaml", CLI_SERVE);
    runs("--set a=b --set c=d", CLI_SERVE);
    runs("serve", CLI_SERVE);
    runs("--version", CLI_VERSION);
    runs("-V", CLI_VERSION);
}

TEST(arguments_are_counted)
{
    runs("chat", CLI_CHAT);
    runs("chat hello", CLI_CHAT);
    runs("chat -", CLI_CHAT);
    runs("chat -- --hello", CLI_CHAT);
    runs("completions fish", CLI_COMPLETIONS);
    is_wrong("chat hello world", "'world' is one word too many: quote [MESSAGE]");
    is_wrong("check x.yaml", "check takes no 'x.yaml'");
    is_wrong("completions", "completions needs SHELL");
    is_wrong("completions fihs", "does not know 'fihs' (did you mean fish?)");
}

TEST(what_is_wrong_is_named_with_a_hint)
{
    is_wrong("sevre", "there is no command 'sevre' (did you mean serve?)");
    is_wrong("xyz", "there is no command 'xyz'\n");
    is_wrong("docz", "there is no command 'docz'\n"); /* hidden ones are no hint */
    is_wrong("check --prnt", "check has no option --prnt (did you mean --print?)");
    is_wrong("check -x", "check has no option -x");
    is_wrong("check --print=yes", "--print takes no value");
    is_wrong("serve -c a -c b", "--config is there twice");
    is_wrong("serve --listen 8080", "--listen is '8080', not an address such as");
    is_wrong("serve --log-level loud", "--log-level is 'loud', not error, warn, info or debug");
    is_wrong("serve --set a", "--set is 'a', not path=value");
    is_wrong("serve --set =a", "--set is '=a', not path=value");
    is_wrong("mock --tokens many", "--tokens is 'many', not a whole number");
    is_wrong("mock --ttft 5", "--ttft is '5', not a duration such as");
    is_wrong("mock --fail 2:503", "not a rate and a status");
    is_wrong("mock --fail 0.5:200", "not a rate and a status");
    is_wrong("mock --fail x", "not a rate and a status");
    is_wrong("help xyz", "there is no command 'xyz'");
}

TEST(help_is_there_for_all)
{
    const struct cli_command_facts *f;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        char line[128], usage[128];
        snprintf(usage, sizeof(usage), "\nUsage: llm-gateway %s", f->name);
        snprintf(line, sizeof(line), "%s --help", f->name);
        prints(line, usage);
        snprintf(line, sizeof(line), "help %s", f->name);
        prints(line, usage);
        if (!f->is_hidden)
            prints("--help", f->summary);
        for (const struct cli_option *o = f->options; o->name; o++) {
            snprintf(usage, sizeof(usage), "--%s", o->name);
            prints(line, usage);
        }
    }
    prints("-h", "Commands:");
    prints("help", "Commands:");
    prints("serve --workers 3 -h --nonsense", "Usage: llm-gateway serve");
}

TEST(values_come_from_option_environment_default_in_this_order)
{
    struct parsed p = parse("models");
    unsetenv("LLM_GATEWAY_URL");
    unsetenv("LLM_GATEWAY_KEY");
    EXPECT_STR(cli_text(&p.c, "url"), "http://127.0.0.1:8080");
    EXPECT(cli_text(&p.c, "key") == NULL);
    setenv("LLM_GATEWAY_URL", "http://other:1", 1);
    EXPECT_STR(cli_text(&p.c, "url"), "http://other:1");
    done(&p);
    p = parse("models --url http://given:1");
    EXPECT_STR(cli_text(&p.c, "url"), "http://given:1");
    unsetenv("LLM_GATEWAY_URL");
    done(&p);
}

TEST(numbers_durations_and_failures_are_numbers)
{
    double rate = 0;
    unsigned status = 0;
    struct parsed p = parse("mock --ttft 1.5s --tokens 7 --fail 0.05:529");
    EXPECT_EQ(cli_number(&p.c, "ttft", 0), 1500);
    EXPECT_EQ(cli_number(&p.c, "tokens", 0), 7);
    EXPECT_EQ(cli_number(&p.c, "cut-after", 9), 9);
    EXPECT(cli_failure(&p.c, "fail", &rate, &status));
    EXPECT_NEAR(rate, 0.05, 1e-9);
    EXPECT_EQ(status, 529);
    done(&p);
    p = parse("mock --fail 1");
    EXPECT(cli_failure(&p.c, "fail", &rate, &status));
    EXPECT_EQ(status, 500);
    done(&p);
    p = parse("mock");
    EXPECT(!cli_failure(&p.c, "fail", &rate, &status));
    done(&p);
}

TEST(overrides_of_the_configuration_keep_their_order)
{
    struct config_override o[CLI_GIVEN_MAX];
    struct parsed p = parse("check --set a.b=c=d --workers 3 --log-level debug -c f.yaml "
                            "--listen [::1]:1 --listen unix:/x");
    struct config_sources s = cli_config_sources(&p.c, o);
    EXPECT_STR(s.file, "f.yaml");
    EXPECT_EQ(s.override_count, 4);
    EXPECT_STR(o[0].path, "a.b");
    EXPECT_STR(o[0].value, "c=d");
    EXPECT_STR(o[1].path, "workers");
    EXPECT_STR(o[1].value, "3");
    EXPECT_STR(o[2].path, "log.level");
    EXPECT_STR(o[3].option, "--listen");
    EXPECT_STR(o[3].value, "[\"[::1]:1\", \"unix:/x\"]");
    done(&p);
    p = parse("serve --listen :80");
    s = cli_config_sources(&p.c, o);
    EXPECT(s.file == NULL);
    EXPECT_STR(o[0].value, ":80");
    done(&p);
}

/* --- Generated files. */

static char *file_text(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        EXPECT_FAIL("%s is not there", path);
    char *bytes = calloc(1, 1 << 20);
    EXPECT(bytes != NULL);
    size_t len = fread(bytes, 1, (1 << 20) - 1, in);
    EXPECT(len > 0 && feof(in));
    fclose(in);
    return bytes;
}

/* The text that the program would write; a difference means that tools/gen-docs was not run. */
static void is_current(const char *document, const char *path)
{
    char *text = file_text(path);
    struct buf b;
    buf_init(&b, 0);
    docs_write(document, &b);
    if (!str_eq(buf_str(&b), str_from_c(text)))
        EXPECT_FAIL("%s is not what the program says: run tools/gen-docs", path);
    buf_release(&b);
    free(text);
}

TEST(generated_documentation_is_current)
{
    is_current("options", TEST_DIR "/../docs/options.md");
    is_current("errors", TEST_DIR "/../docs/errors.md");
    is_current("metrics", TEST_DIR "/../docs/metrics.md");
    is_current("man", TEST_DIR "/../docs/llm-gateway.1");
}

TEST(the_man_page_has_every_command_and_option)
{
    char *man = file_text(TEST_DIR "/../docs/llm-gateway.1");
    const struct cli_command_facts *f;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        char text[128];
        if (f->is_hidden)
            continue;
        snprintf(text, sizeof(text), ".SS llm\\-gateway %s", f->name);
        EXPECT_CONTAINS(man, text);
        for (const struct cli_option *o = f->options; o->name; o++) {
            struct buf b;
            buf_init(&b, 0);
            buf_add_lit(&b, "\\-\\-");
            for (const char *c = o->name; *c; c++)
                buf_printf(&b, "%s%c", *c == '-' ? "\\" : "", *c);
            EXPECT_CONTAINS(man, buf_str(&b));
            buf_release(&b);
        }
    }
    free(man);
}
