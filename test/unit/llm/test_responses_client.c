/* The Responses dialect towards a client: requests read, answers and streams written. */
#include "responses_helpers.h"

#include <stdlib.h>

#include "support/jansson_oracle.h"
#include "support/test.h"
#include "wire/sse.h"

/* --- Requests ------------------------------------------------------------------------------------------ */

#define INPUT(items) "{\"input\":[" items "]}"
#define USER "{\"role\":\"user\",\"content\":\"Hi\"}"

static const struct {
    const char *body, *read;
} readings[] = {
    {"{\"input\":\"H\\u00ed\"}", "user: text H\\u00ed"},
    {"{\"instructions\":\"Be brief.\",\"input\":\"Hi\"}", "system: text Be brief.|user: text Hi"},
    /* mapping: §2 system, developer */
    {INPUT("{\"role\":\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]}," USER
           ",{\"role\":\"system\",\"content\":\"b\"}"),
     "system dev: text a|user: text Hi|system: text b"},
    {INPUT(
         "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
         "\"a\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\",\"ttl\":\"30m\"}},{\"type\":"
         "\"input_image\",\"image_url\":\"data:image/png;base64,iVBORw0KGgo=\",\"detail\":\"low\"}"
         ",{\"type\":\"input_image\",\"image_url\":\"https://x.example/i.png\"},{\"type\":\"input_"
         "image\",\"file_id\":\"file-1\"},{\"type\":\"input_file\",\"filename\":\"a.pdf\","
         "\"file_data\":\"JVBERi0xLjQ=\"},{\"type\":\"input_file\",\"file_url\":\"https://x.example/"
         "b.pdf\"}]}"),
     "user: text a cached=1800, image base64 image/png iVBORw0KGgo= detail=1, "
     "image url  https://x.example/i.png, image file  file-1, "
     "document base64 application/pdf JVBERi0xLjQ= name=a.pdf, "
     "document url  https://x.example/b.pdf"},
    /* mapping: §3 a PDF as image_url */
    {INPUT("{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"data:"
           "application/pdf;base64,JVBERi0=\"}]}"),
     "user: document base64 application/pdf JVBERi0="},
    /* mapping: §4 order, tool_calls */
    {INPUT(
         USER
         ",{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"status\":"
         "\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"Let me\","
         "\"annotations\":[]},{\"type\":\"refusal\",\"refusal\":\"no\"}]},{\"type\":\"function_"
         "call\",\"id\":\"fc_1\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}"
         "\"},{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"\"}"
         ",{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":\"2\"},{\"type\":"
         "\"function_call_output\",\"call_id\":\"c1\",\"output\":[{\"type\":\"input_text\","
         "\"text\":\"1\"},{\"type\":\"input_image\",\"image_url\":\"https://x.example/i\"}]}," USER),
     "user: text Hi|assistant: text Let me, refusal no, call c1 f {\"a\":1}, call c2 g {}|"
     "user: result c1 text 1 image url  https://x.example/i, result c2 text 2, text Hi"},
    /* mapping: §8 custom */
    {INPUT(USER
           ",{\"type\":\"custom_tool_call\",\"call_id\":\"c1\",\"name\":\"sh\",\"input\":\"ls "
           "\\\"a\\\"\"},{\"type\":\"custom_tool_call_output\",\"call_id\":\"c1\",\"output\":[{"
           "\"type\":\"input_text\",\"text\":\"a\"}]}"),
     "user: text Hi|assistant: call c1 sh {\"input\":\"ls \\\"a\\\"\"} custom|user: result c1 text a"},
    /* mapping: §10 round trip */
    {INPUT(USER
           ",{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
           "\"text\":\"A\"},{\"type\":\"summary_text\",\"text\":\"B\"}],\"content\":null,"
           "\"encrypted_content\":\"gAAA\"},{\"type\":\"reasoning\",\"id\":\"rs_2\",\"summary\":["
           "{\"type\":\"summary_text\",\"text\":\"C\"}],\"encrypted_content\":\"gw1.a.c2ln\"},"
           "{\"type\":\"reasoning\",\"id\":\"rs_3\",\"summary\":[],\"encrypted_content\":"
           "\"gw1.a.redacted:ZGF0YQ==\"},{\"type\":\"reasoning\",\"id\":\"rs_4\",\"summary\":[],"
           "\"encrypted_content\":\"gw1.g.call:R2Vt\"},{\"type\":\"function_call\",\"call_id\":"
           "\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_"
           "id\":\"c1\",\"output\":\"\"}"),
     "user: text Hi|assistant: reasoning 'A' format=1 encrypted=gAAA +'B', "
     "reasoning 'C' format=2 signature=c2ln, reasoning '' format=2 encrypted=ZGF0YQ==, "
     "call c1 f {} signature=R2Vt|user: result c1 text "},
    {INPUT(
         USER
         ",{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"content\":[{\"type\":"
         "\"reasoning_text\",\"text\":\"raw\"}]},{\"role\":\"assistant\",\"content\":\"x\"}," USER),
     "user: text Hi|assistant: reasoning 'raw' format=0, text x|user: text Hi"},
    {INPUT(USER
           ",{\"type\":\"web_search_call\",\"id\":\"ws_1\"},{\"type\":\"compaction\",\"id\":\"c\""
           "},{\"type\":\"new_thing\"}," USER),
     "user: text Hi|assistant: native web_search_call, native compaction, native new_thing|"
     "user: text Hi"},
    /* mapping: §22 function_call_output without call_id */
    {INPUT(USER ",{\"type\":\"function_call_output\",\"output\":\"x\"}"),
     "fault input[1].call_id: must be the id of a call"},
    {INPUT("{\"type\":\"item_reference\",\"id\":\"msg_1\"}"),
     "fault input[0].id: refers to an item that is not kept here: send the item itself"},
    {INPUT("{\"id\":\"msg_1\"}"),
     "fault input[0].id: refers to an item that is not kept here: send the item itself"},
    {INPUT("{\"role\":\"robot\",\"content\":\"x\"}"),
     "fault input[0].role: must be one of user, assistant, system, developer"},
    {INPUT(
         "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"x\"}]}"),
     "fault input[0].content[1].type: must be one of input_text, input_image, input_file, "
     "output_text, refusal"},
    {INPUT(USER ",{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":[{\"type\":1}]}"),
     "fault input[1].output[0].type: must be one of input_text, input_image, input_file, "
     "output_text, refusal"},
    {INPUT("{\"role\":\"user\",\"content\":7}"),
     "fault input[0].content: must be a string or an array of parts"},
    {INPUT("{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}"),
     "fault input[0].call_id: must be a string that is not empty"},
    {INPUT("{\"type\":\"function_call\",\"call_id\":\"c\",\"arguments\":\"{}\"}"),
     "fault input[0].name: must be a string that is not empty"},
    {INPUT("7"), "fault input[0].type: must be the type of an item: this is no object"},
    {"{\"input\":7}", "fault input: must be a string or an array of items"},
    {"{}", "fault input: is missing"},
    {"{\"input\":\"x\",\"max_output_tokens\":0}",
     "fault max_output_tokens: must be a whole number of at least 1"},
    {"{\"input\":\"x\",\"temperature\":\"hot\"}", "fault temperature: must be a number"},
    {"{\"input\":\"x\",\"store\":1}", "fault store: must be true or false"},
    {"{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}",
     "fault reasoning.effort: must be one of none, minimal, low, medium, high, xhigh, max"},
    {"{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"xml\"}}}",
     "fault text.format.type: must be one of text, json_object, json_schema"},
    {"{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\"}}}",
     "fault text.format.schema: must be an object"},
    {"{\"input\":\"x\",\"tools\":[{\"type\":\"function\"}]}",
     "fault tools[0].name: must be a string that is not empty"},
    /* mapping: §8 duplicates by name */
    {"{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"custom\","
     "\"name\":\"f\"}]}",
     "fault tools[1].name: is the name of another tool already"},
    {"{\"input\":\"x\",\"tool_choice\":\"some\"}",
     "fault tool_choice: must be one of none, auto, required, or an object"},
};

TEST(inputs_are_read_into_turns_and_faults_name_their_field)
{
    for (unsigned i = 0; i < ARRAY_LEN(readings); i++)
        EXPECT_STR(responses_read(readings[i].body), readings[i].read);
}

/* mapping: §7 parameters, §9 response_format, §10 reasoning_effort */
TEST(settings_are_read)
{
    struct responses_asked q;
    responses_ask(&q, "{\"input\":\"x\",\"max_output_tokens\":100,\"temperature\":0.70,\"top_p\":1,"
                      "\"reasoning\":{\"effort\":\"xhigh\",\"summary\":\"detailed\"},\"text\":{"
                      "\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"a\":1},"
                      "\"description\":\"d\"}},\"parallel_tool_calls\":false,\"store\":false,"
                      "\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":3,"
                      "\"metadata\":{\"k\":\"v\"},\"user\":\"old\",\"safety_identifier\":\"new\","
                      "\"service_tier\":\"flex\",\"prompt_cache_key\":\"pk\",\"instructions\":null,"
                      "\"previous_response_id\":\"resp_0\"}");
    const struct chat *c = &q.chat;
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_STR(c->max_tokens, "100");
    EXPECT_STR(c->temperature, "0.70");
    EXPECT_STR(c->top_p, "1");
    EXPECT_EQ(c->effort, EFFORT_XHIGH);
    EXPECT_EQ(c->reasoning_visible, YES);
    EXPECT_EQ(c->format, FORMAT_SCHEMA);
    EXPECT_STR(c->format_name, "n");
    EXPECT_STR(c->format_schema, "{\"a\":1}");
    EXPECT_EQ(c->format_strict, UNSET);
    EXPECT_EQ(c->parallel_calls, NO);
    EXPECT_EQ(c->store, NO);
    EXPECT_EQ(c->logprobs, YES);
    EXPECT_STR(c->top_logprobs, "3");
    EXPECT_STR(c->metadata, "{\"k\":\"v\"}");
    EXPECT_STR(c->user, "new");
    EXPECT_STR(c->service_tier, "flex");
    EXPECT_STR(c->cache_key, "pk");
    EXPECT_STR(c->previous_response_id, "resp_0");
    responses_asked_release(&q);
}

/* mapping: §22 configuration_update, additional_tools, async; §8 tool_choice */
TEST(tools_and_settings_may_come_in_the_input)
{
    struct responses_asked q;
    responses_ask(
        &q,
        "{\"input\":[{\"type\":\"additional_tools\",\"role\":\"developer\",\"tools\":[{\"type\":"
        "\"namespace\",\"name\":\"functions\",\"description\":\"d\",\"tools\":[{\"type\":\"custom\","
        "\"name\":\"exec\",\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"x\"}}"
        "]},{\"type\":\"namespace\",\"name\":\"clock\",\"tools\":[{\"type\":\"function\",\"name\":"
        "\"sleep\",\"async\":true}]},{\"type\":\"function\",\"name\":\"f\"}]},"
        "{\"role\":\"developer\",\"content\":\"dev\"}," USER ",{\"type\":\"configuration_update\","
        "\"reasoning\":{\"effort\":\"low\"},\"text\":{\"format\":{\"type\":\"json_object\"}}},"
        "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"sleep\",\"namespace\":\"clock\","
        "\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"\"}],"
        "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"strict\":true},{\"type\":\"web_search\"}],"
        "\"reasoning\":{\"effort\":\"high\"},\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":"
        "\"auto\",\"tools\":[{\"type\":\"custom\",\"name\":\"exec\"}]}}");
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_EQ(q.chat.effort, EFFORT_LOW);
    EXPECT_EQ(q.chat.format, FORMAT_JSON);
    EXPECT_STR(q.chat.system->blocks->text.s, "dev");
    EXPECT_STR(q.chat.turns->next->blocks->call.name, "clock__sleep");
    EXPECT_STR(q.chat.allowed->name, "exec");
    EXPECT_EQ(q.chat.choice, CHOICE_AUTO);
    static const char *const names[] = {"f", "web_search", "exec", "clock__sleep"};
    const struct tool *t = q.chat.tools;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++, t = t->next)
        EXPECT_STR(t->name, names[i]);
    EXPECT(t == NULL);
    EXPECT(q.chat.tools->strict == YES && q.chat.tools->next->format == NATIVE_OPENAI);
    EXPECT(q.chat.tools->next->next->custom);
    EXPECT(chat_extra(&q.chat, NATIVE_OPENAI, STR("input[0].tools[1].tools[0].async")));
    responses_asked_release(&q);
}

/* mapping: §1 classes, §7 unknown fields */
TEST(fields_without_a_place_are_extras_of_their_class)
{
    static const struct {
        const char *body, *name;
        int class; /* -1: no extra */
    } rows[] = {
        {"\"conversation\":\"conv_1\"", "conversation", FIELD_MEANING},
        {"\"prompt\":{\"id\":\"p\"}", "prompt", FIELD_MEANING},
        {"\"background\":true", "background", FIELD_MEANING},
        {"\"background\":false", "background", -1},
        {"\"truncation\":\"auto\"", "truncation", FIELD_HINT},
        {"\"truncation\":\"disabled\"", "truncation", -1},
        {"\"access_programs\":{\"cyber\":\"standard\"}", "access_programs", FIELD_BOOKKEEPING},
        {"\"access_programs\":{\"cyber\":\"daybreak_red\"}", "access_programs", FIELD_MEANING},
        {"\"image\":{\"context_compression\":\"auto\"}", "image", FIELD_BOOKKEEPING},
        {"\"image\":{\"context_compression\":\"enabled\"}", "image", FIELD_HINT},
        {"\"text\":{\"verbosity\":\"low\"}", "text.verbosity", FIELD_HINT},
        {"\"reasoning\":{\"mode\":\"pro\"}", "reasoning.mode", FIELD_HINT},
        {"\"reasoning\":{\"context\":\"all_turns\"}", "reasoning.context", FIELD_BOOKKEEPING},
        {"\"client_metadata\":{}", "client_metadata", FIELD_BOOKKEEPING},
        {"\"stream_options\":{\"include_obfuscation\":false}", "stream_options", FIELD_BOOKKEEPING},
        {"\"max_tool_calls\":3", "max_tool_calls", FIELD_HINT},
        {"\"tool_choice\":{\"type\":\"file_search\"}", "tool_choice", FIELD_MEANING},
        {"\"frob\":1", "frob", FIELD_UNKNOWN},
        {"\"frob\":null", "frob", -1},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct responses_asked q;
        char body[200];
        snprintf(body, sizeof(body), "{\"input\":\"x\",%s}", rows[i].body);
        responses_ask(&q, body);
        EXPECT_EQ(q.err, ERR_NONE);
        const struct extra *e = chat_extra(&q.chat, NATIVE_OPENAI, str_from_c(rows[i].name));
        EXPECT_EQ(e ? (int)e->class : -1, rows[i].class);
        responses_asked_release(&q);
    }
}

/* --- Streams, judged ------------------------------------------------------------------------------------- */

/*
 * What the vendor's clients rely on: sequence numbers without gaps, `created` first, an item announced
 * before anything is told of it, its id the same throughout, `done` with the value that the deltas gave,
 * and `output` of the last event the items that were done.
 */
struct judge {
    unsigned events;
    json_t *done;     /* items, in order */
    json_t *open;     /* the announced one; NULL: none */
    char said[4000];  /* deltas of the open part */
    json_t *last;     /* response of the terminal event */
    char order[4000]; /* short names of all events */
};

static const char *text_at(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        EXPECT_FAIL("no %s", name);
    return text;
}

static void judge_item(struct judge *j, const char *type, json_t *event)
{
    json_t *item = json_object_get(event, "item");
    EXPECT_EQ(json_integer_value(json_object_get(event, "output_index")), json_array_size(j->done));
    if (!strcmp(type, "output_item.added")) {
        EXPECT(!j->open);
        j->open = json_incref(item);
        return;
    }
    EXPECT(j->open);
    EXPECT_STR(text_at(item, "id"), text_at(j->open, "id"));
    EXPECT_STR(text_at(item, "type"), text_at(j->open, "type"));
    json_array_append(j->done, item);
    json_decref(j->open);
    j->open = NULL;
}

static void judge_part(struct judge *j, const char *type, json_t *event)
{
    static const char *const whole[] = {"text", "refusal", "arguments", "input"};
    EXPECT(j->open);
    EXPECT_STR(text_at(event, "item_id"), text_at(j->open, "id"));
    if (strstr(type, ".delta"))
        strcat(j->said, text_at(event, "delta"));
    if (strstr(type, "part.added"))
        EXPECT_EQ(j->said[0], 0);
    for (unsigned i = 0; i < ARRAY_LEN(whole); i++) {
        json_t *value = json_object_get(event, whole[i]);
        if (!value)
            continue;
        EXPECT_STR(json_string_value(value), j->said);
        j->said[0] = 0;
    }
    if (strstr(type, "output_text."))
        EXPECT(json_object_get(event, "annotation") || json_object_get(event, "logprobs"));
}

static void judge_event(struct judge *j, const struct sse_event *ev, json_t *event)
{
    const char *type = text_at(event, "type");
    EXPECT_STR(ev->event, type);
    EXPECT(!strncmp(type, "response.", 9));
    EXPECT_EQ(json_integer_value(json_object_get(event, "sequence_number")), j->events);
    type += 9;
    strcat(strcat(j->order, j->events++ ? " " : ""), type);
    EXPECT_EQ(j->events == 1, !strcmp(type, "created"));
    if (json_object_get(event, "response")) {
        json_decref(j->last);
        j->last = json_incref(json_object_get(event, "response"));
    } else if (!strncmp(type, "output_item", 11)) {
        judge_item(j, type, event);
    } else {
        judge_part(j, type, event);
    }
}

static void judge_stream(struct judge *j, const char *stream)
{
    str bytes = str_from_c(stream);
    struct sse_reader reader;
    struct sse_event ev;
    *j = (struct judge){.done = json_array()};
    sse_reader_init(&reader, 0);
    while (sse_next(&reader, &bytes, &ev) == SSE_EVENT) {
        json_error_t error;
        json_t *event = json_loadb(ev.data.ptr, ev.data.len, JSON_REJECT_DUPLICATES, &error);
        if (!event)
            EXPECT_FAIL("%s: %.*s", error.text, STR_ARG(ev.data));
        judge_event(j, &ev, event);
        json_decref(event);
    }
    sse_reader_release(&reader);
    EXPECT(!j->open && j->last);
    EXPECT(json_equal(json_object_get(j->last, "output"), j->done));
}

static void judge_release(struct judge *j)
{
    json_decref(j->done);
    json_decref(j->last);
}

/* The items that were said, as compact JSON; static memory. */
static const char *items_of(json_t *items)
{
    static char text[4000];
    char *dump = json_dumps(items, JSON_COMPACT | JSON_ENSURE_ASCII);
    snprintf(text, sizeof(text), "%s", dump);
    free(dump);
    return text;
}

/* Both ways of writing say the same; order: the events' names.  A whole answer is gathered before, which
 * joins what a summary's breaks divide, and forgets where in a text a citation came. */
static void expect_said(const char *body, const char *words, const char *order, const char *items)
{
    struct judge j;
    json_error_t error;
    judge_stream(&j, responses_stream(body, words));
    EXPECT_STR(j.order, order);
    EXPECT_STR(items_of(j.done), items);
    json_t *whole = json_loads(responses_answer(body, words), JSON_REJECT_DUPLICATES, &error);
    EXPECT(whole != NULL);
    if (!strstr(words, "reasoning_break") && !strstr(words, "citation")) {
        EXPECT_STR(items_of(json_object_get(whole, "output")), items);
        EXPECT(json_equal(whole, j.last));
    }
    json_decref(whole);
    judge_release(&j);
}

#define PLAIN "{\"input\":\"Hi\"}"
#define ID "0123456789abcdefghijklmn"
#define BEGUN "created in_progress output_item.added "

/* mapping: §22, §15 emitting */
TEST(text_is_a_message_with_its_parts)
{
    expect_said(PLAIN, "start|text H\\u00e9|text y|break|text two|usage 3 0 0 4 0|finish stop|end",
                BEGUN "content_part.added output_text.delta output_text.delta output_text.done "
                      "content_part.done content_part.added output_text.delta output_text.done "
                      "content_part.done output_item.done completed",
                "[{\"id\":\"msg_" ID "_0\",\"type\":\"message\",\"status\":\"completed\",\"role\":"
                "\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"H\\u00E9y\","
                "\"annotations\":[],\"logprobs\":[]},{\"type\":\"output_text\",\"text\":\"two\","
                "\"annotations\":[],\"logprobs\":[]}]}]");
}

/* mapping: §10 answer side */
TEST(reasoning_text_and_a_call_are_items_in_their_order)
{
    expect_said(
        PLAIN,
        "start|reasoning Need |reasoning it|reasoning_break|reasoning now|signature 2 c2ln|text ok|"
        "call 0 c1 f|arguments 0 {\\\"a\\\":|arguments 0 1}|call 1 c2 g|finish calls|end",
        BEGUN
        "reasoning_summary_part.added reasoning_summary_text.delta "
        "reasoning_summary_text.delta reasoning_summary_text.done "
        "reasoning_summary_part.done reasoning_summary_part.added "
        "reasoning_summary_text.delta reasoning_summary_text.done "
        "reasoning_summary_part.done output_item.done output_item.added content_part.added "
        "output_text.delta output_text.done content_part.done output_item.done "
        "output_item.added function_call_arguments.delta function_call_arguments.delta "
        "function_call_arguments.done output_item.done output_item.added "
        "function_call_arguments.delta function_call_arguments.done output_item.done completed",
        "[{\"id\":\"rs_" ID "_0\",\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
        "\"text\":\"Need it\"},{\"type\":\"summary_text\",\"text\":\"now\"}],\"encrypted_content\":"
        "\"gw1.a.c2ln\"},{\"id\":\"msg_" ID "_1\",\"type\":\"message\",\"status\":\"completed\","
        "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"ok\",\"annotations\":"
        "[],\"logprobs\":[]}]},{\"id\":\"fc_" ID "_2\",\"type\":\"function_call\",\"status\":"
        "\"completed\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"},{\"id\":"
        "\"fc_" ID "_3\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":\"c2\","
        "\"name\":\"g\",\"arguments\":\"{}\"}]");
}

TEST(opaque_texts_without_reasoning_are_items_of_their_own)
{
    expect_said(PLAIN,
                "start|redacted 2 ZGF0YQ==|signature 1 gAAA|call 0 c1 f R2Vt|arguments 0 {}|"
                "finish calls|end",
                BEGUN "output_item.done output_item.added output_item.done output_item.added "
                      "output_item.done output_item.added function_call_arguments.delta "
                      "function_call_arguments.done output_item.done completed",
                "[{\"id\":\"rs_" ID
                "_0\",\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":"
                "\"gw1.a.redacted:ZGF0YQ==\"},{\"id\":\"rs_" ID "_1\",\"type\":\"reasoning\","
                "\"summary\":[],\"encrypted_content\":\"gAAA\"},{\"id\":\"rs_" ID "_2\",\"type\":"
                "\"reasoning\",\"summary\":[],\"encrypted_content\":\"gw1.g.call:R2Vt\"},{\"id\":"
                "\"fc_" ID "_3\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":"
                "\"c1\",\"name\":\"f\",\"arguments\":\"{}\"}]");
}

TEST(custom_tools_and_namespaces_are_what_the_client_declared)
{
    expect_said(
        "{\"input\":\"Hi\",\"tools\":[{\"type\":\"custom\",\"name\":\"sh\"},{\"type\":"
        "\"namespace\",\"name\":\"clock\",\"tools\":[{\"type\":\"function\",\"name\":"
        "\"sleep\"}]}]}",
        "start|call 0 c1 sh|arguments 0 {\\\"input\\\":|arguments 0 \\\"a \\\\\\\"b\\\\\\\"\\\"}"
        "|call 1 c2 clock__sleep|arguments 1 {}|finish calls|end",
        BEGUN "custom_tool_call_input.delta custom_tool_call_input.done output_item.done "
              "output_item.added function_call_arguments.delta "
              "function_call_arguments.done output_item.done completed",
        "[{\"id\":\"ctc_" ID "_0\",\"type\":\"custom_tool_call\",\"call_id\":\"c1\",\"name\":"
        "\"sh\",\"input\":\"a \\\"b\\\"\"},{\"id\":\"fc_" ID "_1\",\"type\":\"function_call\","
        "\"status\":\"completed\",\"call_id\":\"c2\",\"name\":\"sleep\",\"namespace\":"
        "\"clock\",\"arguments\":\"{}\"}]");
}

/* mapping: §13 refusal, content_filter; §12 refusal */
TEST(a_refusal_is_a_part_and_a_filter_an_incomplete_answer)
{
    expect_said(PLAIN, "start|refusal No|refusal .|finish stop|end",
                BEGUN "content_part.added refusal.delta refusal.delta refusal.done "
                      "content_part.done output_item.done completed",
                "[{\"id\":\"msg_" ID "_0\",\"type\":\"message\",\"status\":\"completed\",\"role\":"
                "\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]}]");
    expect_said(PLAIN, "start|text Well|finish refusal I will not.|end",
                BEGUN "content_part.added output_text.delta output_text.done content_part.done "
                      "content_part.added refusal.delta refusal.done content_part.done "
                      "output_item.done incomplete",
                "[{\"id\":\"msg_" ID "_0\",\"type\":\"message\",\"status\":\"incomplete\",\"role\":"
                "\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Well\","
                "\"annotations\":[],\"logprobs\":[]},{\"type\":\"refusal\",\"refusal\":\"I will "
                "not.\"}]}]");
}

/* mapping: §12 annotations, logprobs */
TEST(citations_logprobs_images_and_native_items_have_their_places)
{
    expect_said(
        "{\"input\":\"Hi\",\"include\":[\"message.output_text.logprobs\"]}",
        "start|native {\"id\":\"ws_1\",\"type\":\"web_search_call\"}|text \\u00e9\\ud83d\\ude00|"
        "logprobs {\"token\":\"a\"}|citation https://x|text b|logprobs {\"token\":\"b\"}|"
        "media image/png AAAA|finish stop|end",
        BEGUN "output_item.done output_item.added content_part.added output_text.delta "
              "output_text.annotation.added output_text.delta output_text.done "
              "content_part.done output_item.done output_item.added output_item.done "
              "completed",
        "[{\"id\":\"ws_1\",\"type\":\"web_search_call\"},{\"id\":\"msg_" ID "_1\",\"type\":"
        "\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"output_text\",\"text\":\"\\u00E9\\uD83D\\uDE00b\",\"annotations\":[{\"type\":\"url_"
        "citation\",\"url\":\"https://x\",\"title\":\"\",\"start_index\":0,\"end_index\":2}],"
        "\"logprobs\":[{\"token\":\"a\"},{\"token\":\"b\"}]}]},{\"id\":\"ig_" ID "_2\",\"type\":"
        "\"image_generation_call\",\"status\":\"completed\",\"output_format\":\"png\","
        "\"result\":\"AAAA\"}]");
}

TEST(logprobs_of_a_whole_answer_are_with_its_text)
{
    expect_said("{\"input\":\"Hi\",\"include\":[\"message.output_text.logprobs\"]}",
                "start|text ab|logprobs {\"token\":\"a\"},{\"token\":\"b\"}|finish stop|end",
                BEGUN "content_part.added output_text.delta output_text.done content_part.done "
                      "output_item.done completed",
                "[{\"id\":\"msg_" ID "_0\",\"type\":\"message\",\"status\":\"completed\",\"role\":"
                "\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"ab\","
                "\"annotations\":[],\"logprobs\":[{\"token\":\"a\"},{\"token\":\"b\"}]}]}]");
}

/* mapping: §13 length */
TEST(an_answer_that_was_cut_is_incomplete_and_its_arguments_stay_as_they_are)
{
    struct judge j;
    expect_said(PLAIN, "start|call 0 c1 f|arguments 0 {\\\"a|finish length|end",
                BEGUN "function_call_arguments.delta function_call_arguments.done "
                      "output_item.done incomplete",
                "[{\"id\":\"fc_" ID "_0\",\"type\":\"function_call\",\"status\":\"incomplete\","
                "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\"}]");
    judge_stream(&j, responses_stream(PLAIN, "start|finish length|end"));
    EXPECT_STR(text_at(j.last, "status"), "incomplete");
    EXPECT_STR(text_at(json_object_get(j.last, "incomplete_details"), "reason"),
               "max_output_tokens");
    judge_release(&j);
}

/* mapping: §14 usage, §12 response objects */
TEST(the_response_says_what_was_asked_and_what_it_cost)
{
    static const char *const given[] = {"instructions",    "tools",
                                        "tool_choice",     "text",
                                        "reasoning",       "metadata",
                                        "temperature",     "top_p",
                                        "store",           "user",
                                        "truncation",      "max_output_tokens",
                                        "top_logprobs",    "parallel_tool_calls",
                                        "prompt_cache_key"};
    static const char body[] =
        "{\"instructions\":\"Be brief.\",\"input\":\"Hi\",\"tools\":[{\"type\":\"function\",\"name\":"
        "\"f\",\"parameters\":null,\"strict\":false}],\"tool_choice\":\"required\",\"text\":{\"format\":"
        "{\"type\":\"text\"},\"verbosity\":\"low\"},\"reasoning\":{\"effort\":\"low\"},\"metadata\":{"
        "\"a\":\"b\"},\"temperature\":0.5,\"top_p\":0.25,\"store\":false,\"user\":\"u\",\"truncation\":"
        "\"auto\",\"max_output_tokens\":99,\"top_logprobs\":2,\"parallel_tool_calls\":false,\"prompt_"
        "cache_key\":\"k\"}";
    struct judge j;
    judge_stream(&j, responses_stream(body, "start|text x|usage 45 10 5 28 20|finish stop|end"));
    json_t *asked = json_loads(body, 0, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(given); i++)
        if (!json_equal(json_object_get(asked, given[i]), json_object_get(j.last, given[i])))
            EXPECT_FAIL("%s is not repeated", given[i]);
    EXPECT_STR(
        items_of(json_object_get(j.last, "usage")),
        "{\"input_tokens\":60,\"input_tokens_details\":{\"cached_tokens\":10,\"cache_write_"
        "tokens\":5},\"output_tokens\":48,\"output_tokens_details\":{\"reasoning_tokens\":20},"
        "\"total_tokens\":108}");
    json_decref(asked);
    judge_release(&j);
}

TEST(a_response_has_all_members_that_must_be_there)
{
    static const char *const needed[] = {"id",
                                         "object",
                                         "created_at",
                                         "error",
                                         "incomplete_details",
                                         "instructions",
                                         "model",
                                         "tools",
                                         "output",
                                         "parallel_tool_calls",
                                         "metadata",
                                         "top_p",
                                         "tool_choice",
                                         "temperature",
                                         "access_programs",
                                         "status",
                                         "usage",
                                         "store",
                                         "text",
                                         "reasoning",
                                         "truncation",
                                         "background",
                                         "previous_response_id"};
    json_t *whole = json_loads(responses_answer(PLAIN, "start|text x|finish stop|end"), 0, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(needed); i++)
        if (!json_object_get(whole, needed[i]))
            EXPECT_FAIL("%s is missing", needed[i]);
    EXPECT_EQ(json_typeof(json_object_get(whole, "usage")), JANSSON_NULL); /* unknown is not zero */
    json_decref(whole);
}

TEST(an_answer_without_content_is_told_too)
{
    expect_said(PLAIN, "start|finish stop|end", "created in_progress completed", "[]");
    expect_said(PLAIN, "finish stop|end", "created in_progress completed", "[]");
}

/* What came out goes back in: to the maker as it was. */
TEST(what_was_told_can_be_sent_back)
{
    struct judge j;
    char body[6000];
    judge_stream(&j, responses_stream(PLAIN, "start|reasoning Because|signature 2 c2ln|redacted 2 "
                                             "ZGF0YQ==|text ok|call 0 c1 f R2Vt|arguments 0 {}|"
                                             "finish calls|end"));
    char *items = json_dumps(j.done, JSON_COMPACT);
    items[strlen(items) - 1] = 0;
    snprintf(
        body, sizeof(body),
        "{\"input\":%s,{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"}]}",
        items);
    EXPECT_STR(responses_read(body),
               "assistant: reasoning 'Because' format=2 signature=c2ln, "
               "reasoning '' format=2 encrypted=ZGF0YQ==, text ok, call c1 f {} signature=R2Vt|"
               "user: result c1 text 1");
    free(items);
    judge_release(&j);
}

