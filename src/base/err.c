#include "base/err.h"

static const struct err_facts facts[ERR_COUNT] = {
    [ERR_NONE] = {.name = "NONE", .status = 200, .type = "", .code = "", .help = ""},
#define ERR(id, status_, type_, code_, fault_, retry_, help_)                                      \
    [ERR_##id] = {.name = #id,                                                                     \
                  .status = status_,                                                               \
                  .type = type_,                                                                   \
                  .code = code_,                                                                   \
                  .help = help_,                                                                   \
                  .fault = ERR_FAULT_##fault_,                                                     \
                  .retry = retry_},
#include "base/err.def"
#undef ERR
};

const struct err_facts *err_facts(enum err err)
{
    CHECK((unsigned)err < ERR_COUNT);
    return &facts[err];
}
