/* What the files of Bedrock's dialect share. */
#ifndef LLM_DIALECT_BEDROCK_IMPL_H
#define LLM_DIALECT_BEDROCK_IMPL_H

#include "llm/dialect.h"
#include "llm/dialect/anthropic_thinking.h"
#include "llm/dialect/bedrock_family.h"
#include "llm/json_fence.h"

/* --- Writing requests ------------------------------------------------------------------------- */

enum bedrock_format {
    BEDROCK_FORMAT_NONE,
    BEDROCK_FORMAT_NATIVE, /* outputConfig.textFormat */
    BEDROCK_FORMAT_TOOL,   /* the forced tool JSON_TOOL_NAME */
    BEDROCK_FORMAT_WORDS,  /* a sentence in the system text */
};

enum { BEDROCK_HINTS_MAX = 3, BEDROCK_MARKS_MAX = 4 };

/* How a chat will be said, decided before a byte is written (bedrock_plan.c), for one thing
 * depends on the other: forced tools on reasoning, structured output on forced tools, limits on
 * both. */
struct bedrock_plan {
    bool tools;              /* toolConfig is there */
    str only_tool;           /* of the client's tools this one alone; null: all that are allowed */
    enum tool_choice choice; /* as toolConfig.toolChoice: UNSET, REQUIRED ("any"), NAMED */
    str choice_name;         /* legal */
    bool one_call;           /* Claude: no parallel calls */
    enum bedrock_format format;
    str hints[BEDROCK_HINTS_MAX]; /* sentences for the system text, decoded */
    unsigned hint_count;
    struct anthropic_thinking thinking; /* Claude */
    const char *effort;                 /* the others; NULL: none */
    bool reasoning_off;                 /* Nova: type "disabled" */
    uint64_t max_tokens;                /* 0: left out */
    bool sampling;                      /* temperature, topP and top_k may be sent */
};

struct bedrock_writing {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *unsupported;
    struct arena *arena;
    struct json_write json;
    const struct bedrock_family *family;
    struct bedrock_plan plan;
    const struct turn *end;      /* the first turn that is not written; NULL: all are */
    const struct turn *prefill;  /* the last turn, when it is the assistant's; else NULL */
    unsigned marks_to_skip;      /* cache marks before the last four */
    struct name_list *documents; /* names given so far, newest first */
};

/* A refusal, or no memory left. */
bool bedrock_wrong(const struct bedrock_writing *w);

void bedrock_make_plan(struct bedrock_writing *w);
/* Whether the tool goes into toolConfig. */
bool bedrock_offers(const struct bedrock_writing *w, const struct tool *tool);

/* A cachePoint element, when `cached` and the mark is one of those that are kept. */
void bedrock_write_mark(struct bedrock_writing *w, bool cached, unsigned ttl_s);
/* {"text": …}; what is blank is not written. */
void bedrock_write_text(struct bedrock_writing *w, struct raw text);

/* Reports what of the turns cannot be sent; sets w->prefill. */
void bedrock_judge_turns(struct bedrock_writing *w);
void bedrock_write_system(struct bedrock_writing *w);
void bedrock_write_messages(struct bedrock_writing *w);
void bedrock_write_tools(struct bedrock_writing *w);
void bedrock_write_additional(struct bedrock_writing *w);

/* The member's value for image, audio, video or document: {"image": {…}}. */
void bedrock_write_media(struct bedrock_writing *w, const struct block *b);
/* Why it cannot be sent; NULL: it can. */
const char *bedrock_media_objection(const struct bedrock_writing *w, const struct block *b);

/* An id of a call as the model's family takes it; null str: no memory. */
str bedrock_call_id(struct bedrock_writing *w, str id);

bool bedrock_write_request(const struct chat *c, struct chat_target *t, struct buf *out);

/* --- Reading answers -------------------------------------------------------------------------- */

enum { BEDROCK_OPEN_MAX = 16 };

enum bedrock_block {
    BEDROCK_CLOSED,
    BEDROCK_TEXT,
    BEDROCK_REASONS,
    BEDROCK_CALLS,
    BEDROCK_DRAWS,
    BEDROCK_HIDDEN
};

struct bedrock_open_block {
    enum bedrock_block kind;
    int64_t index;
    unsigned call;       /* CALLS: its number */
    bool said;           /* CALLS: there were arguments */
    str signature;       /* REASONS: so far, in the request's arena */
    str format, picture; /* DRAWS: base64 so far, in the request's arena */
};

struct bedrock_reader {
    struct bedrock_open_block open[BEDROCK_OPEN_MAX];
    unsigned calls;            /* so far */
    enum bedrock_block before; /* the kind that spoke last */
    bool started, stopped;     /* START, FINISH were emitted */
    struct json_fence fence;   /* of JSON that was asked for in words */
};

void bedrock_read_unit(struct answer_reader *r, str name, str data);
void bedrock_read_end(struct answer_reader *r);
void bedrock_read_answer(struct answer_reader *r, str body);

/* --- Errors ----------------------------------------------------------------------------------- */

/* What an exception means, by its name in any case of the first letter ("ThrottlingException",
 * "throttlingException"; a URL after ':' and a namespace before '#' are cut). ERR_NONE: not
 * known. */
enum err bedrock_error_meaning(str name);
/* The bare name within it; null for null. */
str bedrock_error_name(str name);
/* The error object, or an exception's payload; type: its name where it came otherwise, or null. */
void bedrock_read_fault(str body, str type, struct arena *a, struct provider_fault *out);
void bedrock_read_error(str body, struct arena *a, struct provider_fault *out);

#endif
