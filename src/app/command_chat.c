/* `chat`: talk to a model through a gateway; the answer appears as it streams. */
#include "app/command.h"

#include <histedit.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/api_client.h"
#include "io/loop.h"
#include "wire/json_write.h"
#include "wire/json.h"
#include "wire/sse.h"

struct conversation {
    struct api_client *client;
    str model;
    struct buf history; /* the messages so far, JSON objects with commas between */
    /* The answer that is streaming. */
    struct sse_reader reader;
    struct buf answer;
    struct arena scratch;
    uint64_t asked_us, first_us, last_us;
    int64_t tokens_in, tokens_out;
    bool failed, finished;
    bool thinking; /* reasoning is being shown, dimmed */
};

static void add_message(struct conversation *t, const char *role, str content)
{
    struct json_write w;
    if (t->history.len)
        buf_add_byte(&t->history, ',');
    json_write_init(&w, &t->history);
    json_write_object(&w);
    json_write_member(&w, STR("role"), str_from_c(role));
    json_write_member(&w, STR("content"), content);
    json_write_object_end(&w);
}

/* --- The stream ----------------------------------------------------------------------------- */

static void show_text(struct conversation *t, const struct json_doc *doc, uint32_t node,
                      bool thinking)
{
    str text;
    if (!json_is(doc, node, JSON_STRING) || json_string_decode(doc, node, &t->scratch, &text) ||
        !text.len)
        return;
    bool colour = isatty(STDOUT_FILENO);
    if (!t->first_us)
        t->first_us = loop_clock_us();
    if (thinking != t->thinking && colour)
        fputs(thinking ? "\033[2m" : "\033[0m\n", stdout);
    t->thinking = thinking;
    fwrite(text.ptr, 1, text.len, stdout);
    fflush(stdout);
    if (!thinking)
        buf_add_str(&t->answer, text);
}

static void take_number(const struct json_doc *doc, uint32_t node, int64_t *out)
{
    if (json_is(doc, node, JSON_NUMBER) && !json_to_i64(json_raw(doc, node), out))
        *out = 0;
}

static void take_event(struct conversation *t, str data)
{
    struct json_doc doc;
    if (str_eq(data, STR("[DONE]"))) {
        t->finished = true;
        return;
    }
    if (json_parse(&doc, &t->scratch, data, NULL))
        return;
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (json_is(&doc, error, JSON_OBJECT)) {
        str why = STR("the stream failed");
        uint32_t message = json_member(&doc, error, STR("message"));
        if (json_is(&doc, message, JSON_STRING) &&
            json_string_decode(&doc, message, &t->scratch, &why))
            why = STR("the stream failed");
        fprintf(stderr, "\nllm-gateway: %.*s\n", STR_ARG(why));
        t->failed = true;
        return;
    }
    JSON_EACH (choice, &doc, json_member(&doc, JSON_ROOT, STR("choices"))) {
        uint32_t delta = json_member(&doc, choice, STR("delta"));
        show_text(t, &doc, json_member(&doc, delta, STR("reasoning_content")), true);
        show_text(t, &doc, json_member(&doc, delta, STR("content")), false);
    }
    uint32_t usage = json_member(&doc, JSON_ROOT, STR("usage"));
    take_number(&doc, json_member(&doc, usage, STR("prompt_tokens")), &t->tokens_in);
    take_number(&doc, json_member(&doc, usage, STR("completion_tokens")), &t->tokens_out);
}

static void on_piece(void *arg, str piece)
{
    struct conversation *t = arg;
    struct sse_event event;
    while (sse_next(&t->reader, &piece, &event) == SSE_EVENT) {
        if (event.is_event)
            take_event(t, event.data);
        arena_release(&t->scratch);
    }
    t->last_us = loop_clock_us();
}

/* --- One turn ------------------------------------------------------------------------------- */

static void show_figures(const struct conversation *t, const struct api_answer *a)
{
    double streaming = (double)(t->last_us - t->first_us) / 1e6;
    fprintf(stderr, "[%.*s", STR_ARG(a->provider));
    if (a->model.len)
        fprintf(stderr, "/%.*s", STR_ARG(a->model));
    fprintf(stderr, "; %lld tokens in, %lld out; first after %.2f s", (long long)t->tokens_in,
            (long long)t->tokens_out, (double)(t->first_us - t->asked_us) / 1e6);
    if (t->tokens_out > 1 && streaming > 0)
        fprintf(stderr, "; %.0f tokens/s", (double)(t->tokens_out - 1) / streaming);
    fputs("]\n", stderr);
}

static void write_request(const struct conversation *t, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), t->model);
    json_write_member_raw(&w, STR("stream"), STR("true"));
    json_write_member_raw(&w, STR("stream_options"), STR("{\"include_usage\":true}"));
    json_write_key(&w, STR("messages"));
    json_write_array(&w);
    json_write_raw(&w, buf_str(&t->history));
    json_write_array_end(&w);
    json_write_object_end(&w);
}

