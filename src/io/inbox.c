#include "io/inbox.h"

#include "io/loop_impl.h"

#include <stdlib.h>

static struct message *in_order(struct message *newest)
{
    struct message *first = NULL;
    while (newest) {
        struct message *next = newest->next;
        newest->next = first;
        first = newest;
        newest = next;
    }
    return first;
}

/* acquire: pairs with the release of each push, so what a sender wrote before posting is seen. */
static struct message *take_all(struct loop *l)
{
    return in_order(atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire));
}

static void on_async(uv_async_t *async)
{
    struct loop *l = async->loop->data;
    for (struct message *m = take_all(l); m;) {
        struct message *next = m->next; /* run() may free m */
        m->run(m);
        m = next;
    }
}

int inbox_open(struct loop *l)
{
    atomic_init(&l->inbox, NULL);
    return uv_async_init(&l->uv, &l->async, on_async);
}

void inbox_drop(struct loop *l)
{
    for (struct message *m = take_all(l); m;) {
        struct message *next = m->next;
        if (m->drop)
            m->drop(m);
        m = next;
    }
}

/* Many push, one takes everything at once: there is no ABA in that.  Only the message that found
 * the inbox empty has to ring; the loop empties it after each ring. */
void inbox_post(struct loop *l, struct message *m)
{
    struct message *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);
    do
        m->next = head;
    /* release: the message's contents before its visibility; the failed load needs no order, the
     * pointer is only stored again. */
    while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, m, memory_order_release,
                                                  memory_order_relaxed));
    if (!head)
        uv_async_send(&l->async);
}

/* --- Helper threads */

struct job {
    uv_work_t req;
    struct work work;
};

static void on_work(uv_work_t *req)
{
    struct job *j = CONTAINER_OF(req, struct job, req);
    j->work.work(j->work.arg);
}

static void on_done(uv_work_t *req, int status)
{
    struct job *j = CONTAINER_OF(req, struct job, req);
    struct work w = j->work;
    (void)status; /* jobs are never cancelled */
    free(j);
    w.done(w.arg);
}

bool loop_work(struct loop *l, const struct work *w)
{
    struct job *j = malloc(sizeof(*j));
    if (!j)
        return false;
    j->work = *w;
    if (uv_queue_work(&l->uv, &j->req, on_work, on_done)) {
        free(j);
        return false;
    }
    return true;
}
