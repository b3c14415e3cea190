/*
 * Speed of the JSON code on a chat request of about 100 KB: system prompt with code, a long
 * conversation with escapes and some text beyond ASCII, two dozen tools with their schemas.
 *
 *     bench_json [seconds per row]
 *
 * Prints GB/s and µs per document; the best of several rounds, since others use the machine too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "wire/json.h"
#include "wire/json_edit.h"
#include "wire/json_scan.h"
#include "wire/json_simd.h"
#include "wire/json_write.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* -- the documents ------------------------------------------------------------------------------ */

static const str prose = STR_INIT(
    "The gateway answers each request from the pool that has the shortest queue. When a provider "
    "slows down, its share falls within a second; when it fails, nothing is sent there until a "
    "probe succeeds.\nPlease look at the function below and say why it can return twice:\n\n"
    "```python\ndef settle(entry, usage):\n    if entry[\"state\"] == \"reserved\":\n"
    "        entry[\"cost\"] = price(usage) * 1.0e-6\n        return entry\n    raise "
    "ValueError(f\"entry {entry['id']} is {entry['state']}\\n\")\n```\n\nAnd keep the answer short, "
    "with one example for a caller that is cancelled while it waits.\n");
static const str foreign = STR_INIT(
    "Bitte fasse die Rückmeldungen der Prüfer zusammen, größte Mängel zuerst. 请用中文简要说明。"
    "Да, и приведите пример — кратко. 😀\n");

static void message(struct json_write *w, const char *role, unsigned paragraphs, bool abroad)
{
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = 0; i < paragraphs; i++)
        buf_add_str(&text, abroad && i % 4 == 0 ? foreign : prose);
    json_write_object(w);
    json_write_member(w, STR("role"), str_from_c(role));
    json_write_member(w, STR("content"), buf_str(&text));
    json_write_object_end(w);
    buf_release(&text);
}

static void tool_call(struct json_write *w, unsigned i)
{
    json_write_object(w);
    json_write_member(w, STR("role"), STR("assistant"));
    json_write_member_raw(w, STR("content"), STR("null"));
    json_write_key(w, STR("tool_calls"));
    json_write_array(w);
    json_write_object(w);
    json_write_member(w, STR("id"), STR("call_Jm2yqAq7UdK4Q9dYz0hE3x"));
    json_write_member(w, STR("type"), STR("function"));
    json_write_key(w, STR("function"));
    json_write_object(w);
    json_write_member(w, STR("name"), STR("read_file"));
    json_write_member(w, STR("arguments"),
                      STR("{\"path\": \"src/policy/shared.c\", \"from\": 120}"));
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_array_end(w);
    json_write_object_end(w);
    json_write_object(w);
    json_write_member(w, STR("role"), STR("tool"));
    json_write_member(w, STR("tool_call_id"), STR("call_Jm2yqAq7UdK4Q9dYz0hE3x"));
    json_write_member(w, STR("content"), i & 1 ? STR("{\"lines\": 84}") : prose);
    json_write_object_end(w);
}

static void property(struct json_write *w, unsigned i)
{
    char name[32];
    snprintf(name, sizeof(name), "parameter_%u", i);
    json_write_key(w, str_from_c(name));
    json_write_object(w);
    json_write_member(w, STR("type"), i % 3 ? STR("string") : STR("integer"));
    json_write_member(w, STR("description"), STR("What the caller wants to know, in a few words."));
    if (i % 3 == 0) {
        json_write_member_u64(w, STR("minimum"), 0);
        json_write_member_u64(w, STR("maximum"), 1000);
    } else if (i % 3 == 1) {
        json_write_member_raw(w, STR("enum"), STR("[\"celsius\",\"fahrenheit\",\"kelvin\"]"));
    }
    json_write_object_end(w);
}

static void tool(struct json_write *w, unsigned i)
{
    char name[32];
    snprintf(name, sizeof(name), "tool_number_%u", i);
    json_write_object(w);
    json_write_member(w, STR("type"), STR("function"));
    json_write_key(w, STR("function"));
    json_write_object(w);
    json_write_member(w, STR("name"), str_from_c(name));
    json_write_member(
        w, STR("description"),
        STR("Looks up one thing and returns it as JSON. Use it when the user asks for "
            "that thing by name; never guess the name."));
    json_write_key(w, STR("parameters"));
    json_write_object(w);
    json_write_member(w, STR("type"), STR("object"));
    json_write_key(w, STR("properties"));
    json_write_object(w);
    for (unsigned p = 0; p < 6; p++)
        property(w, p);
    json_write_object_end(w);
    json_write_member_raw(w, STR("required"), STR("[\"parameter_0\",\"parameter_1\"]"));
    json_write_member_raw(w, STR("additionalProperties"), STR("false"));
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

static void chat_request(struct buf *out, bool abroad)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), STR("gpt-4o-mini"));
    json_write_key(&w, STR("messages"));
    json_write_array(&w);
    message(&w, "system", 8, abroad);
    for (unsigned i = 0; i < 30; i++) {
        message(&w, "user", 1 + i % 4, abroad);
        if (i % 3 == 0)
            tool_call(&w, i);
        message(&w, "assistant", 1 + i % 3, abroad);
    }
    json_write_array_end(&w);
    json_write_key(&w, STR("tools"));
    json_write_array(&w);
    for (unsigned i = 0; i < 24; i++)
        tool(&w, i);
    json_write_array_end(&w);
    json_write_key(&w, STR("temperature"));
    json_write_double(&w, 0.7);
    json_write_member_u64(&w, STR("max_tokens"), 4096);
    json_write_member_raw(&w, STR("stream"), STR("true"));
    json_write_member_raw(&w, STR("stream_options"), STR("{\"include_usage\":true}"));
    json_write_object_end(&w);
    CHECK(json_write_done(&w) && !out->failed);
}

