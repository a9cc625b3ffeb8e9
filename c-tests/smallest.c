/* The smallest whole plugin: a list of records in memory, under one lock. Build it with
 * cc -std=c99 -shared -fPIC -Iinclude -o libsmallest.so c-tests/smallest.c */
#include <kumo_storage.h>
#include <compat/msgpack.h>
#include <pthread.h>
#include <string.h>

typedef struct rec { struct rec *next; void *in; bool dead; uint32_t klen, vlen; char key[]; } rec;
typedef struct list { pthread_mutex_t lock; rec *head; uint64_t rnum; int scans; } list;

static void *create(void) {
    list *l = calloc(1, sizeof *l);
    if (l) pthread_mutex_init(&l->lock, NULL);
    return l;
}
static bool open_(void *l, const char *path) { return l && path; }
static void close_(void *l) { (void)l; }
static list *lock(void *l) { pthread_mutex_lock(&((list *)l)->lock); return l; }
static void unlock(list *l) { /* frees what is dead; while a scan is under way, it stays linked */
    for (rec *r, **at = &l->head; l->scans <= 0 && (r = *at) != NULL;)
        if (r->dead || l->scans < 0) { *at = r->next; free(r); } else at = &r->next;
    pthread_mutex_unlock(&l->lock);
}
static void destroy(void *l) { lock(l)->scans = -1; unlock(l); free(l); }
static rec *find(list *l, const char *key, uint32_t klen) {
    rec *r = l->head;
    while (r && (r->dead || r->klen != klen || memcmp(r->key, key, klen) != 0)) r = r->next;
    return r;
}
static bool put(list *l, const char *key, uint32_t klen, rec *r, kumo_storage_casproc proc,
                void *arg) {
    rec *old = find(lock(l), key, klen);
    bool done = old ? !proc || proc(arg, old->key + klen, old->vlen) : r != NULL;
    if (done && old) { old->dead = true; l->rnum--; }
    if (done && r) { r->next = l->head; l->head = r; l->rnum++; }
    unlock(l);
    if (!done) free(r);
    return done;
}
static bool update(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg) {
    rec *r = malloc(sizeof *r + klen + vlen);
    if (!r) return false;
    *r = (rec){NULL, l, false, klen, vlen};
    memcpy(r->key, key, klen);
    memcpy(r->key + klen, val, vlen);
    return put(l, key, klen, r, proc, arg);
}
static bool set(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen) {
    return update(l, key, klen, val, vlen, NULL, NULL);
}
static bool del(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg) {
    return put(l, key, klen, NULL, proc, arg);
}
static const char *copy(const char *bytes, size_t n, msgpack_zone *zone) {
    char *p = malloc(n + 1); /* + 1: an empty value is found, so not NULL */
    if (p && !msgpack_zone_push_finalizer(zone, free, p)) { free(p); return NULL; }
    return p ? memcpy(p, bytes, n) : NULL;
}
static const char *get(void *l, const char *key, uint32_t klen, uint32_t *vlen, msgpack_zone *z) {
    rec *r = find(lock(l), key, klen);
    const char *val = r ? copy(r->key + klen, *vlen = r->vlen, z) : NULL;
    unlock(l);
    return val;
}
static int32_t get_header(void *l, const char *key, uint32_t klen, char *val, uint32_t vlen) {
    rec *r = find(lock(l), key, klen);
    int32_t n = r ? (int32_t)(r->vlen < vlen ? r->vlen : vlen) : -1;
    if (r) memcpy(val, r->key + klen, (size_t)n);
    unlock(l);
    return n;
}
static uint64_t rnum(void *l) { uint64_t n = lock(l)->rnum; unlock(l); return n; }
static bool backup(void *l, const char *dst) { return !l || !dst; } /* it has none */
static const char *error(void *l) { return l ? "no memory, or no such operation" : ""; }
static int for_each(void *data, void *user, kumo_storage_visit visit) {
    list *l = lock(data);
    int result = 0;
    l->scans++;
    for (rec *r = l->head; r && result >= 0; r = r->next)
        if (!r->dead) { unlock(l); result = visit(user, r); lock(l); }
    l->scans--;
    unlock(l);
    return result;
}
static const char *ikey(void *r) { return ((rec *)r)->key; }
static size_t ikeylen(void *r) { return ((rec *)r)->klen; }
static const char *ival(void *r) { return ikey(r) + ikeylen(r); }
static size_t ivallen(void *r) { return ((rec *)r)->vlen; }
static const char *take_key(void *r, msgpack_zone *z) { return copy(ikey(r), ikeylen(r), z); }
static const char *take_val(void *r, msgpack_zone *z) { return copy(ival(r), ivallen(r), z); }
static bool idel(void *r, kumo_storage_casproc proc, void *arg) {
    return del(((rec *)r)->in, ikey(r), ((rec *)r)->klen, proc, arg);
}
static bool idel_force(void *r) { return idel(r, NULL, NULL); }

kumo_storage_op kumo_storage_init(void) {
    kumo_storage_op op = {create, destroy, open_, close_, get, get_header, set, del, update, NULL,
        rnum, backup, error, for_each, ikey, ival, ikeylen, ivallen, take_key, take_val, idel,
        idel_force};
    return op;
}
