/* The built-in table of models: generated from catalogue.csv by tools/gen-catalogue. */
#ifndef LLM_MODEL_TABLE_H
#define LLM_MODEL_TABLE_H

#include "llm/model_facts.h"

extern const struct model_facts model_table[];
extern const unsigned model_table_count;

#endif
