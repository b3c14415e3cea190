/* `check`: the configuration, read as `serve` would read it. */
#include "app/command.h"

static void say_fine(const struct gateway_conf *conf)
{
    if (str_is_null(conf->file))
        fputs("no file: the environment makes a configuration", stdout);
    else
        printf("%.*s: no problems", STR_ARG(conf->file));
    printf(" (providers: %u, models: %u, keys: %u)\n", conf->provider_count, conf->model_count,
           conf->key_count);
}

static void print(const struct gateway_conf *conf)
{
    struct buf b;
    buf_init(&b, 0);
    config_print(conf, &b);
    fwrite(b.ptr ? b.ptr : "", 1, b.len, stdout);
    buf_release(&b);
}

int command_check(struct cli *c)
{
    struct config_override overrides[CLI_GIVEN_MAX];
    struct config_sources sources = cli_config_sources(c, overrides);
    struct gateway_conf *conf;
    struct config_report report;
    config_report_init(&report);
    enum err err = config_load(&sources, &conf, &report);
    config_report_print(&report, stderr);
    if (err == ERR_NO_MEMORY)
        fputs("llm-gateway: out of memory\n", stderr);
    if (err == ERR_NONE && cli_has(c, "print"))
        print(conf);
    else if (err == ERR_NONE)
        say_fine(conf);
    config_free(conf);
    config_report_release(&report);
    return err != ERR_NONE;
}
