#include "app/cli.h"

#include <stdlib.h>

#include "base/option.h"

struct reading {
    struct cli *c;
    FILE *err;
    int argc, at;
    char **argv;
};

extern char **environ;

/* --- Saying what is wrong. */

static enum cli_outcome wrong(struct reading *r, str suggestion, const char *format, ...)
    printf_like(3, 4);
static enum cli_outcome wrong(struct reading *r, str suggestion, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("llm-gateway: ", r->err);
    vfprintf(r->err, format, args);
    va_end(args);
    if (suggestion.len)
        fprintf(r->err, " (did you mean %.*s?)", STR_ARG(suggestion));
    if (r->c->facts)
        fprintf(r->err, "\nTry: llm-gateway %s --help\n", r->c->facts->name);
    else
        fputs("\nTry: llm-gateway --help\n", r->err);
    return CLI_WRONG;
}

static const struct cli_command_facts *command_find(str name)
{
    const struct cli_command_facts *f;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++)
        if (str_eq(name, str_from_c(f->name)))
            return f;
    return NULL;
}

static enum cli_outcome wrong_command(struct reading *r, str name)
{
    const struct cli_command_facts *f;
    str best = STR_NULL;
    unsigned distance = 0;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++)
        if (!f->is_hidden)
            option_suggest(name, str_from_c(f->name), &best, &distance);
    return wrong(r, best, "there is no command '%.*s'", STR_ARG(name));
}

static enum cli_outcome wrong_option(struct reading *r, str name)
{
    str best = STR_NULL;
    unsigned distance = 0;
    for (const struct cli_option *o = r->c->facts->options; o->name; o++)
        option_suggest(name, str_from_c(o->name), &best, &distance);
    char dashed[64];
    int len = snprintf(dashed, sizeof(dashed), "--%.*s", STR_ARG(best));
    return wrong(r, best.len ? str_make(dashed, (size_t)len) : STR_NULL, "%s has no option --%.*s",
                 r->c->facts->name, STR_ARG(name));
}

/* --- Values. */

static const struct option duration_row = {
    .name = "duration", .type = OPTION_DURATION, .width = sizeof(uint64_t)};

static bool duration_parse(const char *text, uint64_t *ms)
{
    struct arena a;
    arena_init(&a, 0);
    bool fine = !option_number_parse(&duration_row, str_from_c(text), ms, &a);
    arena_release(&a);
    return fine;
}

static bool failure_parse(const char *text, double *rate, unsigned *status)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *rate = strtod(text, &end);
    uint64_t code = 500;
    if (*end == ':' && !str_to_u64(str_from_c(end + 1), &code))
        return false;
    *status = (unsigned)code;
    return (*end == ':' || *end == '\0') && *rate >= 0 && *rate <= 1 && code >= 400 && code <= 599;
}

static bool is_choice(const char *const *choices, const char *value)
{
    for (; *choices; choices++)
        if (strcmp(*choices, value) == 0)
            return true;
    return false;
}

/* NULL, or what the value should have been. */
static const char *value_check(const struct cli_option *o, const char *value)
{
    struct address address;
    uint64_t number;
    double rate;
    unsigned status;
    switch (o->value) {
    case CLI_FLAG:
    case CLI_TEXT:
        return NULL;
    case CLI_FILE:
        return *value ? NULL : "the name of a file";
    case CLI_ADDRESS:
        return address_parse(&address, str_from_c(value)) == ERR_NONE
                   ? NULL
                   : "an address such as 127.0.0.1:8080, [::]:8080 or unix:/run/gateway.sock";
    case CLI_NUMBER:
        return str_to_u64(str_from_c(value), &number) ? NULL : "a whole number";
    case CLI_DURATION:
        return duration_parse(value, &number) ? NULL : "a duration such as 250ms, 2s, 5m";
    case CLI_SETTING:
        return strchr(value, '=') && *value != '=' ? NULL : "path=value, as server.max_body=10MiB";
    case CLI_CHOICE:
        return is_choice(o->choices, value) ? NULL : o->help;
    case CLI_FAILURE:
        return failure_parse(value, &rate, &status) ? NULL
                                                    : "a rate and a status, such as 0.05:503";
    }
    return NULL;
}

