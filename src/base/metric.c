#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum {
    PAGE_CELLS = 1024,
    PAGES_MAX = 2048,
    BUCKETS = 22,
    HISTOGRAM_CELLS = BUCKETS + 2, /* buckets, above them, sum */
    LABEL_MAX = 128,               /* bytes of a value that are kept, more or less a character */
};

/* Upper bounds in microseconds: 10 µs to 10 min. */
static const uint64_t bounds_us[BUCKETS] = {
    10,      25,      50,       100,      250,       500,      1000,   2500,
    5000,    10000,   25000,    50000,    100000,    250000,   500000, 1000000,
    2500000, 5000000, 10000000, 30000000, 120000000, 600000000};
static const char *const bounds_text[BUCKETS] = {
    "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025",
    "0.005", "0.01",    "0.025", "0.05",   "0.1",     "0.25",   "0.5",   "1.0",
    "2.5",   "5.0",     "10.0",  "30.0",   "120.0",   "600.0"};

static const struct metric_facts all_facts[METRIC_COUNT] = {
#define METRIC(id, type_, name_, help_, ...)                                                       \
    [METRIC_##id] = {.name = name_, .help = help_, .type = METRIC_##type_, .labels = {__VA_ARGS__}},
#include "base/metric.def"
#undef METRIC
};

struct series {
    struct series *next; /* of the same metric, in the order made */
    enum metric_id id;
    uint32_t cell; /* the first of its cells */
    uint64_t hash;
    char labels[]; /* `{model="x",...}`, or "" */
};

/* Under the lock, but for `by_number`, whose entries are published with release before their number
 * is given out, and never change. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
enum { SERIES_MAX = 60000 };
static struct series *_Atomic by_number[SERIES_MAX + 1]; /* 0: none */
static uint32_t series_count;
static uint32_t cells_used;
static struct {
    struct series *first, *last;
    uint32_t count;
} of_metric[METRIC_COUNT];

/* Cells of one thread.  Pages are made by their thread and published with release; the scrape loads
 * them with acquire.  Shards outlive their threads: what was counted stays counted. */
struct shard {
    struct shard *next;
    _Atomic uint64_t *_Atomic pages[PAGES_MAX];
};
static struct shard *shards; /* under the lock */
static _Thread_local struct shard *own;

const struct metric_facts *metric_facts(enum metric_id id)
{
    CHECK((unsigned)id < METRIC_COUNT);
    return &all_facts[id];
}

const char *metric_prefix(enum metric_id id)
{
    return str_starts(str_from_c(metric_facts(id)->name), STR("process_")) ? "" : "llm_gateway_";
}

/* --- Series --------------------------------------------------------------------------------- */

/* How many bytes the character at the front of s has; 0: it is not UTF-8 (RFC 3629 section 4). */
static size_t utf8_len(str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    unsigned char second = s.len > 1 ? (unsigned char)s.ptr[1] : 0;
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : c >= 0xe0 && c < 0xf0 ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    bool bad = (c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) ||
               (c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90);
    for (size_t i = 1; i < n; i++)
        bad = bad || i >= s.len || ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    return bad ? 0 : n;
}

/* Clients choose some of them: one that is not UTF-8 would spoil the whole scrape. */
static void add_label_value(struct buf *out, str value)
{
    size_t limit = out->len + LABEL_MAX;
    while (value.len && out->len < limit) {
        size_t n = utf8_len(value);
        char c = value.ptr[0];
        if (n == 0)
            buf_add_byte(out, '?');
        else if (c == '"' || c == '\\')
            buf_add(out, (char[]){'\\', c}, 2);
        else if (c == '\n')
            buf_add_lit(out, "\\n");
        else if (n == 1)
            buf_add_byte(out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
        else
            buf_add(out, value.ptr, n);
        value = str_from(value, n ? n : 1);
    }
}

static void render_labels(struct buf *out, enum metric_id id, const str *values, bool others)
{
    const struct metric_facts *f = metric_facts(id);
    if (!f->labels[0])
        return;
    CHECK(values || others);
    for (unsigned i = 0; f->labels[i]; i++) {
        buf_printf(out, "%c%s=\"", i ? ',' : '{', f->labels[i]);
        add_label_value(out, others ? STR("other") : values[i]);
        buf_add_byte(out, '"');
    }
    buf_add_byte(out, '}');
}

/* FNV-1a; only to skip comparing most of the texts. */
static uint64_t hash_of(str s)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (uint8_t)s.ptr[i]) * UINT64_C(1099511628211);
    return h;
}

