/*
 * Requests of Gemini's clients as chats.
 * mapping: §2 GEM ; mapping: §3 GEM ; mapping: §24 Gemini inbound
 */
#include <stdio.h>

#include "llm/dialect.h"
#include "llm/signature.h"
#include "support/test.h"

extern const struct dialect dialect_gemini;

static struct arena arena;
static struct chat chat;
static struct chat_source source;
static struct buf log_;

static enum err try_read(const char *body)
{
    static struct json_doc doc;
    arena_release(&arena);
    buf_clear(&log_);
    chat_init(&chat, &arena);
    EXPECT_EQ(json_parse(&doc, &arena, str_from_c(body), NULL), ERR_NONE);
    source = (struct chat_source){.doc = &doc, .model = STR("m"), .stream = true};
    return dialect_gemini.read_request(&source, &chat);
}

static void read_well(const char *body)
{
    enum err err = try_read(body);
    if (err)
        EXPECT_FAIL("%s: %.*s %.*s", body, STR_ARG(source.fault.field), STR_ARG(source.fault.text));
}

static void dump_media(const struct block *b)
{
    static const char *const kinds[] = {[BLOCK_IMAGE] = "image",
                                        [BLOCK_AUDIO] = "audio",
                                        [BLOCK_VIDEO] = "video",
                                        [BLOCK_DOCUMENT] = "document"};
    buf_printf(&log_, "%s %d %.*s %.*s%.*s %.*s\n", kinds[b->kind], (int)b->media.source,
               STR_ARG(b->media.mime), STR_ARG(b->media.data), STR_ARG(b->media.text.s),
               STR_ARG(b->media.name));
}

static void dump_block(const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
        buf_printf(&log_, "text %.*s\n", STR_ARG(b->text.s));
        break;
    case BLOCK_REASONING:
        buf_printf(&log_, "reasoning %.*s|%.*s|%.*s|%.*s %d\n", STR_ARG(b->reasoning.text.s),
                   STR_ARG(b->reasoning.signature), STR_ARG(b->reasoning.encrypted),
                   STR_ARG(b->reasoning.item_id), (int)b->reasoning.format);
        break;
    case BLOCK_CALL:
        buf_printf(&log_, "call %.*s %.*s %.*s %.*s\n", STR_ARG(b->call.id), STR_ARG(b->call.name),
                   STR_ARG(b->call.arguments), STR_ARG(b->call.signature));
        break;
    case BLOCK_RESULT:
        buf_printf(&log_, "result %.*s %.*s%s%s\n", STR_ARG(b->result.call_id),
                   STR_ARG(b->result.name), b->result.is_error ? " error" : "",
                   b->result.json ? " json" : "");
        for (const struct block *in = b->result.content; in; in = in->next) {
            buf_add_lit(&log_, "  ");
            dump_block(in);
        }
        break;
    case BLOCK_NATIVE:
        buf_printf(&log_, "native %.*s %.*s\n", STR_ARG(b->native.type), STR_ARG(b->native.json));
        break;
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        dump_media(b);
        break;
    case BLOCK_REFUSAL:
        EXPECT_FAIL("a refusal");
    }
}

static void dump_turns(const struct turn *t)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    for (; t; t = t->next) {
        buf_printf(&log_, "%s %.*s\n", roles[t->role], STR_ARG(t->path));
        for (const struct block *b = t->blocks; b; b = b->next)
            dump_block(b);
    }
}

static void expect_turns(const char *body, const char *wanted)
{
    read_well(body);
    dump_turns(chat.system);
    dump_turns(chat.turns);
    if (!str_eq(buf_str(&log_), str_from_c(wanted)))
        EXPECT_FAIL("\n%.*sexpected\n%s", STR_ARG(buf_str(&log_)), wanted);
}