/* False: the turn failed, and is not part of the conversation. */
static bool say(struct conversation *t, str message)
{
    size_t before = t->history.len;
    struct buf body;
    add_message(t, "user", message);
    buf_init(&body, 0);
    write_request(t, &body);
    buf_clear(&t->answer);
    sse_reader_init(&t->reader, 0);
    t->first_us = t->last_us = 0;
    t->tokens_in = t->tokens_out = 0;
    t->failed = t->finished = t->thinking = false;
    t->asked_us = loop_clock_us();
    const struct api_answer *a =
        api_client_ask(t->client, &(struct api_request){.method = "POST",
                                                        .path = "/v1/chat/completions",
                                                        .body = buf_str(&body),
                                                        .on_piece = on_piece,
                                                        .arg = t});
    buf_release(&body);
    sse_reader_release(&t->reader);
    bool ok = a->status == 200 && !t->failed && t->finished;
    if (ok) {
        putchar('\n');
        show_figures(t, a);
        add_message(t, "assistant", buf_str(&t->answer));
    } else if (a->status != 200) {
        fprintf(stderr, "llm-gateway: %.*s\n", STR_ARG(api_error_text(a, &t->scratch)));
    } else if (!t->failed) {
        fputs("\nllm-gateway: the answer broke off\n", stderr);
    }
    if (!ok)
        t->history.len = before;
    arena_release(&t->scratch);
    return ok;
}

/* The first model that the gateway lists, copied into `into`. */
static bool choose_model(struct conversation *t, struct buf *into)
{
    const struct api_answer *a =
        api_client_ask(t->client, &(struct api_request){.method = "GET", .path = "/v1/models"});
    struct json_doc doc;
    str id = STR_NULL;
    if (a->status == 200 && !json_parse(&doc, &t->scratch, buf_str(&a->body), NULL)) {
        uint32_t first = json_first(&doc, json_member(&doc, JSON_ROOT, STR("data")));
        uint32_t node = json_member(&doc, first, STR("id"));
        if (json_is(&doc, node, JSON_STRING) && json_string_decode(&doc, node, &t->scratch, &id))
            id = STR_NULL;
    }
    if (a->status != 200)
        fprintf(stderr, "llm-gateway: %.*s\n", STR_ARG(api_error_text(a, &t->scratch)));
    else if (!id.len)
        fputs("llm-gateway: the gateway lists no model; name one with -m\n", stderr);
    buf_add_str(into, id);
    arena_release(&t->scratch);
    return id.len > 0;
}

/* --- Conversation --------------------------------------------------------------------------- */

static char *prompt(EditLine *line)
{
    (void)line;
    static char text[] = "> ";
    return text;
}

static int converse(struct conversation *t)
{
    HistEvent event;
    EditLine *line = el_init("llm-gateway", stdin, stdout, stderr);
    History *store = history_init();
    if (!line || !store)
        return 1;
    history(store, &event, H_SETSIZE, 1000);
    el_set(line, EL_PROMPT, prompt);
    el_set(line, EL_EDITOR, "emacs");
    el_set(line, EL_HIST, history, store);
    fprintf(stderr, "talking to %.*s; Ctrl-D ends\n", STR_ARG(t->model));
    const char *text;
    int count;
    while ((text = el_gets(line, &count)) && count > 0) {
        str message = str_make(text, (size_t)count);
        if (message.ptr[message.len - 1] == '\n')
            message.len--;
        if (!message.len)
            continue;
        history(store, &event, H_ENTER, text);
        say(t, message);
    }
    putchar('\n');
    history_end(store);
    el_end(line);
    return 0;
}

static int one_message(struct conversation *t, const char *message)
{
    struct buf all;
    char part[4096];
    size_t n;
    buf_init(&all, 0);
    if (str_eq(str_from_c(message), STR("-"))) {
        while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
            buf_add(&all, part, n);
    } else {
        buf_add_str(&all, str_from_c(message));
    }
    int status = say(t, buf_str(&all)) ? 0 : 1;
    buf_release(&all);
    return status;
}

int command_chat(struct cli *c)
{
    struct conversation t = {.client = api_client_new(cli_text(c, "url"), cli_text(c, "key"))};
    struct buf model;
    int status = 1;
    if (!t.client)
        return 1;
    buf_init(&t.history, 0);
    buf_init(&t.answer, 0);
    buf_init(&model, 0);
    arena_init(&t.scratch, 0);
    const char *given = cli_text(c, "model"), *system = cli_text(c, "system");
    if (given)
        buf_add_str(&model, str_from_c(given));
    if (given || choose_model(&t, &model)) {
        t.model = buf_str(&model);
        if (system)
            add_message(&t, "system", str_from_c(system));
        status = c->argument_count ? one_message(&t, c->arguments[0]) : converse(&t);
    }
    buf_release(&t.history);
    buf_release(&t.answer);
    buf_release(&model);
    arena_release(&t.scratch);
    api_client_free(t.client);
    return status;
}
