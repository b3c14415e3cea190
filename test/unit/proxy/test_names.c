/* From the names that clients use to targets; the list of models; reloads while requests run. */
#include "proxy_helper.h"

#include <stdio.h>

#define NAMED                                                                                      \
    "models:\n"                                                                                    \
    "  gpt-4o: a/exact\n"                                                                          \
    "  'gpt-4*': a/long-glob\n"                                                                    \
    "  'gpt-*': b/*\n"                                                                             \
    "  several: {targets: [a/s, b/s]}\n"

static void expect_target(const char *yaml, const char *model, const char *authority,
                          const char *target)
{
    struct fake_gateway g;
    fake_gateway_open(&g, yaml);
    fake_gateway_list_models(&g, 1, (const char *const[]){"listed", "only-b"}, 2);
    fake_gateway_list_models(&g, 2, (const char *const[]){"listed"}, 1);
    struct fake_exchange *x = ask(&g, model);
    if (!authority) {
        EXPECT_EQ(x->head.status, 404);
        EXPECT_STR(error_code(x), "model_not_found");
    } else {
        if (!g.caller.count)
            EXPECT_FAIL("%s: %.*s", model, STR_ARG(buf_str(&x->body)));
        EXPECT_STR(fake_gateway_call(&g, 0)->authority, authority);
        say_answer(&g, 200, "{}");
        EXPECT_STR(fake_exchange_field(x, STR("x-gateway-model")), target);
    }
    fake_gateway_close(&g);
}

TEST(names_are_found_exact_then_by_glob_prefix_and_listing)
{
    static const struct {
        const char *model, *authority, *target;
    } rows[] = {
        {"gpt-4o", "a.test", "exact"},
        {"gpt-4o-mini", "a.test", "long-glob"},
        {"gpt-5", "b.test", "gpt-5"},
        {"several", "a.test", "s"},
        {"b/anything:at@all/v1.0", "b.test", "anything:at@all/v1.0"},
        {"gpt-/x", "b.test", "gpt-/x"},
        {"only-b", "b.test", "only-b"},
        {"listed", "b.test", "listed"},
        {"GPT-4o", NULL, NULL},
        {"b/", NULL, NULL},
        {"nobody/x", NULL, NULL},
        {"unknown", NULL, NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        expect_target(PROVIDERS NAMED, rows[i].model, rows[i].authority, rows[i].target);
}

TEST(a_single_provider_takes_every_name)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "providers: {o: {type: openai, base_url: 'http://o.test/v1', api_key: "
                          "sk-openai-1}}\n");
    struct fake_exchange *x = ask(&g, "any/name");
    say_answer(&g, 200, "{}");
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-model")), "any/name");
    fake_gateway_close(&g);
}

TEST(an_unknown_model_gets_the_nearest_name)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS NAMED);
    struct fake_exchange *x = ask(&g, "severl");
    EXPECT_EQ(x->head.status, 404);
    EXPECT_CONTAINS(buf_str(&x->body), "Did you mean several?");
    x = ask(&g, "qqqqqqqqqqqq");
    EXPECT(str_find(buf_str(&x->body), STR("Did you mean")) < 0);
    fake_gateway_close(&g);
}

TEST(a_name_that_the_key_may_not_see_is_not_suggested)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS NAMED
                      "keys: {k: {key: sk-all-0123456789, models_denied: [several]}}\n");
    struct fake_exchange *x = fake_gateway_send(
        &g, "POST /v1/chat/completions HTTP/1.1\nx-api-key: sk-all-0123456789\n", CHAT("severl"));
    EXPECT_EQ(x->head.status, 404);
    EXPECT(str_find(buf_str(&x->body), STR("several")) < 0);
    fake_gateway_close(&g);
}

TEST(an_endpoint_that_no_target_offers_is_refused_and_others_are_passed_over)
{
    struct fake_gateway g;
    fake_gateway_open(&g,
                      "providers:\n"
                      "  v: {type: vllm, base_url: 'http://v.test/v1'}\n"
                      "  o: {type: openai, base_url: 'http://o.test/v1', api_key: sk-openai-1}\n"
                      "models: {m: {strategy: priority, targets: [v/x, o/x]}, v: v/x}\n");
    struct fake_exchange *x =
        fake_gateway_post(&g, "/v1/images/generations", "{\"model\":\"m\",\"prompt\":\"p\"}");
    EXPECT_STR(fake_gateway_call(&g, 0)->authority, "o.test");
    say_answer(&g, 200, "{}");
    x = fake_gateway_post(&g, "/v1/images/generations", "{\"model\":\"v\",\"prompt\":\"p\"}");
    EXPECT_EQ(x->head.status, 404);
    EXPECT_STR(error_code(x), "endpoint_not_supported");
    fake_gateway_close(&g);
}

