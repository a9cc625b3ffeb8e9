/*
 * described_v1.so, described_short.so and described_long.so: the first version of
 * kumo_plugin, whole, cut off, and longer than it was. They are kept as they were
 * compiled; see README.md.
 */
#include <kumo_storage.h>
#include <stdlib.h>
#include <string.h>

typedef struct rec { struct rec *next; uint32_t klen, vlen; char key[]; } rec;
static const kumo_host *host;

static void *create(void) { return calloc(1, sizeof(rec *)); } /* an instance: the list's head */
static bool open_(void *head, const char *path) { (void)head, (void)path; return true; }
static void close_(void *head) { (void)head; }
static rec **find(void *head, const char *key, uint32_t klen) { /* where it is, or would be */
    rec **at = head;
    while (*at && ((*at)->klen != klen || memcmp((*at)->key, key, klen) != 0)) at = &(*at)->next;
    return at;
}
static void take_out(rec **at) { rec *r = *at; *at = r->next; free(r); }
static void destroy(void *head) { while (*(rec **)head) take_out(head); free(head); }
static const char *get(void *head, const char *key, uint32_t klen, uint32_t *vlen,
                       struct msgpack_zone *zone) {
    rec *r = *find(head, key, klen);
    char *val = r ? host->zone_malloc(zone, r->vlen) : NULL; /* it lives as long as the zone */
    if (r && !val) host->set_error(KUMO_ERROR_MEMORY, "out of memory");
    return val ? memcpy(val, r->key + klen, *vlen = r->vlen) : NULL;
}
static bool update(void *head, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg) {
    rec **at = find(head, key, klen), *r;
    if (*at && proc && !proc(arg, (*at)->key + klen, (*at)->vlen)) return false;
    if (!(r = malloc(sizeof *r + klen + vlen)))
        return host->set_error(KUMO_ERROR_MEMORY, "out of memory"), false;
    memcpy(r->key, key, r->klen = klen);
    memcpy(r->key + klen, val, r->vlen = vlen);
    if (*at) take_out(at);
    r->next = *at;
    *at = r;
    return true;
}
static bool set(void *head, const char *key, uint32_t klen, const char *val, uint32_t vlen) {
    return update(head, key, klen, val, vlen, NULL, NULL);
}
static bool del(void *head, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg) {
    rec **at = find(head, key, klen);
    if (!*at || !proc(arg, (*at)->key + klen, (*at)->vlen)) return false;
    take_out(at);
    return true;
}
static int for_each(void *head, void *user, kumo_storage_visit visit) {
    int result = 0;
    for (rec *r = *(rec **)head; r && result >= 0; r = r->next) result = visit(user, r);
    return result;
}
static const char *ikey(void *r) { return ((rec *)r)->key; }
static size_t iklen(void *r) { return ((rec *)r)->klen; }
static const char *ival(void *r) { return ikey(r) + iklen(r); }
static size_t ivlen(void *r) { return ((rec *)r)->vlen; }

#define TABLE                                                                                      \
    {.create = create, .free = destroy, .open = open_, .close = close_, .get = get, .set = set,    \
     .del = del, .update = update, .for_each = for_each, .iterator_key = ikey,                     \
     .iterator_keylen = iklen, .iterator_val = ival, .iterator_vallen = ivlen}

#define DESCRIPTION(its_name, size)                                                                \
    {.struct_size = (size), .abi_version = 1, .thread_model = KUMO_THREAD_SERIALIZED,              \
     .caps = KUMO_CAP_VOLATILE, .name = its_name, .version = "1.0.0",                              \
     .description = "an old plugin", .op = TABLE}

#define FIRST_SIZE 296 /* of kumo_plugin */
#define TABLE_END 240  /* where the operations beyond the table begin */

const kumo_plugin *kumo_plugin_init(uint32_t abi, const kumo_host *h) {
#if defined(SHORT)
    /* It ends behind the table. What stands in memory after it is none of the host's business. */
    static kumo_plugin plugin = DESCRIPTION("described_short", TABLE_END);
    memset((char *)&plugin + TABLE_END, 0xa5, sizeof plugin - TABLE_END);
    const kumo_plugin *result = &plugin;
#elif defined(LONG)
    /* Of a later version: 128 more members that it leaves NULL, and then some that it sets. */
    static struct { kumo_plugin first; void *later[128]; unsigned char junk[64]; } plugin = {
        .first = DESCRIPTION("described_long", sizeof plugin)};
    memset(plugin.junk, 0xa5, sizeof plugin.junk);
    const kumo_plugin *result = &plugin.first;
#else
    static const kumo_plugin plugin = DESCRIPTION("described_v1", FIRST_SIZE);
    const kumo_plugin *result = &plugin;
#endif
    host = h;
    return abi ? result : NULL;
}