/* --- Errors ---------------------------------------------------------------------------------------------------- */

/* mapping: §17 shapes */
TEST(errors_have_openais_shape)
{
    struct buf out;
    buf_init(&out, 0);
    const struct dialect *d = dialect_of(ENDPOINT_RESPONSES);
    d->write_error(&out, &(struct client_error){.err = ERR_FIELD_INVALID,
                                                .message = STR("bad \"x\""),
                                                .param = STR("input[0].role")});
    EXPECT_STR(buf_str(&out),
               "{\"error\":{\"message\":\"bad \\\"x\\\"\",\"type\":\"invalid_request_"
               "error\",\"param\":\"input[0].role\",\"code\":\"invalid_value\"}}\n");
    buf_clear(&out);
    d->write_error(&out, &(struct client_error){.err = ERR_UPSTREAM_REFUSED_REQUEST,
                                                .message = STR("m"),
                                                .type = STR("overloaded_error")});
    EXPECT_STR(buf_str(&out),
               "{\"error\":{\"message\":\"m\",\"type\":\"overloaded_error\",\"param\":"
               "null,\"code\":null}}\n");
    buf_release(&out);
}

TEST(a_failure_in_a_stream_has_both_shapes)
{
    struct buf out;
    buf_init(&out, 0);
    dialect_of(ENDPOINT_RESPONSES)
        ->write_failure(&out, &(struct stream_failure){.err = ERR_UPSTREAM_TRUNCATED,
                                                       .message = STR("cut"),
                                                       .events = 4});
    EXPECT_CONTAINS(buf_str(&out),
                    "event: error\ndata: {\"type\":\"error\",\"sequence_number\":4,\"code\":"
                    "\"upstream_truncated\",\"message\":\"cut\",\"param\":null,\"error\":{\"type\":"
                    "\"server_error\",\"code\":\"upstream_truncated\",\"message\":\"cut\"");
    EXPECT_CONTAINS(buf_str(&out), "event: response.failed\ndata: {\"type\":\"response.failed\","
                                   "\"sequence_number\":5,");
    buf_release(&out);
}