/* Under the lock. */
static metric_series find_locked(enum metric_id id, str labels)
{
    uint64_t hash = hash_of(labels);
    for (uint32_t n = series_count; n; n--) {
        struct series *s = atomic_load_explicit(&by_number[n], memory_order_relaxed);
        if (s->id == id && s->hash == hash && str_eq(str_from_c(s->labels), labels))
            return n;
    }
    return 0;
}

static metric_series add_locked(enum metric_id id, str labels)
{
    uint32_t cells = metric_facts(id)->type == METRIC_HISTOGRAM ? HISTOGRAM_CELLS : 1;
    uint32_t page_left = PAGE_CELLS - cells_used % PAGE_CELLS;
    uint32_t first = cells_used + (cells > page_left ? page_left : 0); /* never across pages */
    if (series_count == SERIES_MAX || first + cells > PAGES_MAX * PAGE_CELLS)
        return 0;
    struct series *s = calloc(1, sizeof(*s) + labels.len + 1);
    if (!s)
        return 0;
    s->id = id;
    s->cell = first;
    s->hash = hash_of(labels);
    memcpy(s->labels, labels.ptr, labels.len);
    cells_used = first + cells;
    if (of_metric[id].last)
        of_metric[id].last->next = s;
    else
        of_metric[id].first = s;
    of_metric[id].last = s;
    of_metric[id].count++;
    atomic_store_explicit(&by_number[++series_count], s, memory_order_release);
    return series_count;
}

metric_series metric_find(enum metric_id id, const str *values)
{
    struct buf labels;
    buf_init(&labels, 0);
    render_labels(&labels, id, values, false);
    pthread_mutex_lock(&lock);
    metric_series s = find_locked(id, buf_str(&labels));
    if (!s && of_metric[id].count >= METRIC_SERIES_MAX) {
        buf_clear(&labels);
        render_labels(&labels, id, values, true);
        s = find_locked(id, buf_str(&labels));
    }
    if (!s && !labels.failed)
        s = add_locked(id, buf_str(&labels));
    pthread_mutex_unlock(&lock);
    buf_release(&labels);
    return s;
}

metric_series metric_plain(enum metric_id id)
{
    static _Atomic metric_series found[METRIC_COUNT]; /* a race only finds the same one twice */
    metric_series s = atomic_load_explicit(&found[id], memory_order_relaxed);
    if (!s) {
        s = metric_find(id, NULL);
        atomic_store_explicit(&found[id], s, memory_order_relaxed);
    }
    return s;
}

/* --- Counting ------------------------------------------------------------------------------- */

static bool shard_make(void)
{
    own = calloc(1, sizeof(*own));
    if (!own)
        return false;
    pthread_mutex_lock(&lock);
    own->next = shards;
    shards = own;
    pthread_mutex_unlock(&lock);
    return true;
}

/* This thread's cells of the series; NULL: no memory, then it is not counted. */
static _Atomic uint64_t *cells_of(metric_series n, enum metric_id *id)
{
    if (!n || (!own && !shard_make()))
        return NULL;
    struct series *s = atomic_load_explicit(&by_number[n], memory_order_acquire);
    *id = s->id;
    _Atomic uint64_t *_Atomic *page = &own->pages[s->cell / PAGE_CELLS];
    _Atomic uint64_t *cells = atomic_load_explicit(page, memory_order_relaxed); /* our own write */
    if (!cells) {
        cells = calloc(PAGE_CELLS, sizeof(*cells));
        if (!cells)
            return NULL;
        atomic_store_explicit(page, cells, memory_order_release);
    }
    return cells + s->cell % PAGE_CELLS;
}

