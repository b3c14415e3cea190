#include "llm/dialect/openai_error.h"

#include "wire/json_write.h"

/* `type` is server_error whatever happened: agents decide by it whether to try again. */
void openai_error_event(struct buf *out, const struct stream_failure *f)
{
    struct json_write w;
    buf_add_lit(out, "data: ");
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), f->message);
    json_write_member(&w, STR("type"), STR("server_error"));
    json_write_key(&w, STR("param"));
    json_write_null(&w);
    json_write_member(&w, STR("code"), str_from_c(err_code(f->err)));
    json_write_member(&w, STR("request_id"), f->request_id);
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_lit(out, "\n\n");
}
