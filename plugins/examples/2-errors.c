/*
 * The second engine: it says what goes wrong, and takes parameters.
 *
 *     cc -shared -fPIC $(pkg-config --cflags kumo) -o liberrors.so 2-errors.c
 *     kumo-server -s 'any#records=1000#read-only=no' --storage ./liberrors.so
 *
 * Still a list in memory, one call at a time, as 1-smallest.c is; but it holds no more
 * than `records`, and refuses writes when it is `read-only`. Every call that fails says
 * why, so that a client sees "SERVER_ERROR errors: 1000 records are all it holds ..." and
 * a failure is not taken for a miss.
 */
#include <kumo_storage.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rec {
    struct rec *next;
    uint32_t klen, vlen;
    char key[]; /* then the value */
} rec;

typedef struct list {
    rec *head;
    uint64_t rnum, limit;
    bool read_only;
} list;

static const kumo_host *host;

/* ---- errors ---- */

/* Returns false, so that a function can end with `return fail(...)`. */
static bool fail(kumo_error code, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    host->set_error(code, text); /* copied: `text` may go */
    return false;
}

static bool no_memory(void)
{
    return fail(KUMO_ERROR_MEMORY, "errors: out of memory; give the machine more, or store less");
}

/* ---- parameters ---- */

static const kumo_param params[] = {
    {"records", KUMO_PARAM_TYPE_INT, "1000000", "how many records it holds at most"},
    {"read-only", KUMO_PARAM_TYPE_BOOL, "no", "refuse every write"},
};

/* The text of a parameter within the path, or NULL; `len` is how long it is. */
static const char *param(const char *path, const char *name, size_t *len)
{
    const char *at = path, *found = NULL;
    size_t n = strlen(name);
    while ((at = strchr(at, '#')) != NULL) {
        at++;
        if (strncmp(at, name, n) == 0 && at[n] == '=') {
            found = at + n + 1; /* the last one counts: --storage-opt comes behind the path */
            *len = strcspn(found, "#");
        }
    }
    return found;
}

static bool open_(void *data, const char *path)
{
    list *l = data;
    size_t len;
    const char *text = param(path, "records", &len);
    l->limit = 1000000; /* defaults are the plugin's to see to */
    if (text != NULL) {
        /* The host has checked that it is a number; only we know which are good. */
        errno = 0;
        l->limit = strtoull(text, NULL, 10);
        if (*text == '-' || errno != 0 || l->limit == 0) {
            return fail(KUMO_ERROR_INVALID, "errors: records=%.*s: use a number above 0", (int)len,
                        text);
        }
    }
    text = param(path, "read-only", &len); /* true, yes, on or 1 */
    l->read_only = text != NULL && (strchr("ty1", *text) != NULL || strncmp(text, "on", 2) == 0);
    if (l->read_only) {
        host->log(KUMO_LOG_WARN, "errors: it is read-only, and begins empty");
    }
    return true;
}

/* ---- the list ---- */

static void *create(void)
{
    list *l = calloc(1, sizeof *l);
    if (l == NULL) {
        no_memory();
    }
    return l;
}

static void close_(void *l)
{
    (void)l;
}

static rec **find(list *l, const char *key, uint32_t klen)
{
    rec **at = &l->head;
    while (*at != NULL && ((*at)->klen != klen || memcmp((*at)->key, key, klen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void take_out(list *l, rec **at)
{
    rec *r = *at;
    *at = r->next;
    l->rnum--;
    free(r);
}

static void destroy(void *data)
{
    list *l = data;
    while (l->head != NULL) {
        take_out(l, &l->head);
    }
    free(l);
}

static const char *get(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                       struct msgpack_zone *zone)
{
    rec *r = *find(l, key, klen);
    char *val;
    if (r == NULL) {
        return NULL; /* a miss: no error */
    }
    val = host->zone_malloc(zone, r->vlen);
    if (val == NULL) {
        no_memory();
        return NULL;
    }
    *vlen = r->vlen;
    return memcpy(val, r->key + klen, r->vlen);
}

static bool update(void *data, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg)
{
    list *l = data;
    rec **at = find(l, key, klen), *r;
    if (l->read_only) {
        return fail(KUMO_ERROR_UNSUPPORTED, "errors: read-only; open it with read-only=no");
    }
    if (*at != NULL && proc != NULL && !proc(arg, (*at)->key + klen, (*at)->vlen)) {
        return false; /* a refusal: no error */
    }
    if (*at == NULL && l->rnum >= l->limit) {
        return fail(KUMO_ERROR_FULL, "errors: %llu records are all it holds; delete some, or open "
                    "it with a higher records=", (unsigned long long)l->limit);
    }
    r = malloc(sizeof *r + klen + vlen);
    if (r == NULL) {
        return no_memory();
    }
    r->klen = klen;
    r->vlen = vlen;
    memcpy(r->key, key, klen);
    memcpy(r->key + klen, val, vlen);
    if (*at != NULL) {
        take_out(l, at);
    }
    r->next = *at;
    *at = r;
    l->rnum++;
    return true;
}

static bool set(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update(l, key, klen, val, vlen, NULL, NULL);
}

static bool del(void *data, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    list *l = data;
    rec **at = find(l, key, klen);
    if (l->read_only) {
        return fail(KUMO_ERROR_UNSUPPORTED, "errors: read-only; open it with read-only=no");
    }
    if (*at == NULL || !proc(arg, (*at)->key + klen, (*at)->vlen)) {
        return false;
    }
    take_out(l, at);
    return true;
}

static uint64_t rnum(void *l)
{
    return ((list *)l)->rnum; /* the host would count by a scan */
}

static int for_each(void *data, void *user, kumo_storage_visit visit)
{
    list *l = data;
    rec *r;
    int result = 0;
    for (r = l->head; r != NULL && result >= 0; r = r->next) {
        result = visit(user, r);
    }
    return result;
}

static const char *ikey(void *r) { return ((rec *)r)->key; }
static size_t ikeylen(void *r) { return ((rec *)r)->klen; }
static const char *ival(void *r) { return ikey(r) + ikeylen(r); }
static size_t ivallen(void *r) { return ((rec *)r)->vlen; }

/* ---- what the host sees ---- */

static const kumo_plugin plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .thread_model = KUMO_THREAD_SERIALIZED,
    .caps = KUMO_CAP_VOLATILE,
    .name = "errors",
    .version = "1.0.0",
    .description = "a list in memory with a limit, which says what goes wrong",
    .params = params,
    .params_num = sizeof params / sizeof *params,
    .op = {.create = create,
           .free = destroy,
           .open = open_,
           .close = close_,
           .get = get,
           .set = set,
           .del = del,
           .update = update,
           .rnum = rnum,
           .for_each = for_each,
           .iterator_key = ikey,
           .iterator_val = ival,
           .iterator_keylen = ikeylen,
           .iterator_vallen = ivallen},
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *h)
{
    (void)host_abi; /* all that is used here is of version 1 */
    host = h;
    return &plugin;
}