/* More providers than a strategy orders at once. */
TEST(a_name_that_very_many_providers_list_is_served)
{
    struct fake_gateway g;
    struct buf yaml;
    buf_init(&yaml, 0);
    buf_add_lit(&yaml, "providers:\n");
    for (unsigned i = 0; i < 80; i++)
        buf_printf(&yaml, "  p%u: {type: vllm, base_url: 'http://p%u.test/v1', models: [m]}\n", i,
                   i);
    buf_add_byte(&yaml, '\0');
    fake_gateway_open(&g, yaml.ptr);
    buf_release(&yaml);
    for (unsigned i = 0; i < 3; i++) {
        struct fake_exchange *x = ask(&g, "m");
        say_answer(&g, 200, "{}");
        EXPECT_EQ(x->head.status, 200);
    }
    struct fake_exchange *x = fake_gateway_get(&g, "/v1/responses/resp_1"); /* no model: anybody */
    say_answer(&g, 200, "{}");
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

/* --- The list of models ----------------------------------------------------------------------------- */

TEST(the_list_shows_each_name_once_and_no_globs)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS NAMED);
    fake_gateway_list_models(&g, 1, (const char *const[]){"listed", "gpt-4o", "x/y"}, 3);
    fake_gateway_list_models(&g, 2, (const char *const[]){"listed"}, 1);
    struct fake_exchange *x = fake_gateway_get(&g, "/v1/models");
    EXPECT_EQ(x->head.status, 200);
    str body = buf_str(&x->body);
    EXPECT_CONTAINS(body, "{\"object\":\"list\",\"data\":[");
    static const char *const names[] = {"gpt-4o", "several", "listed", "x/y"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        char text[64];
        snprintf(text, sizeof(text), "\"id\":\"%s\"", names[i]);
        ptrdiff_t first = str_find(body, str_from_c(text));
        EXPECT(first >= 0);
        EXPECT(str_find(str_from(body, (size_t)first + 1), str_from_c(text)) < 0);
    }
    EXPECT(str_find(body, STR("*")) < 0);
    fake_gateway_close(&g);
}

TEST(one_model_is_found_by_its_id_which_may_hold_slashes)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS NAMED);
    fake_gateway_list_models(&g, 1, (const char *const[]){"x/y"}, 1);
    struct fake_exchange *x = fake_gateway_get(&g, "/v1/models/x/y");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_CONTAINS(buf_str(&x->body), "\"id\":\"x/y\"");
    EXPECT_CONTAINS(buf_str(&x->body), "\"owned_by\":\"b\"");
    x = fake_gateway_get(&g, "/v1/models/x%2Fy");
    EXPECT_EQ(x->head.status, 200);
    x = fake_gateway_get(&g, "/v1/models/nothing");
    EXPECT_EQ(x->head.status, 404);
    EXPECT_STR(error_code(x), "model_not_found");
    x = fake_gateway_send(&g, "HEAD /v1/models HTTP/1.1\n", NULL);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(x->body.len, 0);
    fake_gateway_close(&g);
}

TEST(the_list_is_what_the_key_may_use)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS NAMED "keys: {k: {key: sk-all-0123456789, models: ['s*']}}\n");
    fake_gateway_list_models(&g, 1, (const char *const[]){"secret", "other"}, 2);
    struct fake_exchange *x =
        fake_gateway_send(&g, "GET /v1/models HTTP/1.1\nx-api-key: sk-all-0123456789\n", NULL);
    EXPECT_CONTAINS(buf_str(&x->body), "\"several\"");
    EXPECT_CONTAINS(buf_str(&x->body), "\"secret\"");
    EXPECT(str_find(buf_str(&x->body), STR("gpt-4o")) < 0);
    EXPECT(str_find(buf_str(&x->body), STR("\"other\"")) < 0);
    x = fake_gateway_send(&g, "GET /v1/models/gpt-4o HTTP/1.1\nx-api-key: sk-all-0123456789\n",
                          NULL);
    EXPECT_EQ(x->head.status, 404);
    fake_gateway_close(&g);
}

/* --- Reloads ------------------------------------------------------------------------------------------ */

TEST(a_request_keeps_the_configuration_that_it_began_with)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *old = ask(&g, "two");
    for (unsigned i = 0; i < 3; i++)
        fake_gateway_reload(&g, "providers: {z: {type: vllm, base_url: 'http://z.test/v1'}}\n");
    struct fake_exchange *new = ask(&g, "two");
    EXPECT_STR(fake_gateway_last_call(&g)->authority, "z.test");
    say_answer(&g, 200, "{}");
    EXPECT_EQ(new->head.status, 200);
    fake_call_error(fake_gateway_call(&g, 0), ERR_UPSTREAM_CONNECT);
    fake_gateway_settle(&g);
    EXPECT_STR(fake_gateway_last_call(&g)->authority, "b.test"); /* of the old one */
    say_answer(&g, 200, "{}");
    EXPECT_EQ(old->head.status, 200);
    EXPECT_STR(fake_exchange_field(old, STR("x-gateway-provider")), "b");
    fake_gateway_close(&g);
}

TEST(listings_survive_with_providers_of_the_same_name_and_address)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS);
    fake_gateway_list_models(&g, 1, (const char *const[]){"only-b"}, 1);
    struct snapshot *before = snapshot_ref(g.snapshot);
    fake_gateway_reload(&g, PROVIDERS);
    EXPECT_EQ(snapshot_models(g.snapshot, 1).count, 0);
    snapshot_inherit_models(g.snapshot, before);
    EXPECT_EQ(snapshot_models(g.snapshot, 1).count, 1);
    snapshot_unref(before);
    EXPECT_STR(snapshot_models(g.snapshot, 1).ids[0], "only-b");
    fake_gateway_close(&g);
}

TEST(snapshots_may_go_in_any_order)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS);
    struct snapshot *held[4];
    for (unsigned i = 0; i < ARRAY_LEN(held); i++) {
        held[i] = snapshot_ref(g.snapshot);
        const char *id = "x";
        fake_gateway_list_models(&g, i % 3, &id, 1);
    }
    snapshot_unref(held[2]);
    snapshot_unref(held[0]);
    EXPECT_EQ(snapshot_models(held[3], 0).count, 1);
    snapshot_unref(held[3]);
    snapshot_unref(held[1]);
    fake_gateway_close(&g);
}
