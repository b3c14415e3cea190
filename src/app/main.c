/* llm-gateway: one small program between applications and every LLM provider. */
#include <malloc.h>

#include "app/command.h"

typedef int command_fn(struct cli *c);

static command_fn *const commands[CLI_COMMAND_COUNT] = {
    [CLI_SERVE] = command_serve,     [CLI_CHECK] = command_check,
    [CLI_INIT] = command_init,       [CLI_MOCK] = command_mock,
    [CLI_VERSION] = command_version, [CLI_COMPLETIONS] = command_completions,
    [CLI_CHAT] = command_chat,       [CLI_MODELS] = command_models,
    [CLI_HEALTH] = command_health,   [CLI_DOCS] = command_docs,
};

int main(int argc, char **argv)
{
    struct cli c;
    /* Large bodies come and go: memory given back to the kernel after each would only be faulted in
     * again for the next. */
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    switch (cli_parse(&c, argc, argv, stdout, stderr)) {
    case CLI_DONE:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    CHECK(commands[c.facts->command]);
    return commands[c.facts->command](&c);
}
