/*
 * A chat: what a client asks of a model, in no vendor's words.  Readers (one per dialect) make it from a
 * request, writers make a request of it; there are N of each, never N × M.
 *
 * Two kinds of text are kept apart by their types:
 *   struct raw   the inside of a JSON string, escapes as received: goes on by json_write_raw_string
 *                without being looked at.  What people and models write is raw.
 *   str          decoded text (names, ids, addresses), or, where the comment says JSON, one JSON value.
 * Numbers are JSON text as received ("0.70" stays "0.70").  Absent is a null str, NULL or a value
 * called UNSET; a null in the client's JSON counts as absent, a given default value does not.
 *
 * Everything lives in one arena, or points into the body that was read, which must outlive the chat.
 * Lists are in the client's order.  A chat is made by one reader and chat_normalize(); writers get it
 * const, for there may be another attempt at another target.
 */
#ifndef LLM_CHAT_H
#define LLM_CHAT_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/json.h"

struct raw {
    str s; /* null: absent */
};

#define RAW_NULL ((struct raw){STR_NULL})
#define RAW(literal) ((struct raw){STR(literal)}) /* of text that needs no escaping */

/* Of a string node (RAW_NULL: any other node). */
struct raw raw_of_node(const struct json_doc *doc, uint32_t node);
/* Escapes `text`; RAW_NULL: out of memory (or a null str). */
struct raw raw_of_text(struct arena *a, str text);
/* What it says; points into it when it has no escapes.  Null str: out of memory (or RAW_NULL). */
str raw_decode(struct arena *a, struct raw r);
/* Nothing but JSON's and Unicode's ASCII white space, escaped or not; also RAW_NULL. */
bool raw_is_blank(struct raw r);

enum tri { UNSET, NO, YES };

/* --- Blocks ----------------------------------------------------------------------------------- */

/* The format a thing belongs to that only its maker can read: signatures, encrypted reasoning, blocks
 * of a vendor's own tools. */
enum native_format { NATIVE_NONE, NATIVE_OPENAI, NATIVE_ANTHROPIC, NATIVE_GEMINI, NATIVE_BEDROCK };

enum block_kind {
    BLOCK_TEXT,
    BLOCK_REFUSAL, /* the assistant's; raw text */
    BLOCK_IMAGE,
    BLOCK_AUDIO,
    BLOCK_VIDEO,
    BLOCK_DOCUMENT,
    BLOCK_CALL,      /* the assistant calls a tool */
    BLOCK_RESULT,    /* what the tool said; in a user's turn */
    BLOCK_REASONING, /* the assistant's */
    BLOCK_NATIVE,    /* a block of one format alone, as JSON */
};

enum media_source {
    MEDIA_BASE64, /* data: base64 without prefix and line breaks */
    MEDIA_TEXT,   /* text: a document that is plain text */
    MEDIA_URL,    /* data: https://…, gs://…, s3://… (never data:, readers take that apart) */
    MEDIA_FILE_ID, /* data: an id in `format`'s files API */
};

enum media_detail { DETAIL_UNSET, DETAIL_LOW, DETAIL_HIGH, DETAIL_AUTO, DETAIL_ORIGINAL };

struct media {
    enum media_source source;
    str mime; /* "image/png", lower case, no parameters; null: not said */
    str data;
    struct raw text;
    str name;           /* file name or title; null */
    struct raw context; /* Anthropic's document.context */
    enum media_detail detail;
    enum native_format format; /* FILE_ID: whose */
    bool citations;            /* are wanted */
};

struct tool_call {
    str id; /* as the client (or provider) named it; never empty after chat_normalize */
    str name;
    str arguments; /* JSON; an object unless is_raw */
    bool is_raw;   /* not an object: `arguments` is the decoded text as it came (writers send
                      {"_raw": text} and report; see chat_call_object) */
    bool custom;   /* OpenAI's custom tool: `arguments` is {"input": "…"} */
    str signature; /* Gemini's thoughtSignature on this very call; null */
    str item_id;   /* Responses: the item's own id; null */
};

