/* `models` and `health`: tables from a running gateway. */
#include "app/command.h"

#include <unistd.h>

#include "app/api_client.h"
#include "wire/json.h"

#define CLEAR_SCREEN "\033[H\033[J"

typedef int show_fn(const struct api_answer *a, struct arena *arena);

static str text_of(const struct json_doc *doc, uint32_t node, struct arena *arena)
{
    str text;
    return json_is(doc, node, JSON_STRING) && !json_string_decode(doc, node, arena, &text)
               ? text
               : STR("-");
}

static int show_models(const struct api_answer *a, struct arena *arena)
{
    struct json_doc doc;
    if (json_parse(&doc, arena, buf_str(&a->body), NULL))
        return 1;
    printf("%-40s %-16s %s\n", "MODEL", "PROVIDER", "THERE");
    JSON_EACH (m, &doc, json_member(&doc, JSON_ROOT, STR("data"))) {
        str id = text_of(&doc, json_member(&doc, m, STR("id")), arena);
        uint32_t gateway = json_member(&doc, m, STR("gateway"));
        JSON_EACH (t, &doc, json_member(&doc, gateway, STR("targets"))) {
            str provider = text_of(&doc, json_member(&doc, t, STR("provider")), arena);
            str model = text_of(&doc, json_member(&doc, t, STR("model")), arena);
            printf("%-40.*s %-16.*s %.*s\n", STR_ARG(id), STR_ARG(provider), STR_ARG(model));
            id = STR("");
        }
    }
    return 0;
}

static int show_health(const struct api_answer *a, struct arena *arena)
{
    struct json_doc doc;
    if (json_parse(&doc, arena, buf_str(&a->body), NULL))
        return 1;
    str status = text_of(&doc, json_member(&doc, JSON_ROOT, STR("status")), arena);
    printf("status: %.*s\n", STR_ARG(status));
    printf("%-20s %-20s %s\n", "PROVIDER", "TYPE", "HEALTH");
    JSON_EACH (p, &doc, json_member(&doc, JSON_ROOT, STR("providers"))) {
        str name = text_of(&doc, json_member(&doc, p, STR("name")), arena);
        str type = text_of(&doc, json_member(&doc, p, STR("type")), arena);
        str health = text_of(&doc, json_member(&doc, p, STR("health")), arena);
        printf("%-20.*s %-20.*s %.*s\n", STR_ARG(name), STR_ARG(type), STR_ARG(health));
    }
    return str_eq(status, STR("ok")) ? 0 : 1;
}

static int show_once(struct cli *c, struct api_client *client, const char *path, show_fn *show)
{
    const struct api_answer *a =
        api_client_ask(client, &(struct api_request){.method = "GET", .path = path});
    struct arena arena;
    int status = 1;
    arena_init(&arena, 0);
    if (a->status == 200 && cli_has(c, "json"))
        status = fwrite(a->body.ptr, 1, a->body.len, stdout) == a->body.len ? 0 : 1;
    else if (a->status == 200)
        status = show(a, &arena);
    else
        fprintf(stderr, "llm-gateway: %.*s\n", STR_ARG(api_error_text(a, &arena)));
    arena_release(&arena);
    return status;
}

static int show(struct cli *c, const char *path, show_fn *print)
{
    struct api_client *client = api_client_new(cli_text(c, "url"), cli_text(c, "key"));
    if (!client)
        return 1;
    int status = show_once(c, client, path, print);
    while (cli_has(c, "watch")) {
        sleep(2);
        fputs(isatty(STDOUT_FILENO) ? CLEAR_SCREEN : "\n", stdout);
        status = show_once(c, client, path, print);
        fflush(stdout);
    }
    api_client_free(client);
    return status;
}

int command_models(struct cli *c)
{
    return show(c, "/v1/models", show_models);
}

int command_health(struct cli *c)
{
    return show(c, "/health/providers", show_health);
}
