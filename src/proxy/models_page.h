/* GET /v1/models and /v1/models/{id}: the names that this client can use. */
#ifndef PROXY_MODELS_PAGE_H
#define PROXY_MODELS_PAGE_H

#include "proxy/stage.h"

/* Answers the request; r->rest is "" or "/{id}", the id may hold slashes. */
enum stage_verdict models_page_answer(struct request *r);

#endif