struct tool_result {
    str call_id;
    str name; /* of the call, filled by chat_normalize; may be null when there is no such call */
    struct block *content; /* TEXT, IMAGE, DOCUMENT…; NULL: empty */
    bool is_error;
    bool
        json; /* one text block that is a JSON object (Gemini's response): send as object if possible */
};

struct reasoning {
    struct raw text; /* may be absent */
    str signature;   /* of `text`, opaque, byte for byte; null: none */
    str encrypted;   /* redacted_thinking.data, redactedContent, encrypted_content; null */
    enum native_format format; /* who made signature and encrypted; NATIVE_NONE: neither is there */
    str item_id;               /* Responses: rs_…; null */
    struct block *summary; /* Responses: summary parts beyond the first (TEXT blocks), or NULL */
};

struct native_block {
    enum native_format format;
    str type; /* "server_tool_use", "executableCode", … */
    str json; /* the whole block */
};

struct citation { /* url_citation, web_search_result_location, grounding */
    struct citation *next;
    struct raw url, title, cited; /* cited: the text in the source; any may be absent */
    int64_t start, end;           /* characters in this block's text; -1: unknown */
    enum native_format format;
    str json; /* the whole citation in `format`'s shape */
};

struct block {
    struct block *next;
    enum block_kind kind;
    bool cached;                /* a cache mark stands after this block */
    unsigned cache_ttl_s;       /* its ttl; 0: the vendor's default */
    struct raw text;            /* TEXT, REFUSAL */
    struct citation *citations; /* TEXT */
    union {
        struct media media;
        struct tool_call call;
        struct tool_result result;
        struct reasoning reasoning;
        struct native_block native;
    };
};

/* --- Turns -------------------------------------------------------------------------------------- */

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };

/* System and developer messages are turns in their place; the leading ones are chat.system.  What tools
 * said are RESULT blocks of user turns. */
struct turn {
    struct turn *next;
    enum role role;
    bool developer; /* SYSTEM: called "developer" by the client */
    struct block *blocks, *last;
    str path; /* of the client's field, for messages: "messages[3]" */
    str name; /* OpenAI's message name; null */
};

/* --- Tools -------------------------------------------------------------------------------------- */

struct tool {
    struct tool *next;
    str name;
    str space; /* Responses: the namespace that it was declared in, whose name `name` begins with; null */
    struct raw description;
    str schema; /* JSON Schema object of the arguments; null: none given */
    enum tri strict;
    bool custom;               /* free text instead of a schema; the format (grammar) in `native` */
    enum native_format format; /* of `native`; NATIVE_NONE: an ordinary function */
    str type;   /* native: "web_search_20250305", "googleSearch", "web_search", … */
    str native; /* the whole tool as JSON, for tools that a vendor runs, or custom ones */
    bool
        from_history; /* not declared by the client: made by chat_normalize for calls in the history */
    bool cached;
    unsigned cache_ttl_s;
};

enum tool_choice { CHOICE_UNSET, CHOICE_AUTO, CHOICE_NONE, CHOICE_REQUIRED, CHOICE_NAMED };

struct name_list {
    struct name_list *next;
    str name;
};

/* --- All of it ---------------------------------------------------------------------------------- */

enum response_format { FORMAT_UNSET, FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

enum effort {
    EFFORT_UNSET,
    EFFORT_NONE,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_XHIGH,
    EFFORT_MAX
};

/* What becomes of a field that the target cannot express (mapping.md §1). */
enum field_class { FIELD_MEANING, FIELD_HINT, FIELD_BOOKKEEPING, FIELD_UNKNOWN };

/* A field of the client's request without a place below.  A writer whose format has it asks for it by
 * its name and format (chat_extra) and takes it; the rest is reported by class. */
struct extra {
    struct extra *next;
    enum native_format format; /* of the dialect it was read in: names mean something there */
    str name; /* dotted path: "prediction", "web_search_options", "text.verbosity" */
    str json;
    enum field_class class;
};

struct stop_list {
    struct stop_list *next;
    struct raw text;
};

struct chat {
    struct arena *arena;
    str model; /* as the client named it */

