/* Conversations that go on from a response that is kept here. */
#include "proxy/responses.h"

enum stage_verdict stage_conversation(struct request *r)
{
    return responses_continue(r);
}
