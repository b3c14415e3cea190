#include "wire/multipart.h"

#include "wire/bytes.h"
#include "wire/head.h"

/*
 *   FIRST --"--boundary"--> AFTER --CRLF--> HEAD --empty line--> DATA --CRLF "--boundary"--> AFTER
 *   AFTER --"--"--> EPILOGUE
 *   any --error--> FAILED
 */
enum state {
    FIRST,
    AFTER,
    HEAD,
    DATA,
    EPILOGUE,
    FAILED,
};

/* ---- Parameters of a header: ; name=value or name="value" ---- */

struct parameter {
    str name, value;
};

enum parameter_result { PARAMETER, PARAMETERS_END, PARAMETER_BAD };

/* The quoted value at the front of *rest, which moves behind it. */
static bool take_quoted(str *rest, str *value)
{
    str inside = str_from(*rest, 1);
    ptrdiff_t end = str_find_byte(inside, '"');
    if (end < 0)
        return false;
    /* Some readers take \" as a quote inside, others as the end. */
    if (end > 0 && inside.ptr[end - 1] == '\\')
        return false;
    *value = str_first(inside, (size_t)end);
    *rest = str_from(inside, (size_t)end + 1);
    return true;
}

static void take_token(str *rest, str *value)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ';' && rest->ptr[len] != ' ' &&
           rest->ptr[len] != '\t' && rest->ptr[len] != '"')
        len++;
    *value = str_first(*rest, len);
    *rest = str_from(*rest, len);
}

/* *rest is what follows the header's first token. */
static enum parameter_result next_parameter(str *rest, struct parameter *out)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return PARAMETERS_END;
    if (rest->ptr[0] != ';')
        return PARAMETER_BAD;
    *rest = str_trim(str_from(*rest, 1));
    if (rest->len == 0) /* a semicolon at the end is common and harmless */
        return PARAMETERS_END;
    ptrdiff_t equals = str_find_byte(*rest, '=');
    if (equals < 0)
        return PARAMETER_BAD;
    out->name = str_first(*rest, (size_t)equals);
    *rest = str_from(*rest, (size_t)equals + 1);
    if (!header_name_valid(out->name))
        return PARAMETER_BAD;
    if (!str_starts(*rest, STR("\""))) {
        take_token(rest, &out->value);
        return PARAMETER;
    }
    return take_quoted(rest, &out->value) ? PARAMETER : PARAMETER_BAD;
}

/* bchars of RFC 2046; the blank among them is in nobody's boundary and dropped. */
static bool boundary_valid(str boundary)
{
    for (size_t i = 0; i < boundary.len; i++) {
        unsigned char c = (unsigned char)boundary.ptr[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alphanumeric && (c == '\0' || !strchr("'()+_,-./:=?", c)))
            return false;
    }
    return boundary.len >= 1 && boundary.len <= MULTIPART_BOUNDARY_MAX;
}

bool multipart_boundary(str content_type, str *boundary)
{
    static const str type = STR_INIT("multipart/form-data");
    if (!str_istarts(content_type, type))
        return false;
    str rest = str_from(content_type, type.len);
    struct parameter p;
    enum parameter_result result;
    str found = STR_NULL;
    while ((result = next_parameter(&rest, &p)) == PARAMETER) {
        if (!str_ieq(p.name, STR("boundary")))
            continue;
        if (!str_is_null(found))
            return false;
        found = p.value;
    }
    if (result == PARAMETER_BAD || !boundary_valid(found))
        return false;
    *boundary = found;
    return true;
}

/* ---- The reader ---- */

void multipart_reader_init(struct multipart_reader *r, str boundary, uint64_t limit)
{
    CHECK(boundary_valid(boundary));
    *r = (struct multipart_reader){
        .limit = limit ? limit : MULTIPART_LIMIT_DEFAULT,
        .state = FIRST,
        .matched = 2, /* the body begins with the delimiter, but for its CRLF */
        .delimiter_len = (uint8_t)(boundary.len + 4),
    };
    memcpy(r->delimiter, "\r\n--", 4);
    memcpy(r->delimiter + 4, boundary.ptr, boundary.len);
    buf_init(&r->head, MULTIPART_PART_HEAD_MAX);
}

void multipart_reader_release(struct multipart_reader *r)
{
    buf_release(&r->head);
}

