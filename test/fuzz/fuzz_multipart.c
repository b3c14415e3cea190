/* Forms: the first byte says how the rest is cut; what is found does not depend on it. */
#include "wire/multipart.h"

struct outcome {
    bool complete;
    const char *reason;
    struct multipart_field fields[2];
};

static struct outcome run(str all, size_t step)
{
    struct multipart_reader r;
    struct outcome o = {0};
    size_t size = all.len;
    multipart_reader_init(&r, STR("B"), 0);
    multipart_want(&r, STR("model"), true);
    multipart_want(&r, STR("stream"), false);
    while (all.len) {
        str piece = str_first(all, step);
        all = str_from(all, piece.len);
        if (multipart_feed(&r, piece) == MULTIPART_ERROR)
            break;
    }
    o.complete = multipart_end(&r);
    o.reason = r.reason;
    for (int i = 0; i < 2; i++) {
        o.fields[i] = r.fields[i];
        CHECK(!r.fields[i].found || r.fields[i].start + r.fields[i].len <= size);
    }
    multipart_reader_release(&r);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str all = str_make((const char *)data + 1, size - 1), boundary;
    struct outcome whole = run(all, size), cut = run(all, (size_t)data[0] + 1);
    CHECK(whole.complete == cut.complete && whole.reason == cut.reason);
    for (int i = 0; i < 2; i++) {
        CHECK(whole.fields[i].found == cut.fields[i].found);
        CHECK(whole.fields[i].start == cut.fields[i].start);
        CHECK(whole.fields[i].len == cut.fields[i].len);
    }
    if (multipart_boundary(all, &boundary))
        CHECK(boundary.len >= 1 && boundary.len <= MULTIPART_BOUNDARY_MAX);
    return 0;
}
