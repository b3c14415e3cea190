#include "app/mock_api.h"

#include "base/check.h"

#define MOCK_API(symbol) extern const struct mock_api mock_api_##symbol;
#include "app/mock_api.def"
#undef MOCK_API

static const struct mock_api *const apis[] = {
#define MOCK_API(symbol) &mock_api_##symbol,
#include "app/mock_api.def"
#undef MOCK_API
};

const struct mock_api *mock_api_at(unsigned i)
{
    return i < ARRAY_LEN(apis) ? apis[i] : NULL;
}