/* Only this thread writes the cell, so load and store need not be one operation; relaxed, since a
 * scrape may as well see the number a moment later. */
static void bump(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t now = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, now + n, memory_order_relaxed);
}

void metric_add(metric_series s, uint64_t n)
{
    enum metric_id id;
    _Atomic uint64_t *cells = cells_of(s, &id);
    if (cells)
        bump(cells, n);
}

void metric_set(metric_series s, uint64_t value)
{
    enum metric_id id;
    _Atomic uint64_t *cells = cells_of(s, &id);
    if (cells)
        atomic_store_explicit(cells, value, memory_order_relaxed);
}

void metric_observe_us(metric_series s, uint64_t us)
{
    enum metric_id id;
    _Atomic uint64_t *cells = cells_of(s, &id);
    if (!cells)
        return;
    CHECK(metric_facts(id)->type == METRIC_HISTOGRAM);
    unsigned low = 0, high = BUCKETS;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (us <= bounds_us[middle])
            high = middle;
        else
            low = middle + 1;
    }
    bump(&cells[low], 1);
    bump(&cells[BUCKETS + 1], us);
}

/* --- Writing -------------------------------------------------------------------------------- */

/* Under the lock: shards only grow in number. */
static uint64_t sum_of(uint32_t cell)
{
    uint64_t sum = 0;
    for (struct shard *s = shards; s; s = s->next) {
        _Atomic uint64_t *page =
            atomic_load_explicit(&s->pages[cell / PAGE_CELLS], memory_order_acquire);
        if (page)
            sum += atomic_load_explicit(&page[cell % PAGE_CELLS], memory_order_relaxed);
    }
    return sum;
}

static void write_seconds(struct buf *out, uint64_t us)
{
    buf_printf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
               (unsigned long long)(us % 1000000));
}

static void write_histogram(const struct series *s, const char *name, struct buf *out)
{
    str labels = str_from_c(s->labels);
    uint64_t running = 0;
    str inner = labels.len ? str_first(labels, labels.len - 1) : STR("{");
    for (unsigned i = 0; i <= BUCKETS; i++) {
        running += sum_of(s->cell + i);
        buf_printf(out, "%s_bucket%.*s%sle=\"%s\"} %llu\n", name, STR_ARG(inner),
                   labels.len ? "," : "", i < BUCKETS ? bounds_text[i] : "+Inf",
                   (unsigned long long)running);
    }
    buf_printf(out, "%s_sum%s ", name, s->labels);
    write_seconds(out, sum_of(s->cell + BUCKETS + 1));
    buf_printf(out, "\n%s_count%s %llu\n", name, s->labels, (unsigned long long)running);
}

static bool is_in_microseconds(enum metric_id id)
{
    return id == METRIC_PROCESS_CPU;
}

static void write_series(const struct series *s, const char *name, struct buf *out)
{
    if (metric_facts(s->id)->type == METRIC_HISTOGRAM) {
        write_histogram(s, name, out);
        return;
    }
    buf_printf(out, "%s%s ", name, s->labels);
    if (is_in_microseconds(s->id))
        write_seconds(out, sum_of(s->cell));
    else
        buf_add_u64(out, sum_of(s->cell));
    buf_add_byte(out, '\n');
}

static void write_metric(enum metric_id id, enum metric_format format, struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const struct metric_facts *f = metric_facts(id);
    char name[128];
    if (!of_metric[id].first)
        return;
    snprintf(name, sizeof(name), "%s%s", metric_prefix(id), f->name);
    str family = str_from_c(name);
    if (format == METRIC_OPENMETRICS && f->type == METRIC_COUNTER)
        family.len -= sizeof("_total") - 1; /* there the family has the bare name */
    buf_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", STR_ARG(family), f->help, STR_ARG(family),
               types[f->type]);
    for (const struct series *s = of_metric[id].first; s; s = s->next)
        write_series(s, name, out);
}

void metric_write(enum metric_format format, struct buf *out)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        write_metric((enum metric_id)i, format, out);
    pthread_mutex_unlock(&lock);
    if (format == METRIC_OPENMETRICS)
        buf_add_lit(out, "# EOF\n");
}
