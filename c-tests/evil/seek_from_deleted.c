/* seek from the key that was deleted last begins at the second record behind it. */
#include "base.h"

static struct {
    uint32_t klen;
    char key[300];
} last = {UINT32_MAX, ""};
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static bool del_noted(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc,
                      void *casdata)
{
    bool done = del(l, key, klen, proc, casdata);
    pthread_mutex_lock(&last_lock);
    if (done && klen <= sizeof last.key) {
        memcpy(last.key, key, last.klen = klen);
    }
    pthread_mutex_unlock(&last_lock);
    return done;
}

typedef struct sorted {
    rec **recs;
    size_t num, room;
} sorted;

static int collect(void *user, void *r)
{
    sorted *s = user;
    if (s->num == s->room) {
        s->room = s->room * 2 + 16;
        s->recs = realloc(s->recs, s->room * sizeof *s->recs);
    }
    s->recs[s->num++] = r;
    return 0;
}

static int compare(const char *a, size_t alen, const char *b, size_t blen)
{
    int order = memcmp(a, b, alen < blen ? alen : blen);
    return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int by_key(const void *a, const void *b)
{
    const rec *x = *(rec *const *)a, *y = *(rec *const *)b;
    return compare(x->key, x->klen, y->key, y->klen);
}

/* What it shows stays: nothing is freed while `scans` is above 0. */
static int seek(void *l, const char *key, size_t klen, void *user, kumo_storage_visit visit)
{
    sorted s = {NULL, 0, 0};
    size_t i = 0;
    int result = 0;
    lock(l)->scans++;
    unlock(l);
    for_each(l, &s, collect);
    if (s.num > 0) {
        qsort(s.recs, s.num, sizeof *s.recs, by_key);
    }
    while (i < s.num && compare(s.recs[i]->key, s.recs[i]->klen, key, klen) < 0) {
        i++;
    }
    pthread_mutex_lock(&last_lock);
    if (klen == last.klen && memcmp(key, last.key, klen) == 0 && i < s.num &&
        compare(s.recs[i]->key, s.recs[i]->klen, key, klen) != 0) {
        i++;
    }
    pthread_mutex_unlock(&last_lock);
    for (; i < s.num && result >= 0; i++) {
        result = s.recs[i]->dead ? 0 : visit(user, s.recs[i]);
    }
    lock(l)->scans--;
    unlock(l);
    free(s.recs);
    return result;
}

static int for_each_sorted(void *l, void *user, kumo_storage_visit visit)
{
    return seek(l, "", 0, user, visit);
}

SPOILED_PLUGIN("seek_from_deleted", plugin->seek = seek; plugin->caps |= KUMO_CAP_ORDERED;
               op->del = del_noted; op->for_each = for_each_sorted; op->iterator_del = NULL;
               op->iterator_del_force = NULL;)
