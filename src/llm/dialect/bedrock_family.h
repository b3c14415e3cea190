/*
 * Families of models on Bedrock: Converse is one format, but what its models take of it differs,
 * and what they take beside it (additionalModelRequestFields) even more.  By the id as AWS
 * writes it ("us.anthropic.claude-…", an ARN's end), else by the name of the model's facts: ARNs
 * of application inference profiles do not tell, unless the configuration does.
 */
#ifndef LLM_DIALECT_BEDROCK_FAMILY_H
#define LLM_DIALECT_BEDROCK_FAMILY_H

#include "llm/model_facts.h"

enum bedrock_maker {
    BEDROCK_UNKNOWN,
    BEDROCK_CLAUDE,
    BEDROCK_NOVA,
    BEDROCK_GPT, /* OpenAI's closed models */
    BEDROCK_OPEN /* open weights and the rest */
};

/* How top_k is spelled beside the common fields. */
enum bedrock_top_k { TOP_K_NONE, TOP_K_PLAIN, TOP_K_NOVA /* inferenceConfig.topK */, TOP_K_COHERE };

enum bedrock_reasoning {
    BEDROCK_REASONING_NONE,
    BEDROCK_REASONING_CLAUDE,
    BEDROCK_REASONING_NOVA,  /* reasoningConfig */
    BEDROCK_REASONING_GPT,   /* reasoning.effort */
    BEDROCK_REASONING_EFFORT /* reasoning_effort */
};

struct bedrock_family {
    const char *id;   /* what its ids have within them */
    const char *name; /* what the names of its facts begin with */
    enum bedrock_maker maker;
    enum bedrock_top_k top_k;
    enum bedrock_reasoning reasoning;
    bool no_system;   /* refuses `system` */
    bool no_stop;     /* refuses stopSequences */
    bool no_sampling; /* refuses temperature and topP */
    bool choice;      /* takes toolChoice any and tool */
    bool status;      /* takes toolResult.status */
    bool penalties;   /* frequency_penalty and presence_penalty, beside the common fields */
    bool short_ids;   /* tool ids are [a-zA-Z0-9]{9} */
};

/* Never NULL. */
const struct bedrock_family *bedrock_family_of(str model, const struct model_facts *facts);

/* Nova 2 reasons, the first generation does not. */
bool bedrock_is_nova2(str model);

#endif