/* As Python's json.dumps(indent=2) lays it out, or with its `, ` and `: `. */
static void spread(struct buf *out, str json, bool lines)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        bool shut = !in_string && (c == '}' || c == ']'),
             open = !in_string && (c == '{' || c == '[');
        depth += open;
        depth -= shut;
        if (shut && lines)
            buf_printf(out, "\n%*s", (int)depth * 2, "");
        buf_add_byte(out, c);
        if (c == '\\')
            buf_add_byte(out, json.ptr[++i]);
        else if (c == '"')
            in_string = !in_string;
        if (!in_string && c == ':')
            buf_add_byte(out, ' ');
        if (lines && !in_string && (c == ',' || open))
            buf_printf(out, "\n%*s", (int)depth * 2, "");
        else if (!in_string && c == ',')
            buf_add_byte(out, ' ');
    }
}

/* -- rows --------------------------------------------------------------------------------------- */

static double seconds = 0.3;
static struct arena arena;

static void run_full(str json)
{
    struct json_doc doc;
    CHECK(!json_parse(&doc, &arena, json, NULL));
    arena_release(&arena);
}

static void run_shallow(str json)
{
    struct json_doc doc;
    CHECK(!json_parse(&doc, &arena, json, &(struct json_options){.index_depth = 1}));
    arena_release(&arena);
}

/* All that the same-format path does to a request. */
static void run_request(str json)
{
    static const str exact[] = {STR_INIT("model"), STR_INIT("stream"), STR_INIT("tools"),
                                STR_INIT("max_tokens")};
    struct json_doc doc;
    struct json_edit e;
    struct json_parts parts;
    uint32_t culprit;
    CHECK(!json_parse(&doc, &arena, json,
                      &(struct json_options){.index_depth = 1, .root_object = true}));
    CHECK(!json_check_members(&doc, JSON_ROOT, exact, ARRAY_LEN(exact), &arena, &culprit));
    json_edit_init(&e, &doc, &arena);
    json_edit_replace_string(&e, json_member(&doc, JSON_ROOT, STR("model")), STR("other-model"));
    CHECK(!json_edit_finish(&e, &parts));
    arena_release(&arena);
}

static struct json_paths paths;
static struct json_scan scanner;

static void scan(str json, bool strict)
{
    json_scan_reset(&scanner);
    scanner.strict = strict;
    for (; json.len; json = str_from(json, 16384))
        json_scan_feed(&scanner, str_first(json, 16384));
    CHECK(json_scan_end(&scanner) == JSON_SCAN_COMPLETE);
}

static void run_scan(str json)
{
    scan(json, false);
}

static void run_scan_strict(str json)
{
    scan(json, true);
}

static void row(const char *what, const char *document, str json, void (*run)(str))
{
    double best = 1e9, until = now_s() + seconds;
    do {
        double start = now_s();
        unsigned rounds = 1 + (unsigned)(2e6 / (double)json.len);
        for (unsigned i = 0; i < rounds; i++)
            run(json);
        double each = (now_s() - start) / rounds;
        best = each < best ? each : best;
    } while (now_s() < until);
    printf("%-22s %-18s %8zu bytes %9.2f us %7.2f GB/s\n", what, document, json.len, best * 1e6,
           (double)json.len / best / 1e9);
}

static const struct {
    const char *name;
    void (*run)(str);
} rows[] = {
    {"full index", run_full}, {"top level", run_shallow},        {"request path", run_request},
    {"scan", run_scan},       {"scan, strict", run_scan_strict},
};

int main(int argc, char **argv)
{
    struct buf chat, abroad, python, indented, event, floats;
    if (argc > 1)
        seconds = atof(argv[1]);
    buf_init(&chat, 0);
    buf_init(&abroad, 0);
    buf_init(&python, 0);
    buf_init(&indented, 0);
    buf_init(&event, 0);
    buf_init(&floats, 0);
    chat_request(&chat, false);
    chat_request(&abroad, true);
    spread(&python, buf_str(&abroad), false);
    spread(&indented, buf_str(&abroad), true);
    buf_add_lit(
        &event,
        "{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\","
        "\"created\":1741569952,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_06737a9306\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        "\" Hello\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}");
    buf_add_lit(&floats, "{\"data\":[");
    for (unsigned i = 0; i < 6000; i++)
        buf_printf(&floats, "%s%.9f", i ? "," : "", (double)(i * 7919 % 10007) / 10007 - 0.5);
    buf_add_lit(&floats, "]}");
    arena_init(&arena, 0);
    static const char *const texts[] = {"usage", "id", "model", "error", "choices.*.finish_reason"};
    json_paths_init(&paths, texts, ARRAY_LEN(texts));
    json_scan_init(&scanner, &paths, 4096);

    const char *form;
    for (unsigned f = 0; (form = json_simd_use(f)); f++) {
        printf("-- %s\n", form);
        for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
            row(rows[i].name, "chat, English", buf_str(&chat), rows[i].run);
            row(rows[i].name, "chat, mixed", buf_str(&abroad), rows[i].run);
            row(rows[i].name, "chat, `, ` `: `", buf_str(&python), rows[i].run);
            row(rows[i].name, "chat, indented", buf_str(&indented), rows[i].run);
            if (rows[i].run != run_request) {
                row(rows[i].name, "6000 floats", buf_str(&floats), rows[i].run);
                row(rows[i].name, "stream event", buf_str(&event), rows[i].run);
            }
        }
    }
    json_scan_release(&scanner);
    buf_release(&chat);
    buf_release(&abroad);
    buf_release(&python);
    buf_release(&indented);
    buf_release(&event);
    buf_release(&floats);
    arena_recycler_release();
    return 0;
}
