/* The commands and their options. */
#include "app/cli.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const char *const documents[] = {"options", "errors", "metrics", "man", NULL};

/* clang-format off */
#define OPTION_CONFIG \
    {.name = "config", .letter = 'c', .value = CLI_FILE, \
     .help = "configuration file; else $LLM_GATEWAY_CONFIG, ./llm-gateway.yaml, " \
             "$XDG_CONFIG_HOME/llm-gateway/config.yaml, /etc/llm-gateway/config.yaml"}
#define OPTION_OVERRIDES \
    {.name = "listen", .value = CLI_ADDRESS, .repeats = true, \
     .help = "address for clients, as 127.0.0.1:8080 or unix:/run/gateway.sock"}, \
    {.name = "workers", .value = CLI_TEXT, .shown = "N", \
     .help = "event loops; auto: one for each processor core"}, \
    {.name = "log-level", .value = CLI_CHOICE, .choices = log_levels, .shown = "LEVEL", \
     .help = "error, warn, info or debug"}, \
    {.name = "set", .value = CLI_SETTING, .repeats = true, .shown = "PATH=VALUE", \
     .help = "one option of the configuration, as server.max_body=10MiB"}
#define OPTION_CLIENT \
    {.name = "url", .value = CLI_TEXT, .shown = "URL", .variable = "LLM_GATEWAY_URL", \
     .initial = "http://127.0.0.1:8080", .help = "address of the gateway"}, \
    {.name = "key", .value = CLI_TEXT, .shown = "KEY", .variable = "LLM_GATEWAY_KEY", \
     .help = "key for the gateway; better in the variable, where `ps` does not show it"}
#define OPTION_TABLE \
    {.name = "json", .value = CLI_FLAG, .help = "the answer as JSON, for scripts"}, \
    {.name = "watch", .value = CLI_FLAG, .help = "ask again every two seconds"}

static const struct cli_option serve_options[] = {OPTION_CONFIG, OPTION_OVERRIDES, {0}};

static const struct cli_option check_options[] = {
    OPTION_CONFIG,
    {.name = "print", .letter = 'p', .value = CLI_FLAG,
     .help = "show the configuration in effect, secrets masked"},
    OPTION_OVERRIDES,
    {0}};

static const struct cli_option init_options[] = {
    {.name = "output", .letter = 'o', .value = CLI_FILE, .initial = "llm-gateway.yaml",
     .help = "where to write; -: standard output"},
    {.name = "force", .letter = 'f', .value = CLI_FLAG, .help = "replace a file that is there"},
    {.name = "no-probe", .value = CLI_FLAG,
     .help = "do not look for Ollama and vLLM on this machine"},
    {0}};

static const struct cli_option mock_options[] = {
    {.name = "listen", .value = CLI_ADDRESS, .initial = "127.0.0.1:8081",
     .help = "address to answer at"},
    {.name = "latency", .value = CLI_DURATION, .help = "pause before an answer's head"},
    {.name = "ttft", .value = CLI_DURATION, .help = "pause before a stream's first content"},
    {.name = "token-rate", .value = CLI_NUMBER, .help = "tokens a second in streams; 0: at once"},
    {.name = "tokens", .value = CLI_NUMBER, .help = "tokens of an answer"},
    {.name = "fail", .value = CLI_FAILURE, .shown = "RATE:STATUS",
     .help = "share of requests that fail, as 0.05:503"},
    {.name = "cut-after", .value = CLI_NUMBER, .help = "end the connection after N events"},
    {.name = "stall-after", .value = CLI_NUMBER, .help = "say nothing more after N events"},
    {.name = "error-after", .value = CLI_NUMBER,
     .help = "fail in the stream after N events, in the provider's words"},
    {.name = "garbage", .value = CLI_FLAG, .help = "send events that are no JSON"},
    {.name = "header-flood", .value = CLI_FLAG, .help = "send more headers than anybody wants"},
    {0}};

static const struct cli_option chat_options[] = {
    {.name = "model", .letter = 'm', .value = CLI_TEXT, .shown = "MODEL",
     .help = "whom to ask; default: the first that the gateway lists"},
    {.name = "system", .letter = 's', .value = CLI_TEXT, .shown = "TEXT",
     .help = "instructions for the model"},
    OPTION_CLIENT,
    {0}};

static const struct cli_option table_options[] = {OPTION_CLIENT, OPTION_TABLE, {0}};
static const struct cli_option no_options[] = {{0}};

static const struct cli_command_facts commands[] = {
    {CLI_SERVE, "serve", "", NULL, 0, 0, false, "run the gateway (the default)",
     "Without a configuration file, keys in the environment (OPENAI_API_KEY, ...) and local "
     "servers (Ollama, vLLM) become providers; with none of them, `demo` answers.",
     serve_options},
    {CLI_CHECK, "check", "", NULL, 0, 0, false, "validate the configuration",
     "Every problem is named at once, as file:line:column: path: what is wrong.", check_options},
    {CLI_INIT, "init", "", NULL, 0, 0, false, "write a commented configuration to begin with",
     "It holds the providers whose keys or servers are found; keys stay in the environment.",
     init_options},
    {CLI_MOCK, "mock", "", NULL, 0, 0, false, "answer like a provider, to rehearse failures", NULL,
     mock_options},
    {CLI_CHAT, "chat", "[MESSAGE]", NULL, 0, 1, false, "talk to a model through a gateway",
     "Without MESSAGE it is interactive; a MESSAGE of - is read from standard input.",
     chat_options},
    {CLI_MODELS, "models", "", NULL, 0, 0, false, "list the models of a running gateway", NULL,
     table_options},
    {CLI_HEALTH, "health", "", NULL, 0, 0, false, "ask a running gateway how it is",
     "Exit status 1: it is not ready, or not there.", table_options},
    {CLI_VERSION, "version", "", NULL, 0, 0, false, "tell the version", NULL, no_options},
    {CLI_COMPLETIONS, "completions", "SHELL", shells, 1, 1, false,
     "print completions for bash, zsh or fish",
     "For example: eval \"$(llm-gateway completions bash)\"", no_options},
    {CLI_HELP, "help", "[COMMAND]", NULL, 0, 1, false, "tell more about a command", NULL,
     no_options},
    {CLI_DOCS, "docs", "DOCUMENT", documents, 1, 1, true, "print generated documentation", NULL,
     no_options},
};
/* clang-format on */

const struct cli_command_facts *cli_command_at(unsigned i)
{
    return i < ARRAY_LEN(commands) ? &commands[i] : NULL;
}

const char *cli_option_shown(const struct cli_option *o)
{
    if (o->shown)
        return o->shown;
    switch (o->value) {
    case CLI_FLAG:
        return "";
    case CLI_FILE:
        return "FILE";
    case CLI_ADDRESS:
        return "ADDRESS";
    case CLI_NUMBER:
        return "N";
    case CLI_DURATION:
        return "TIME";
    case CLI_TEXT:
    case CLI_SETTING:
    case CLI_CHOICE:
    case CLI_FAILURE:
        break;
    }
    return "VALUE";
}