static void expect_fault(const char *body, const char *field)
{
    enum err err = try_read(body);
    EXPECT(err == ERR_FIELD_INVALID || err == ERR_FIELD_MISSING);
    EXPECT_EQ(source.fault.err, err);
    if (!str_eq(source.fault.field, str_from_c(field)))
        EXPECT_FAIL("%s: fault at '%.*s', expected '%s'", body, STR_ARG(source.fault.field), field);
}

static void expect_extra(const char *name, enum field_class class)
{
    const struct extra *e = chat_extra(&chat, NATIVE_GEMINI, str_from_c(name));
    if (!e)
        EXPECT_FAIL("no extra %s", name);
    EXPECT_EQ(e->class, class);
}

#define ASK "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"?\"}]}]"

TEST(texts_and_the_instruction)
{
    expect_turns("{\"system_instruction\":{\"role\":\"user\",\"parts\":[{\"text\":\"Be \\n\"}]},"
                 "\"contents\":[{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]}]}",
                 "system systemInstruction\ntext Be \\n\nuser contents[0]\ntext a\ntext b\n");
    EXPECT(chat.stream && str_eq(chat.model, STR("m")) && chat.dialect == NATIVE_GEMINI);
    EXPECT(chat.extras == NULL);
}

TEST(chunks_of_a_model_are_joined)
{
    expect_turns("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"?\"}]},"
                 "{\"role\":\"model\",\"parts\":[{\"text\":\"th\",\"thought\":true}]},"
                 "{\"role\":\"model\",\"parts\":[{\"text\":\"ink\",\"thought\":true},"
                 "{\"text\":\"Hel\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"lo\"},{\"text\":"
                 "\" \"},{\"text\":\"you\"},{\"text\":\"\",\"thoughtSignature\":\"S=\"}]}]}",
                 "user contents[0]\ntext ?\nassistant contents[1]\nreasoning think||| 0\n"
                 "text Hello you\nreasoning |S=|| 3\n");
}

TEST(calls_and_their_answers_by_id)
{
    expect_turns(
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"?\"}]},{\"role\":\"model\","
        "\"parts\":[{\"functionCall\":{\"id\":\"a\",\"name\":\"f\",\"args\":{\"x\":1}},"
        "\"thoughtSignature\":\"S=\"},{\"function_call\":{\"id\":\"b\",\"name\":\"f\"},"
        "\"thought_signature\":\"skip_thought_signature_validator\"}]},{\"role\":\"user\","
        "\"parts\":[{\"functionResponse\":{\"id\":\"b\",\"name\":\"f\",\"response\":{\"output\":"
        "\"o\\n\"}}},{\"functionResponse\":{\"id\":\"a\",\"name\":\"f\",\"response\":{\"error\":"
        "\"bad\"}}},{\"functionResponse\":{\"id\":\"c\",\"name\":\"f\",\"response\":{\"t\":4}}}]}]}",
        "user contents[0]\ntext ?\nassistant contents[1]\ncall a f {\"x\":1} S=\ncall b f {} \n"
        "user contents[2]\nresult b f\n  text o\\n\nresult a f error\n  text bad\nresult c f json\n"
        "  text {\\\"t\\\":4}\n");
}

TEST(calls_without_ids_are_answered_by_name_in_order)
{
    expect_turns(
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"?\"}]},{\"role\":\"model\","
        "\"parts\":[{\"functionCall\":{\"name\":\"f\"}},{\"functionCall\":{\"name\":\"g\"}},"
        "{\"functionCall\":{\"name\":\"f\"}}]},{\"role\":\"function\",\"parts\":["
        "{\"functionResponse\":{\"name\":\"g\",\"response\":{\"output\":{\"a\":1}}}},"
        "{\"functionResponse\":{\"name\":\"f\",\"response\":{}}},"
        "{\"functionResponse\":{\"name\":\"f\"}}]}]}",
        "user contents[0]\ntext ?\nassistant contents[1]\ncall call_contents1_parts0 f {} \n"
        "call call_contents1_parts1 g {} \ncall call_contents1_parts2 f {} \nuser contents[2]\n"
        "result call_contents1_parts1 g\n  text {\\\"a\\\":1}\nresult call_contents1_parts0 f\n"
        "result call_contents1_parts2 f\n");
}