static enum cli_outcome given(struct reading *r, const struct cli_option *o, const char *value)
{
    struct cli *c = r->c;
    const char *expected = value ? value_check(o, value) : NULL;
    if (expected)
        return wrong(r, STR_NULL, "--%s is '%s', not %s", o->name, value, expected);
    if (!o->repeats && cli_has(c, o->name) && o->value != CLI_FLAG)
        return wrong(r, STR_NULL, "--%s is there twice", o->name);
    if (c->given_count == CLI_GIVEN_MAX)
        return wrong(r, STR_NULL, "too many options");
    c->given[c->given_count].option = o;
    c->given[c->given_count++].value = value;
    return CLI_RUN;
}

/* The value of an option that has one: behind '=' or glued to its letter, else the next word. */
static enum cli_outcome option_value(struct reading *r, const struct cli_option *o,
                                     const char *glued)
{
    if (o->value == CLI_FLAG)
        return glued ? wrong(r, STR_NULL, "--%s takes no value", o->name) : given(r, o, NULL);
    if (!glued && r->at == r->argc)
        return wrong(r, STR_NULL, "--%s needs a value: %s", o->name, cli_option_shown(o));
    return given(r, o, glued ? glued : r->argv[r->at++]);
}

static enum cli_outcome long_option(struct reading *r, const char *word)
{
    const char *equals = strchr(word, '=');
    str name = equals ? str_make(word, (size_t)(equals - word)) : str_from_c(word);
    for (const struct cli_option *o = r->c->facts->options; o->name; o++)
        if (str_eq(name, str_from_c(o->name)))
            return option_value(r, o, equals ? equals + 1 : NULL);
    return wrong_option(r, name);
}

static enum cli_outcome short_option(struct reading *r, const char *word)
{
    for (const struct cli_option *o = r->c->facts->options; o->name; o++)
        if (o->letter == word[0]) {
            const char *glued = word[1] ? word + 1 : NULL;
            return option_value(r, o, glued && *glued == '=' ? glued + 1 : glued);
        }
    return wrong(r, STR_NULL, "%s has no option -%c", r->c->facts->name, word[0]);
}

static enum cli_outcome argument(struct reading *r, const char *word)
{
    struct cli *c = r->c;
    const struct cli_command_facts *f = c->facts;
    if (c->argument_count == f->arguments_max || c->argument_count == CLI_ARGUMENTS_MAX)
        return f->arguments_max
                   ? wrong(r, STR_NULL, "'%s' is one word too many: quote %s", word, f->arguments)
                   : wrong(r, STR_NULL, "%s takes no '%s'", f->name, word);
    if (f->argument_choices && !is_choice(f->argument_choices, word)) {
        str best = STR_NULL;
        unsigned distance = 0;
        for (unsigned i = 0; f->argument_choices[i]; i++)
            option_suggest(str_from_c(word), str_from_c(f->argument_choices[i]), &best, &distance);
        return wrong(r, best, "%s does not know '%s'", f->name, word);
    }
    c->arguments[c->argument_count++] = word;
    return CLI_RUN;
}

/* --- Words. */

static enum cli_outcome print_help(const struct cli_command_facts *f, FILE *out)
{
    struct buf b;
    buf_init(&b, 0);
    cli_help(f, &b);
    fwrite(b.ptr ? b.ptr : "", 1, b.len, out);
    buf_release(&b);
    return CLI_DONE;
}

static enum cli_outcome help_command(struct reading *r, FILE *out)
{
    if (r->c->argument_count == 0)
        return print_help(NULL, out);
    str name = str_from_c(r->c->arguments[0]);
    const struct cli_command_facts *f = command_find(name);
    return f ? print_help(f, out) : wrong_command(r, name);
}

static bool is_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

static enum cli_outcome words(struct reading *r, FILE *out)
{
    bool only_arguments = false;
    while (r->at < r->argc) {
        const char *word = r->argv[r->at++];
        enum cli_outcome outcome = CLI_RUN;
        if (!only_arguments && is_help(word))
            return print_help(r->c->facts, out);
        if (!only_arguments && strcmp(word, "--") == 0)
            only_arguments = true;
        else if (!only_arguments && strncmp(word, "--", 2) == 0)
            outcome = long_option(r, word + 2);
        else if (!only_arguments && word[0] == '-' && word[1])
            outcome = short_option(r, word + 1);
        else
            outcome = argument(r, word);
        if (outcome != CLI_RUN)
            return outcome;
    }
    const struct cli_command_facts *f = r->c->facts;
    if (r->c->argument_count < f->arguments_min)
        return wrong(r, STR_NULL, "%s needs %s", f->name, f->arguments);
    return f->command == CLI_HELP ? help_command(r, out) : CLI_RUN;
}

