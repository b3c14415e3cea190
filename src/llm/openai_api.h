/*
 * OpenAI's two APIs for the same models, and which of them a chat has to go to (openai.md §5.5): some
 * models are on /responses only, others refuse function tools on /chat/completions while they reason.
 */
#ifndef LLM_OPENAI_API_H
#define LLM_OPENAI_API_H

#include "llm/chat.h"
#include "llm/endpoint_kind.h"
#include "llm/model_facts.h"

struct provider_conf;

/* The effort that a chat asks for, in whatever words: effort, a switch, a budget of tokens.
 * EFFORT_UNSET: it leaves that to the model. */
enum effort openai_asked_effort(const struct chat *c);

/* Whether the model will reason then. */
bool openai_will_reason(const struct model_facts *f, const struct chat *c);

/* Whether the model has to be asked by /responses.  c NULL: whether there are chats for which it has. */
bool openai_wants_responses(const struct model_facts *f, const struct chat *c);

/* Kinds of the Responses API. */
extern const uint64_t openai_responses_endpoints;
/* Those in formats of other vendors: who speaks OpenAI's has them translated. */
extern const uint64_t openai_foreign_endpoints;

/* Slots of providers with both APIs.  `api: chat` takes the Responses API from what they offer, `api:
 * responses` sends all chats there. */
uint64_t openai_endpoints(const struct provider_conf *p);
enum endpoint_kind openai_translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c);
bool openai_refuses(const struct provider_conf *p, enum endpoint_kind asked, str model,
                    const struct chat *c);

#endif