TEST(media_of_all_kinds)
{
    expect_turns(
        "{\"contents\":[{\"parts\":["
        "{\"inlineData\":{\"mimeType\":\"Image/PNG; x=1\",\"data\":\"_-8\"}},"
        "{\"inline_data\":{\"mime_type\":\"audio/wav\",\"data\":\"AAAA\"}},"
        "{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"SGkK\",\"displayName\":\"n\"}},"
        "{\"fileData\":{\"fileUri\":\"https://youtu.be/x\"}},"
        "{\"fileData\":{\"mimeType\":\"application/pdf\",\"fileUri\":\"gs://b/k\"}},"
        "{\"fileData\":{\"fileUri\":\"https://generativelanguage.googleapis.com/v1beta/files/a\","
        "\"mimeType\":\"video/mp4\"}}]}]}",
        "user contents[0]\nimage 0 image/png /+8= \naudio 0 audio/wav AAAA \n"
        "document 1 text/plain Hi\\n n\nvideo 2  https://youtu.be/x \n"
        "document 2 application/pdf gs://b/k \n"
        "video 3 video/mp4 https://generativelanguage.googleapis.com/v1beta/files/a \n");
}

TEST(a_picture_in_an_answer)
{
    expect_turns("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"a\","
                 "\"name\":\"f\",\"response\":{\"output\":\"x\"},\"parts\":[{\"inlineData\":{"
                 "\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]}},{\"inlineData\":{\"mimeType\":"
                 "\"image/png\",\"data\":\"BBBB\"}}]}]}",
                 "user contents[0]\nresult a f\n  text x\n  image 0 image/png AAAA \n"
                 "image 0 image/png BBBB \n");
}

TEST(what_only_gemini_has_is_kept_whole)
{
    expect_turns(
        "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"executableCode\":{\"code\":\"1\"}"
        "}]}]}",
        "assistant contents[0]\nnative executableCode {\"executableCode\":{\"code\":"
        "\"1\"}}\n");
}

TEST(reasoning_of_others_comes_back_with_the_call_or_as_a_thought)
{
    struct arena own;
    char body[2000];
    arena_init(&own, 0);
    str thought = signature_wrap(&own, NATIVE_GEMINI, NATIVE_ANTHROPIC, STR("sSIG=="));
    str call = signature_wrap(&own, NATIVE_GEMINI, NATIVE_ANTHROPIC,
                              STR("sSIG==\n\nhm\\n\neENC\nrs_1\n\n"));
    snprintf(body, sizeof(body),
             "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"a\","
             "\"name\":\"f\"},\"thoughtSignature\":\"%.*s\"}]}]}",
             STR_ARG(call));
    expect_turns(body, "assistant contents[0]\nreasoning hm\\n|SIG==|| 2\n"
                       "reasoning ||ENC|rs_1 2\ncall a f {} \n");
    snprintf(body, sizeof(body),
             "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"h\",\"thought\":true},"
             "{\"text\":\"m\",\"thought\":true,\"thoughtSignature\":\"%.*s\"},{\"functionCall\":{"
             "\"id\":\"a\",\"name\":\"f\"},\"thoughtSignature\":\"%.*s\"}]}]}",
             STR_ARG(thought), STR_ARG(call));
    expect_turns(body, "assistant contents[0]\nreasoning hm|SIG==|| 2\nreasoning ||ENC|rs_1 2\n"
                       "call a f {} \n");
    arena_release(&own);
}

