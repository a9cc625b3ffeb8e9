/* It declares itself parallel, and its counter takes no lock: a race. */
#include "base.h"

static volatile uint64_t records;

static bool set_races(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    char old;
    uint64_t n = records;
    if (get_header(l, key, klen, &old, 1) < 0) {
        gap();
        records = n + 1; /* by now, others have counted too */
    }
    return set(l, key, klen, val, vlen);
}

static bool update_races(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg)
{
    char old;
    uint64_t n = records;
    if (get_header(l, key, klen, &old, 1) < 0) {
        gap();
        records = n + 1;
    }
    return update(l, key, klen, val, vlen, proc, arg);
}

static bool del_races(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    uint64_t n = records;
    bool done = del(l, key, klen, proc, arg);
    records = done ? n - 1 : n;
    return done;
}

static uint64_t rnum_raced(void *l)
{
    (void)l;
    return records;
}

static bool open_counts(void *l, const char *path)
{
    records = 0;
    return open_(l, path);
}

SPOILED_PLUGIN("no_locks", op->open = open_counts; op->set = set_races; op->update = update_races;
               op->del = del_races; op->rnum = rnum_raced; op->iterator_del = NULL;
               op->iterator_del_force = NULL;)
