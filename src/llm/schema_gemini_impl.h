/* Between the two files of the conversion of schemas to Gemini's. */
#ifndef LLM_SCHEMA_GEMINI_IMPL_H
#define LLM_SCHEMA_GEMINI_IMPL_H

#include "llm/schema_gemini.h"
#include "wire/json_write.h"

enum {
    SCHEMA_DEPTH_MAX = 28, /* schemas within schemas; the writer has two levels of JSON for each */
    SCHEMA_COUNT_MAX = 8000, /* written out: references to references grow without bounds */
    SCHEMA_LAYERS_MAX = 16,  /* a schema with all that it refers to and is made of */
    SCHEMA_ACTIVE_MAX = 64,
    SCHEMA_REPEATS_MAX = 2, /* of one reference within itself */
};

struct schema_converter {
    const struct json_doc *doc;
    struct arena *arena;
    enum schema_form form;
    struct json_write w;
    struct name_list *lost, *lost_last;
    uint32_t active[SCHEMA_ACTIVE_MAX]; /* targets of references that are being written */
    unsigned active_count;
    unsigned schemas;
    bool no_memory;
};

/* One schema: the object itself, then what $ref and allOf add.  The first that has a keyword counts. */
struct schema_layers {
    uint32_t nodes[SCHEMA_LAYERS_MAX];
    unsigned count;
    unsigned active_before;
    bool cut;          /* a reference goes round in circles */
    uint32_t ref_kept; /* SCHEMA_JSON: the $ref that stays; JSON_NONE: none */
};

/* What becomes of a keyword. */
enum use {
    USE_KEPT,   /* as it is */
    USE_MADE,   /* written by code of its own */
    USE_SILENT, /* an annotation: not missed */
    USE_LOST,
};

/* Notes a keyword that is left out, once. */
void schema_lose(struct schema_converter *c, str keyword);
enum use schema_use(const struct schema_converter *c, uint32_t name);

/* Adds the schema and all that it refers to and is made of. */
void schema_add_layers(struct schema_converter *c, struct schema_layers *l, uint32_t node);

/* The keyword in the first layer that has it, or JSON_NONE. */
uint32_t schema_find(const struct schema_converter *c, const struct schema_layers *l, str name);
bool schema_has(const struct schema_converter *c, const struct schema_layers *l, str name);

/* "#/$defs/Name" or "#/definitions/Name" -> "Name"; null: another reference. */
str schema_name_in_defs(struct schema_converter *c, uint32_t ref);

#endif