TEST(generation_config_has_its_places)
{
    read_well("{" ASK ",\"generationConfig\":{\"temperature\":0.70,\"topP\":1,\"top_k\":64,"
              "\"candidateCount\":2,\"maxOutputTokens\":\"100\",\"stopSequences\":[\"a\",\"b\"],"
              "\"seed\":-1,\"presencePenalty\":1,\"frequencyPenalty\":-1,\"responseLogprobs\":true,"
              "\"logprobs\":5,\"responseModalities\":[\"TEXT\"],\"thinkingConfig\":{"
              "\"includeThoughts\":true,\"thinkingLevel\":\"low\"},\"speechConfig\":{},"
              "\"mediaResolution\":\"MEDIA_RESOLUTION_LOW\"},\"safetySettings\":[],\"labels\":{"
              "\"a\":\"b\"},\"serviceTier\":\"flex\",\"store\":false,\"newThing\":1,"
              "\"cachedContent\":\"cachedContents/x\",\"model\":\"models/m\"}");
    EXPECT(str_eq(chat.temperature, STR("0.70")));
    EXPECT(str_eq(chat.top_p, STR("1")));
    EXPECT(str_eq(chat.top_k, STR("64")));
    EXPECT(str_eq(chat.n, STR("2")));
    EXPECT(str_eq(chat.max_tokens, STR("100")));
    EXPECT(str_eq(chat.stop->next->text.s, STR("b")));
    EXPECT(str_eq(chat.seed, STR("-1")));
    EXPECT(str_eq(chat.presence_penalty, STR("1")));
    EXPECT(str_eq(chat.frequency_penalty, STR("-1")));
    EXPECT(chat.logprobs == YES && str_eq(chat.top_logprobs, STR("5")));
    EXPECT(chat.reasoning_visible == YES && chat.effort == EFFORT_LOW);
    EXPECT(str_eq(chat.metadata, STR("{\"a\":\"b\"}")));
    EXPECT(str_eq(chat.service_tier, STR("flex")));
    EXPECT_EQ(chat.store, NO);
    expect_extra("generationConfig.speechConfig", FIELD_MEANING);
    expect_extra("generationConfig.mediaResolution", FIELD_HINT);
    expect_extra("safetySettings", FIELD_HINT);
    expect_extra("newThing", FIELD_UNKNOWN);
    expect_extra("cachedContent", FIELD_MEANING);
}

TEST(budgets_switch_thinking)
{
    read_well("{" ASK ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}");
    EXPECT(chat.thinking == NO && str_eq(chat.thinking_budget, STR("0")));
    read_well("{" ASK ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":-1}}}");
    EXPECT(chat.thinking == YES && str_eq(chat.thinking_budget, STR("-1")));
}

TEST(structured_output_in_both_schemas)
{
    read_well("{" ASK ",\"generationConfig\":{\"responseMimeType\":\"application/json\"}}");
    EXPECT_EQ(chat.format, FORMAT_JSON);
    read_well("{" ASK ",\"generationConfig\":{\"responseJsonSchema\":{\"type\":\"object\"},"
              "\"responseMimeType\":\"application/json\"}}");
    EXPECT_EQ(chat.format, FORMAT_SCHEMA);
    EXPECT(str_eq(chat.format_schema, STR("{\"type\":\"object\"}")));
    read_well(
        "{" ASK ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
        "\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"a\\\"b\":{\"type\":"
        "\"STRING\",\"nullable\":true,\"enum\":[\"x\"],\"format\":\"enum\"},\"l\":{\"type\":"
        "\"ARRAY\",\"items\":{\"type\":\"INTEGER\"},\"minItems\":\"2\"}},\"required\":[\"l\"],"
        "\"propertyOrdering\":[\"l\"]}}}");
    EXPECT(str_eq(chat.format_schema,
                  STR("{\"type\":\"object\",\"properties\":{\"a\\\"b\":{\"type\":[\"string\","
                      "\"null\"],\"enum\":[\"x\",null]},\"l\":{\"type\":\"array\",\"items\":{"
                      "\"type\":\"integer\"},\"minItems\":2}},\"required\":[\"l\"]}")));
    read_well("{" ASK ",\"generationConfig\":{\"responseMimeType\":\"text/x.enum\"}}");
    expect_extra("generationConfig.responseMimeType", FIELD_MEANING);
}

