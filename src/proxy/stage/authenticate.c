/*
 * The client's gateway key, through any of the fields that SDKs use.  Without `keys:` everybody is let
 * in.  Secrets are compared as SHA-256 only.
 */
#include "base/digest.h"
#include "proxy/client_address.h"
#include "proxy/stage.h"
#include "wire/url.h"

static str presented_secret(struct request *r)
{
    const struct headers *h = &r->ex->head->headers;
    static const enum header_name fields[] = {HEADER_X_API_KEY, HEADER_API_KEY,
                                              HEADER_X_GOOG_API_KEY};
    str bearer = head_known(h, HEADER_AUTHORIZATION);
    if (str_istarts(bearer, STR("bearer ")))
        return str_trim(str_from(bearer, sizeof("bearer ") - 1));
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        str value = head_known(h, fields[i]);
        if (value.len)
            return value;
    }
    str query = r->ex->head->query;
    return query.len ? url_query_get(query, STR("key"), r->arena) : STR_NULL;
}

static bool any_glob(const str *globs, unsigned count, str text)
{
    for (unsigned i = 0; i < count; i++)
        if (str_glob(globs[i], text))
            return true;
    return false;
}

static enum stage_verdict check_permissions(struct request *r, const struct key_conf *key)
{
    if (key->network_count &&
        !network_contains(key->networks, key->network_count, r->rec.client_ip))
        return stage_refuse(r, ERR_KEY_FORBIDDEN, STR_NULL,
                            "This key may not be used from this network.");
    if (key->endpoint_count && !any_glob(key->endpoints, key->endpoint_count, r->rec.endpoint))
        return stage_refuse(r, ERR_KEY_FORBIDDEN, STR_NULL,
                            "This key may not use the endpoint %.*s.", STR_ARG(r->rec.endpoint));
    return STAGE_NEXT;
}

bool key_allows_model(const struct key_conf *key, str model)
{
    if (!key)
        return true;
    if (key->models_denied_count && any_glob(key->models_denied, key->models_denied_count, model))
        return false;
    return !key->model_count || any_glob(key->models, key->model_count, model);
}

enum stage_verdict stage_authenticate(struct request *r)
{
    if (!r->conf->key_count)
        return STAGE_NEXT;
    str secret = presented_secret(r);
    if (!secret.len)
        return stage_refuse(r, ERR_KEY_MISSING, STR_NULL,
                            "No API key. Send the gateway's key as Authorization: Bearer <key>, "
                            "x-api-key or api-key.");
    uint8_t digest[SHA256_BYTES];
    digest_sha256(secret, digest);
    const struct key_conf *key = snapshot_key(r->pinned->snapshot, digest);
    if (!key || !key->enabled)
        return stage_refuse(r, ERR_KEY_INVALID, STR_NULL, "Unknown or revoked API key.");
    r->key = key;
    r->rec.key_name = key->name;
    r->rec.tenant = key->tenant;
    r->rec.user = key->user;
    if (key->expires_s && (int64_t)(loop_wall_us() / 1000000) >= key->expires_s)
        return stage_refuse(r, ERR_KEY_INVALID, STR_NULL, "This API key has expired.");
    return check_permissions(r, key);
}