    struct turn *system, *system_last; /* leading system and developer turns */
    struct turn *turns, *turns_last;
    struct tool *tools, *tools_last;
    enum tool_choice choice;
    str choice_name;                          /* NAMED */
    struct name_list *allowed, *allowed_last; /* only these tools; NULL: all */
    enum tri parallel_calls;

    str max_tokens; /* most to generate, reasoning included */
    str temperature, top_p, top_k, seed, n;
    str presence_penalty, frequency_penalty;
    str logit_bias; /* JSON object */
    enum tri logprobs;
    str top_logprobs;
    struct stop_list *stop, *stop_last;
    bool stream, usage_wanted; /* usage_wanted: OpenAI chat's stream_options.include_usage */

    enum response_format format;
    str format_name, format_schema; /* SCHEMA: JSON Schema object */
    struct raw format_description;
    enum tri format_strict;

    enum effort effort;
    str thinking_budget; /* tokens, as text; "-1" dynamic (Gemini); null */
    enum tri thinking;   /* YES: switched on (adaptive or budget), NO: switched off */
    bool thinking_adaptive;
    enum tri reasoning_visible; /* summaries/thoughts are to be shown */

    str user;         /* end user's id: user, safety_identifier, metadata.user_id */
    str metadata;     /* JSON object of strings */
    str service_tier; /* decoded, in the client's dialect's words */
    str cache_key;    /* prompt_cache_key */
    enum tri store;
    str previous_response_id;
    struct extra *extras, *extras_last;
    enum native_format dialect; /* of the client; names in service_tier and extras are this one's */
};

void chat_init(struct chat *c, struct arena *a);

/* Building, for readers; NULL: out of memory.  All zeroed but for what is given. */
struct turn *chat_add_turn(struct chat *c, enum role role, str path); /* at the end of turns */
struct turn *chat_add_system(struct chat *c, str path); /* leading: at the end of system */
struct block *turn_add(struct chat *c, struct turn *t, enum block_kind kind);
struct block *chat_new_block(struct chat *c, enum block_kind kind); /* for tool_result.content */
struct tool *chat_add_tool(struct chat *c);
bool chat_add_stop(struct chat *c, struct raw text);
bool chat_add_allowed(struct chat *c, str name);
bool chat_add_extra(struct chat *c, enum native_format format, str name, str json,
                    enum field_class class);

/* The extra of this name in this format, or NULL. */
const struct extra *chat_extra(const struct chat *c, enum native_format format, str name);

/* The arguments as a JSON object, whatever came: {} for none, {"_raw": …} when is_raw.  Null: no memory. */
str chat_call_object(struct arena *a, const struct tool_call *call);
/* Fills arguments and is_raw from text that ought to be a JSON object ("" and blank: {}). */
bool chat_set_arguments(struct chat *c, struct tool_call *call, str text);

/* "data:image/png;base64,…" (any case, parameters, white space inside, base64 or percent-encoded) or
 * an address or bare base64, into media; base64 comes out in the standard alphabet, padded, in one line.
 * False: not readable, or out of memory. */
bool media_from_url(struct arena *a, str url, struct media *out);
/* By its first bytes (base64), for when nobody said: "image/png"; null: not known. */
str media_sniff(str base64);

/* What is wrong with a request: the client's field and words; `field` null: nothing is. */
struct chat_fault {
    enum err err;
    str field; /* "messages[2].content[0].type" */
    str text;  /* "must be one of …" */
};

/*
 * The pass that is the same for all targets, after reading (mapping.md §6), once:
 *   blank text blocks and turns without blocks go; ids are made for calls without one;
 *   results are put in the user turn after the turn of their calls, in the calls' order, merged with
 *   results beside them; names of results are looked up; the last of several results of one call stays;
 *   a result without a call becomes the user's text; a call without a result (other than in the last
 *   turn) gets an error result "no result";
 *   neighbouring turns of one role become one;
 *   tools of calls in the history that are not declared are added (from_history), when any call is there.
 * Reports what it changed into `notes` ("tools (declared from history)"), each a short text.
 * A conversation without content: FIELD_INVALID.  *fault is filled on errors.
 */
enum err chat_normalize(struct chat *c, struct name_list **notes,
                        struct chat_fault *fault) must_check;

#endif
