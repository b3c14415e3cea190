/* GET, DELETE /v1/responses/{id} of answers that are kept here; others are asked of the provider. */
#include "proxy/responses.h"

enum stage_verdict stage_stored(struct request *r)
{
    return responses_answer_kept(r);
}
