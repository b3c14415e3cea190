#include "ops/health.h"

#include "wire/json_write.h"

/* Hands the text over to the arena; memory failing is 503, which is true then. */
static void finish(struct buf *body, struct arena *a, struct local_answer *out)
{
    buf_add_byte(body, '\n');
    out->content_type = STR("application/json");
    out->body = body->failed ? STR_NULL : arena_str(a, buf_str(body));
    buf_release(body);
    if (str_is_null(out->body))
        *out = (struct local_answer){.status = 503,
                                     .content_type = STR("application/json"),
                                     .body = STR("{\"status\":\"out_of_memory\"}\n")};
}

static str readiness(const struct health_input *in)
{
    if (in->draining)
        return STR("draining");
    return in->conf->provider_count ? STR("ok") : STR("no_provider");
}

static void begin(struct json_write *w, struct buf *body, str status)
{
    buf_init(body, 0);
    json_write_init(w, body);
    json_write_object(w);
    json_write_member(w, STR("status"), status);
}

void health_overview(const struct health_input *in, struct arena *a, struct local_answer *out)
{
    struct buf body;
    struct json_write w;
    begin(&w, &body, readiness(in));
    json_write_member(&w, STR("version"), str_from_c(in->version));
    json_write_member_u64(&w, STR("uptime_seconds"), in->uptime_s);
    json_write_member_u64(&w, STR("providers"), in->conf->provider_count);
    json_write_object_end(&w);
    out->status = str_eq(readiness(in), STR("ok")) ? 200 : 503;
    finish(&body, a, out);
}

void health_live(const struct health_input *in, struct arena *a, struct local_answer *out)
{
    (void)in, (void)a;
    *out = (struct local_answer){.status = 200,
                                 .content_type = STR("application/json"),
                                 .body = STR("{\"status\":\"ok\"}\n")};
}

void health_ready(const struct health_input *in, struct arena *a, struct local_answer *out)
{
    struct buf body;
    struct json_write w;
    begin(&w, &body, readiness(in));
    json_write_object_end(&w);
    out->status = str_eq(readiness(in), STR("ok")) ? 200 : 503;
    finish(&body, a, out);
}

void health_providers(const struct health_input *in, struct arena *a, struct local_answer *out)
{
    struct buf body;
    struct json_write w;
    begin(&w, &body, readiness(in));
    json_write_key(&w, STR("providers"));
    json_write_array(&w);
    for (unsigned i = 0; i < in->conf->provider_count; i++) {
        const struct provider_conf *p = &in->conf->providers[i];
        json_write_object(&w);
        json_write_member(&w, STR("name"), p->name);
        json_write_member(&w, STR("type"), p->type);
        json_write_member(&w, STR("health"), STR("unknown"));
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    out->status = 200;
    finish(&body, a, out);
}