enum cli_outcome cli_parse(struct cli *c, int argc, char **argv, FILE *out, FILE *err)
{
    *c = (struct cli){0};
    struct reading r = {.c = c, .err = err, .argc = argc, .at = 1, .argv = argv};
    const char *first = argc > 1 ? argv[1] : "";
    if (is_help(first))
        return print_help(NULL, out);
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        c->facts = command_find(STR("version"));
        r.at++;
        return words(&r, out);
    }
    if (*first && *first != '-') {
        c->facts = command_find(str_from_c(first));
        if (!c->facts)
            return wrong_command(&r, str_from_c(first));
        r.at++;
    } else {
        c->facts = command_find(STR("serve"));
    }
    return words(&r, out);
}

/* --- Asking. */

bool cli_has(const struct cli *c, const char *option)
{
    for (unsigned i = 0; i < c->given_count; i++)
        if (strcmp(c->given[i].option->name, option) == 0)
            return true;
    return false;
}

const char *cli_text_at(const struct cli *c, const char *option, unsigned i)
{
    for (unsigned k = 0; k < c->given_count; k++)
        if (strcmp(c->given[k].option->name, option) == 0 && i-- == 0)
            return c->given[k].value;
    return NULL;
}

const char *cli_text(const struct cli *c, const char *option)
{
    for (unsigned k = c->given_count; k-- > 0;)
        if (strcmp(c->given[k].option->name, option) == 0)
            return c->given[k].value;
    for (const struct cli_option *o = c->facts->options; o->name; o++) {
        if (strcmp(o->name, option) != 0)
            continue;
        const char *value = o->variable ? getenv(o->variable) : NULL;
        return value && *value ? value : o->initial;
    }
    BUG("%s has no option %s", c->facts->name, option);
}

uint64_t cli_number(const struct cli *c, const char *option, uint64_t otherwise)
{
    const char *text = cli_text(c, option);
    uint64_t value;
    if (!text)
        return otherwise;
    return str_to_u64(str_from_c(text), &value) || duration_parse(text, &value) ? value : otherwise;
}

bool cli_failure(const struct cli *c, const char *option, double *rate, unsigned *status)
{
    const char *text = cli_text(c, option);
    return text && failure_parse(text, rate, status);
}

/* --- For the configuration. */

/* Addresses hold brackets and colons: quoted, they are texts of a list in brackets. */
static const char *listen_value(struct cli *c)
{
    size_t len = 0, size = sizeof(c->listen_text);
    const char *one;
    if (!cli_text_at(c, "listen", 1))
        return cli_text_at(c, "listen", 0);
    for (unsigned i = 0; (one = cli_text_at(c, "listen", i)) != NULL; i++) {
        int n = snprintf(c->listen_text + len, size - len, "%s\"%s\"", i ? ", " : "[", one);
        len = n < 0 || (size_t)n >= size - len ? size - 1 : len + (size_t)n;
    }
    snprintf(c->listen_text + len, size - len, "]");
    return c->listen_text;
}

struct config_sources cli_config_sources(struct cli *c, struct config_override *overrides)
{
    unsigned n = 0;
    bool listens = false;
    for (unsigned i = 0; i < c->given_count; i++) {
        const char *name = c->given[i].option->name;
        str value = str_from_c(c->given[i].value);
        if (strcmp(name, "listen") == 0 && !listens) {
            value = str_from_c(listen_value(c));
            overrides[n++] = (struct config_override){STR("--listen"), STR("listen"), value};
            listens = true;
        } else if (strcmp(name, "workers") == 0) {
            overrides[n++] = (struct config_override){STR("--workers"), STR("workers"), value};
        } else if (strcmp(name, "log-level") == 0) {
            overrides[n++] = (struct config_override){STR("--log-level"), STR("log.level"), value};
        } else if (strcmp(name, "set") == 0) {
            str path = str_split(&value, '=');
            overrides[n++] = (struct config_override){STR("--set"), path, value};
        }
    }
    return (struct config_sources){
        .file = cli_has(c, "config") ? cli_text(c, "config") : NULL,
        .environment = (const char *const *)environ,
        .overrides = overrides,
        .override_count = n,
        .probe = true,
    };
}