TEST(tools_and_their_choice)
{
    read_well("{" ASK ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":"
              "\"d\\n\",\"parameters\":{\"type\":\"OBJECT\"}},{\"name\":\"g\","
              "\"parametersJsonSchema\":{\"type\":\"object\"}}]},{\"google_search\":{}}],"
              "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
              "\"allowedFunctionNames\":[\"f\"]}}}");
    const struct tool *f = chat.tools, *g = f->next, *s = g->next;
    EXPECT(str_eq(f->name, STR("f")) && str_eq(f->description.s, STR("d\\n")));
    EXPECT(str_eq(f->schema, STR("{\"type\":\"object\"}")));
    EXPECT(str_eq(g->schema, STR("{\"type\":\"object\"}")));
    EXPECT(s->format == NATIVE_GEMINI && str_eq(s->type, STR("googleSearch")));
    EXPECT(str_eq(s->native, STR("{\"google_search\":{}}")));
    EXPECT(chat.choice == CHOICE_NAMED && str_eq(chat.choice_name, STR("f")));
    read_well("{" ASK ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"VALIDATED\"}}}");
    EXPECT_EQ(chat.choice, CHOICE_AUTO);
    expect_extra("toolConfig.functionCallingConfig.mode", FIELD_HINT);
}

TEST(the_request_within_a_count_of_tokens)
{
    expect_turns("{\"generateContentRequest\":{\"model\":\"models/m\"," ASK "}}",
                 "user generateContentRequest.contents[0]\ntext ?\n");
}

TEST(faults_name_the_clients_field)
{
    static const struct {
        const char *body, *field;
    } rows[] = {
        {"{}", "contents"},
        {"{\"contents\":[]}", "contents"},
        {"{\"contents\":[{\"role\":\"system\",\"parts\":[]}]}", "contents[0].role"},
        {"{\"contents\":[{\"parts\":[{}]}]}", "contents[0].parts[0]"},
        {"{\"contents\":[{\"parts\":[{\"text\":1}]}]}", "contents[0].parts[0].text"},
        {"{\"contents\":[{\"parts\":{}}]}", "contents[0].parts"},
        {"{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{}}]}]}",
         "contents[0].parts[0].functionCall.name"},
        {"{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]}]}",
         "contents[0].parts[0].functionCall"},
        {"{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\","
         "\"args\":[]}}]}]}",
         "contents[0].parts[0].functionCall.args"},
        {"{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionResponse\":{\"name\":\"f\"}}]}]}",
         "contents[0].parts[0].functionResponse"},
        {"{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"\"}}]}]}",
         "contents[0].parts[0].inlineData.mimeType"},
        {"{" ASK ",\"generationConfig\":{\"temperature\":3}}", "generationConfig.temperature"},
        {"{" ASK ",\"generationConfig\":{\"seed\":4294967296}}", "generationConfig.seed"},
        {"{" ASK ",\"generationConfig\":{\"maxOutputTokens\":0}}",
         "generationConfig.maxOutputTokens"},
        {"{" ASK ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"low\","
         "\"thinkingBudget\":1}}}",
         "generationConfig.thinkingConfig"},
        {"{" ASK ",\"tools\":[{\"functionDeclarations\":[{}]}]}",
         "tools[0].functionDeclarations[0].name"},
        {"{" ASK ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"X\"}}}",
         "toolConfig.functionCallingConfig.mode"},
        {"{" ASK ",\"tools\":{}}", "tools"},
        {"{" ASK ",\"store\":1}", "store"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_fault(rows[i].body, rows[i].field);
}
