/* Any bytes as a configuration file: problems are reported in places that exist, and what is accepted
 * can be printed and used. */
#include <stdint.h>

#include "app/config.h"
#include "app/config_discover.h"

/* libfyaml 0.7 loses 4 KiB when a long quoted text that is in error was being unfolded; a broken file
 * costs the gateway that much at a reload. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static const char *const environment[] = {"KEY=sk-0123456789abcdef", "EMPTY=", "LIST=[a, b]", NULL};

static unsigned lines_of(str text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static void check_places(const struct config_report *r, str text)
{
    unsigned lines = lines_of(text);
    for (unsigned i = 0; i < r->count; i++) {
        CHECK(r->problems[i].place.line <= lines);
        CHECK(r->problems[i].place.column <= text.len + 1);
        CHECK(r->problems[i].what.len > 0);
    }
}

static void use(const struct gateway_conf *conf)
{
    struct buf b;
    buf_init(&b, 0);
    config_print(conf, &b);
    config_start_text(conf, &b);
    CHECK(config_restart_needed(conf, conf, &b) == 0);
    for (unsigned i = 0; i < conf->provider_count; i++)
        CHECK(conf->providers[i].provider && conf->providers[i].endpoint.key.len);
    for (unsigned i = 0; i < conf->model_count; i++)
        for (unsigned k = 0; k < conf->models[i].target_count; k++)
            CHECK(conf->models[i].targets[k].provider);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_sources sources = {.environment = environment};
    struct config_report report;
    struct gateway_conf *conf;
    str text = str_make((const char *)data, size);
    /* Files and devices of this machine are no part of the target. */
    if (str_find(text, STR("${file:")) >= 0)
        return 0;
    config_report_init(&report);
    enum err err = config_load_text(&sources, STR("fuzz"), text, &conf, &report);
    CHECK((err == ERR_NONE) == (conf != NULL));
    CHECK((err == ERR_CONFIG) == (report.errors > 0));
    check_places(&report, text);
    if (conf)
        use(conf);
    config_free(conf);
    config_report_release(&report);
    return 0;
}
