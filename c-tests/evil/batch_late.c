/*
 * batch puts its changes aside, and carries them out before the next read or batch: what
 * is written by other calls in between is undone then.
 */
#include "base.h"

typedef struct late {
    struct late *next;
    void *list;
    bool is_put;
    uint32_t klen, vlen;
    char bytes[];
} late;

static late *first, **end = &first;
static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;

static bool always(void *casdata, const char *old, size_t oldlen)
{
    (void)casdata, (void)old, (void)oldlen;
    return true;
}

static void carry_out(void *l)
{
    late *c, **at = &first;
    pthread_mutex_lock(&late_lock);
    while ((c = *at) != NULL) {
        if (c->list != l) {
            at = &c->next;
            continue;
        }
        if (c->is_put) {
            set(l, c->bytes, c->klen, c->bytes + c->klen, c->vlen);
        } else {
            del(l, c->bytes, c->klen, always, NULL);
        }
        *at = c->next;
        free(c);
    }
    end = at;
    pthread_mutex_unlock(&late_lock);
}

static bool batch_late(void *l, const kumo_change *changes, size_t num)
{
    size_t i;
    carry_out(l);
    pthread_mutex_lock(&late_lock);
    for (i = 0; i < num; i++) {
        const kumo_change *change = &changes[i];
        late *c = malloc(sizeof *c + change->keylen + change->vallen);
        *c = (late){NULL, l, change->val != NULL, (uint32_t)change->keylen,
                    (uint32_t)change->vallen};
        memcpy(c->bytes, change->key, change->keylen);
        if (change->val) {
            memcpy(c->bytes + c->klen, change->val, change->vallen);
        }
        *end = c;
        end = &c->next;
    }
    pthread_mutex_unlock(&late_lock);
    return true;
}

static const char *get_late(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                            msgpack_zone *zone)
{
    carry_out(l);
    return get(l, key, klen, vlen, zone);
}

static int for_each_late(void *l, void *user, kumo_storage_visit visit)
{
    carry_out(l);
    return for_each(l, user, visit);
}

static uint64_t rnum_late(void *l)
{
    carry_out(l);
    return rnum(l);
}

static void close_late(void *l)
{
    carry_out(l);
}

SPOILED_PLUGIN("batch_late", plugin->batch = batch_late; op->get = get_late;
               op->for_each = for_each_late; op->rnum = rnum_late; op->close = close_late;)