void multipart_want(struct multipart_reader *r, str name, bool required)
{
    CHECK(r->wanted < MULTIPART_WANTED_MAX);
    CHECK(r->at == 0);
    r->fields[r->wanted++] = (struct multipart_field){.name = name, .required = required};
}

const struct multipart_field *multipart_field(const struct multipart_reader *r, str name)
{
    for (unsigned i = 0; i < r->wanted; i++)
        if (r->fields[i].found && str_eq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

static void fail(struct multipart_reader *r, const char *reason)
{
    r->state = FAILED;
    r->reason = reason;
}

static bool all_found(const struct multipart_reader *r, bool required_only)
{
    for (unsigned i = 0; i < r->wanted; i++)
        if (!r->fields[i].found && (r->fields[i].required || !required_only))
            return false;
    return true;
}

/* ---- A part's head ---- */

struct part {
    str name;
    bool has_name, has_file, has_disposition, is_encoded;
};

static const char *read_disposition(str value, struct part *part)
{
    static const str kind = STR_INIT("form-data");
    if (part->has_disposition)
        return "part with several content-disposition headers";
    part->has_disposition = true;
    if (!str_istarts(value, kind))
        return "part is not form-data";
    str rest = str_from(value, kind.len);
    struct parameter p;
    enum parameter_result result;
    while ((result = next_parameter(&rest, &p)) == PARAMETER) {
        if (str_ieq(p.name, STR("name*")))
            return "part with an extended name";
        if (str_ieq(p.name, STR("filename")) || str_ieq(p.name, STR("filename*")))
            part->has_file = true;
        if (!str_ieq(p.name, STR("name")))
            continue;
        if (part->has_name)
            return "part with several names";
        part->has_name = true;
        part->name = p.value;
    }
    return result == PARAMETER_BAD ? "content-disposition of a part is not valid" : NULL;
}

static bool is_literal_encoding(str value)
{
    return str_ieq(value, STR("7bit")) || str_ieq(value, STR("8bit")) ||
           str_ieq(value, STR("binary"));
}

static const char *read_line(str line, struct part *part)
{
    str value = line;
    str name = str_split(&value, ':');
    if (str_is_null(value) || !header_name_valid(name) || !header_value_valid(value))
        return "header of a part is not valid";
    value = str_trim(value);
    if (str_ieq(name, STR("content-disposition")))
        return read_disposition(value, part);
    if (str_ieq(name, STR("content-transfer-encoding")) && !is_literal_encoding(value))
        part->is_encoded = true;
    return NULL;
}

/* head: lines, each with its CRLF, without the empty one. */
static const char *read_head(str head, struct part *part)
{
    while (head.len) {
        ptrdiff_t end = str_find_byte(head, '\r');
        CHECK(end >= 0);
        const char *why = read_line(str_first(head, (size_t)end), part);
        if (why)
            return why;
        head = str_from(head, (size_t)end + 2);
    }
    return part->has_name ? NULL : "part without a name";
}

static struct multipart_field *wanted_field(struct multipart_reader *r, str name)
{
    for (unsigned i = 0; i < r->wanted; i++)
        if (str_eq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

static const char *begin_part(struct multipart_reader *r, str head)
{
    struct part part = {0};
    const char *why = read_head(head, &part);
    if (why)
        return why;
    r->current = wanted_field(r, part.name);
    if (r->current && r->current->found)
        return "a field that the gateway reads comes twice";
    if (r->current && (part.has_file || part.is_encoded))
        return "a field that the gateway reads is a file or encoded";
    if (r->current && r->done)
        return "a field that the gateway reads comes too late";
    if (part.has_file && all_found(r, true))
        r->done = true;
    r->state = DATA;
    r->start = r->at;
    r->matched = 0;
    return NULL;
}

static void take_head_byte(struct multipart_reader *r, char byte)
{
    buf_add_byte(&r->head, byte);
    str head = buf_str(&r->head);
    if (r->head.failed) {
        fail(r, "head of a part is too long");
    } else if (byte == '\n') {
        bool crlf = head.len >= 2 && head.ptr[head.len - 2] == '\r';
        bool empty_line = head.len == 2 || str_ends(head, STR("\r\n\r\n"));
        const char *why = crlf ? NULL : "LF without CR in the head of a part";
        if (!why && empty_line)
            why = begin_part(r, str_first(head, head.len - 2));
        if (why)
            fail(r, why);
    } else if (head.len >= 2 && head.ptr[head.len - 2] == '\r') {
        fail(r, "CR without LF in the head of a part");
    }
}

/* ---- Delimiters ---- */

static void take_first_byte(struct multipart_reader *r, char byte)
{
    if (byte != r->delimiter[r->matched]) {
        fail(r, "body does not begin with its boundary");
        return;
    }
    if (++r->matched == r->delimiter_len) {
        r->state = AFTER;
        r->matched = 0;
    }
}

/* The two bytes behind a delimiter: "\r\n", a part follows; "--", it was the last. */
static void take_after_byte(struct multipart_reader *r, char byte)
{
    bool first = r->matched == 0;
    if (first && (byte == '\r' || byte == '-')) {
        r->matched = byte == '-' ? 2 : 1;
        return;
    }
    if (r->matched == 1 && byte == '\n') {
        if (++r->parts > MULTIPART_PARTS_MAX) {
            fail(r, "too many parts");
            return;
        }
        buf_clear(&r->head);
        r->state = HEAD;
    } else if (r->matched == 2 && byte == '-') {
        r->state = EPILOGUE;
        r->matched = 0;
        r->done = true;
    } else {
        fail(r, "line that only begins like a boundary");
    }
}

static void take_epilogue_byte(struct multipart_reader *r, char byte)
{
    if (r->matched < 2 && byte == "\r\n"[r->matched])
        r->matched++;
    else
        fail(r, "bytes behind the closing boundary");
}

/* r->at stands behind the delimiter. */
static void end_part(struct multipart_reader *r)
{
    if (r->current) {
        r->current->found = true;
        r->current->start = r->start;
        r->current->len = (size_t)(r->at - r->delimiter_len - r->start);
        if (r->current->len > MULTIPART_VALUE_MAX)
            fail(r, "value of a field that the gateway reads is too long");
        r->current = NULL;
    }
    if (r->state == FAILED)
        return;
    if (all_found(r, false))
        r->done = true;
    r->state = AFTER;
    r->matched = 0;
}

/* Takes bytes of a part's data, up to its end.  A delimiter holds its CR only at the front, so after
 * a mismatch nothing but another CR can begin it. */
static void take_data(struct multipart_reader *r, str *bytes)
{
    const char *p = bytes->ptr, *end = p + bytes->len;
    while (p < end && r->matched < r->delimiter_len) {
        if (r->matched == 0) {
            p = memchr(p, '\r', (size_t)(end - p));
            if (!p) {
                p = end;
                break;
            }
        }
        if (*p == r->delimiter[r->matched])
            r->matched++;
        else
            r->matched = *p == '\r';
        p++;
    }
    size_t taken = (size_t)(p - bytes->ptr);
    r->at += taken;
    *bytes = str_from(*bytes, taken);
    if (r->matched == r->delimiter_len)
        end_part(r);
    else if (r->current && r->at - r->start > MULTIPART_VALUE_MAX + sizeof(r->delimiter))
        fail(r, "value of a field that the gateway reads is too long");
}

static void take_byte(struct multipart_reader *r, char byte)
{
    r->at++;
    switch ((enum state)r->state) {
    case FIRST:
        take_first_byte(r, byte);
        return;
    case AFTER:
        take_after_byte(r, byte);
        return;
    case HEAD:
        take_head_byte(r, byte);
        return;
    case EPILOGUE:
        take_epilogue_byte(r, byte);
        return;
    case DATA:
    case FAILED:
        break;
    }
    BUG("multipart: byte in state %u", r->state);
}

enum multipart_step multipart_feed(struct multipart_reader *r, str bytes)
{
    while (bytes.len && r->state != FAILED) {
        if (r->state == DATA) {
            take_data(r, &bytes);
        } else {
            take_byte(r, bytes.ptr[0]);
            bytes = str_from(bytes, 1);
        }
    }
    if (r->state == FAILED)
        return MULTIPART_ERROR;
    if (r->at >= r->limit)
        r->done = true;
    return r->done ? MULTIPART_DONE : MULTIPART_NEED_MORE;
}

bool multipart_end(struct multipart_reader *r)
{
    if (r->state != FAILED && r->state != EPILOGUE)
        fail(r, "body ends before its closing boundary");
    return r->state != FAILED;
}
