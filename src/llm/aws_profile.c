#include "llm/aws_profile.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static str unquoted(str name)
{
    if (name.len >= 2 && (name.ptr[0] == '"' || name.ptr[0] == '\'') &&
        name.ptr[name.len - 1] == name.ptr[0])
        return str_make(name.ptr + 1, name.len - 2);
    return name;
}

/* The profile that a line "[…]" begins; null: another kind of section. */
static str section_profile(str line, enum aws_file file)
{
    ptrdiff_t end = str_find_byte(line, ']');
    str inside = end < 0 ? STR_NULL : str_trim(str_make(line.ptr + 1, (size_t)end - 1));
    if (file == AWS_FILE_CREDENTIALS || str_eq(inside, STR("default")))
        return unquoted(inside);
    if (!str_starts(inside, STR("profile")) || inside.len < 9 || !is_blank(inside.ptr[7]))
        return STR_NULL;
    return unquoted(str_trim(str_from(inside, 8)));
}

/* A comment after a value begins with blank and '#' or ';'. */
static str without_comment(str value)
{
    for (size_t i = 1; i < value.len; i++)
        if ((value.ptr[i] == '#' || value.ptr[i] == ';') && is_blank(value.ptr[i - 1]))
            return str_trim(str_first(value, i));
    return str_trim(value);
}

static size_t name_end(str line)
{
    size_t at = 0;
    while (at < line.len && line.ptr[at] != '=' && line.ptr[at] != ':')
        at++;
    return at;
}

struct place {   /* while walking the lines */
    bool inside; /* the profile's own section */
    bool named;  /* a setting came, so indented lines belong to it */
};

/* Steps over one line.  True: it is a setting of the profile. */
static bool next_setting(struct place *p, str line, enum aws_file file, str profile, str *name,
                         str *value)
{
    str text = str_trim(line);
    if (!text.len || text.ptr[0] == '#' || text.ptr[0] == ';')
        return false;
    if (is_blank(line.ptr[0]) && p->named)
        return false; /* goes on with the value before: a nested section */
    if (text.ptr[0] == '[') {
        str found = section_profile(text, file);
        p->inside = !str_is_null(found) && str_eq(found, profile);
        p->named = false;
        return false;
    }
    size_t end = name_end(text);
    p->named = true;
    *name = str_trim(str_first(text, end));
    *value = without_comment(str_from(text, end + 1));
    return p->inside && end < text.len;
}

static str next_line(str *text)
{
    str line = str_split(text, '\n');
    if (str_ends(line, STR("\r")))
        line.len--;
    return line;
}

bool aws_profile_exists(str text, enum aws_file file, str profile)
{
    struct place p = {0};
    while (text.len) {
        str name, value, line = next_line(&text);
        next_setting(&p, line, file, profile, &name, &value);
        if (p.inside)
            return true;
    }
    return false;
}

str aws_profile_get(str text, enum aws_file file, str profile, str name)
{
    struct place p = {0};
    str found = STR_NULL;
    while (text.len) {
        str one, value, line = next_line(&text);
        if (next_setting(&p, line, file, profile, &one, &value) && str_ieq(one, name))
            found = value;
    }
    return found;
}
