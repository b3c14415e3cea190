/* The health pages: statuses, and JSON without secrets. */
#include "ops/health.h"

#include "support/jansson_oracle.h"

#include "support/test.h"

typedef void page_fn(const struct health_input *in, struct arena *a, struct local_answer *out);

static json_t *page_of(page_fn *page, const struct health_input *in, int status)
{
    struct arena a;
    struct local_answer out = {0};
    json_error_t error;
    arena_init(&a, 0);
    page(in, &a, &out);
    EXPECT_EQ(out.status, status);
    EXPECT_STR(out.content_type, "application/json");
    EXPECT(str_find(out.body, STR("secret")) < 0);
    json_t *json = json_loadb(out.body.ptr, out.body.len, 0, &error);
    if (!json)
        EXPECT_FAIL("%s: %.*s", error.text, STR_ARG(out.body));
    arena_release(&a);
    return json;
}

static void expect_status(page_fn *page, const struct health_input *in, int status,
                          const char *text)
{
    json_t *json = page_of(page, in, status);
    EXPECT_STR(json_string_value(json_object_get(json, "status")), text);
    json_decref(json);
}

static str keys[] = {STR_INIT("sk-secret")};
static struct provider_conf providers[] = {{.name = STR_INIT("a \"quoted\""),
                                            .type = STR_INIT("openai"),
                                            .api_keys = keys,
                                            .api_key_count = 1,
                                            .base_url = STR_INIT("http://secret.internal/v1")},
                                           {.name = STR_INIT("b"), .type = STR_INIT("vllm")}};
static const struct gateway_conf some = {.providers = providers, .provider_count = 2};
static const struct gateway_conf none;

TEST(liveness_depends_on_nothing)
{
    struct health_input in = {.conf = &none, .draining = true, .version = "1"};
    expect_status(health_live, &in, 200, "ok");
}

TEST(readiness_ends_with_draining_and_needs_a_provider)
{
    struct health_input in = {.conf = &some, .version = "1"};
    expect_status(health_ready, &in, 200, "ok");
    expect_status(health_overview, &in, 200, "ok");
    in.draining = true;
    expect_status(health_ready, &in, 503, "draining");
    expect_status(health_overview, &in, 503, "draining");
    in = (struct health_input){.conf = &none, .version = "1"};
    expect_status(health_ready, &in, 503, "no_provider");
}

TEST(the_overview_and_the_providers_are_shown)
{
    struct health_input in = {.conf = &some, .version = "1.2", .uptime_s = 77};
    json_t *json = page_of(health_overview, &in, 200);
    EXPECT_STR(json_string_value(json_object_get(json, "version")), "1.2");
    EXPECT_EQ(json_integer_value(json_object_get(json, "uptime_seconds")), 77);
    json_decref(json);
    json = page_of(health_providers, &in, 200);
    json_t *list = json_object_get(json, "providers");
    EXPECT_EQ(json_array_size(list), 2);
    EXPECT_STR(json_string_value(json_object_get(json_array_get(list, 0), "name")), "a \"quoted\"");
    json_decref(json);
}

TEST(without_memory_the_page_says_so)
{
    struct health_input in = {.conf = &some, .version = "1"};
    struct arena a;
    struct local_answer out = {0};
    arena_init(&a, 1);
    health_providers(&in, &a, &out);
    EXPECT_EQ(out.status, 503);
    EXPECT_CONTAINS(out.body, "out_of_memory");
}
