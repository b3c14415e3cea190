/* `serve`: the gateway itself. */
#include "app/command.h"
#include "app/config_discover.h"
#include "app/control.h"

extern char **environ;

int command_serve(struct cli *c)
{
    struct config_override overrides[CLI_GIVEN_MAX];
    struct config_sources sources = cli_config_sources(c, overrides);
    struct gateway_conf *conf;
    struct config_report report;
    char why[512];
    sources.probe = true;
    config_report_init(&report);
    enum err err = config_load(&sources, &conf, &report);
    config_report_print(&report, stderr);
    config_report_release(&report);
    if (err) {
        fputs("llm-gateway: not started: the configuration has errors; `llm-gateway check` shows "
              "them again\n",
              stderr);
        return 1;
    }
    struct buf
        text; /* made now, for the configuration is the control's then; said once it is true */
    buf_init(&text, 0);
    config_start_text(conf, &text);
    struct control *control = control_start(
        &(struct control_options){
            .conf = conf, .sources = &sources, .version = LLM_GATEWAY_VERSION},
        why, sizeof(why));
    if (!control) {
        buf_release(&text);
        fprintf(stderr, "llm-gateway: not started: %s\n", why);
        return 1;
    }
    fwrite(text.ptr ? text.ptr : "", 1, text.len, stderr);
    buf_release(&text);
    int status = control_run(control);
    control_free(control);
    return status;
}
