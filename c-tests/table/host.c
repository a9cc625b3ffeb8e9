/* The host of table_test: it loads the plugin, and calls it as its description asks for. */
#include "test.h"

#include <dlfcn.h>

int failures;
__thread int32_t error_code;
__thread char error_text[512];
bool refuse_finalizers;
int expansions;
kumo_storage_op op;
kumo_plugin plugin;
bool described;
const char *directory;

static kumo_storage_op raw; /* the plugin's own */

void run(const char *name, void (*test)(void))
{
    printf("%s: ", name);
    fflush(stdout);
    test();
    if (failures > 0) {
        printf("\n  FAILED: %d checks\n", failures);
        exit(1);
    }
    printf("ok\n");
}

/* ---- the host's services ---- */

static void host_log(uint32_t level, const char *text)
{
    printf("[log %u: %s] ", (unsigned)level, text);
}

static void host_set_error(int32_t code, const char *text)
{
    error_code = code;
    snprintf(error_text, sizeof error_text, "%s", text);
}

static bool host_push_finalizer(msgpack_zone *zone, kumo_finalizer func, void *data)
{
    __atomic_fetch_add(&expansions, 1, __ATOMIC_RELAXED);
    return !refuse_finalizers && msgpack_zone_push_finalizer(zone, func, data);
}

static void *host_zone_malloc(msgpack_zone *zone, size_t size)
{
    return refuse_finalizers ? NULL : msgpack_zone_malloc(zone, size);
}

static const kumo_host host = {.struct_size = sizeof host,
                               .abi_version = KUMO_ABI_VERSION,
                               .log = host_log,
                               .set_error = host_set_error,
                               .zone_push_finalizer = host_push_finalizer,
                               .zone_malloc = host_zone_malloc};

/* For plugins built with <msgpack.h>. */
bool msgpack_zone_push_finalizer_expand(msgpack_zone *zone, void (*func)(void *), void *data);
void *msgpack_zone_malloc_expand(msgpack_zone *zone, size_t size);

KUMO_EXPORT bool msgpack_zone_push_finalizer_expand(msgpack_zone *zone, void (*func)(void *),
                                                    void *data)
{
    return host_push_finalizer(zone, func, data);
}

KUMO_EXPORT void *msgpack_zone_malloc_expand(msgpack_zone *zone, size_t size)
{
    zone->chunk_list.free = 0;
    return msgpack_zone_malloc(zone, size);
}

/* ---- one call at a time ---- */

static pthread_mutex_t one;

static bool serialized(void)
{
    return plugin.thread_model != KUMO_THREAD_PARALLEL;
}

void enter(void)
{
    if (serialized()) {
        pthread_mutex_lock(&one);
    }
}

void leave(void)
{
    if (serialized()) {
        pthread_mutex_unlock(&one);
    }
}

#define CALL(type, call)                                                                           \
    type result;                                                                                   \
    enter();                                                                                       \
    result = call;                                                                                 \
    leave();                                                                                       \
    return result

static const char *host_get(void *db, const char *key, uint32_t keylen, uint32_t *vallen,
                            msgpack_zone *zone)
{
    CALL(const char *, raw.get(db, key, keylen, vallen, zone));
}

/* With a zone of its own, which ends within the call. */
static int32_t header_by_get(void *db, const char *key, uint32_t keylen, char *to, uint32_t room)
{
    msgpack_zone zone = zone_new();
    uint32_t len = 0;
    const char *val = raw.get(db, key, keylen, &len, &zone);
    len = len < room ? len : room;
    if (val != NULL) {
        memcpy(to, val, len);
    }
    msgpack_zone_destroy(&zone);
    return val == NULL ? -1 : (int32_t)len;
}

static int32_t host_get_header(void *db, const char *key, uint32_t keylen, char *to, uint32_t room)
{
    CALL(int32_t, (raw.get_header != NULL ? raw.get_header : header_by_get)(db, key, keylen, to,
                                                                            room));
}

static bool host_set(void *db, const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    CALL(bool, raw.set(db, key, keylen, val, vallen));
}

static bool host_del(void *db, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                     void *casdata)
{
    CALL(bool, raw.del(db, key, keylen, proc, casdata));
}

static bool host_update(void *db, const char *key, uint32_t keylen, const char *val,
                        uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    CALL(bool, raw.update(db, key, keylen, val, vallen, proc, casdata));
}

static int host_for_each(void *db, void *user, kumo_storage_visit func)
{
    CALL(int, raw.for_each(db, user, func));
}

static int count_one(void *user, void *it)
{
    (void)it;
    ++*(uint64_t *)user;
    return 0;
}

static uint64_t count_all(void *db)
{
    uint64_t n = 0;
    CHECK(raw.for_each(db, &n, count_one) >= 0);
    return n;
}

static uint64_t host_rnum(void *db)
{
    CALL(uint64_t, (raw.rnum != NULL ? raw.rnum : count_all)(db));
}

static bool no_backup(void *db, const char *dst)
{
    (void)db, (void)dst;
    host_set_error(KUMO_ERROR_UNSUPPORTED, "the slot is NULL");
    return false;
}

static bool host_backup(void *db, const char *dst)
{
    CALL(bool, (raw.backup != NULL ? raw.backup : no_backup)(db, dst));
}

static const char *the_error(void *db)
{
    (void)db;
    return error_text;
}

static const char *keep(const char *bytes, size_t n, msgpack_zone *zone)
{
    char *to = msgpack_zone_malloc(zone, n);
    return to == NULL ? NULL : memcpy(to, bytes, n);
}

static const char *keep_key(void *it, msgpack_zone *zone)
{
    return keep(raw.iterator_key(it), raw.iterator_keylen(it), zone);
}

static const char *keep_val(void *it, msgpack_zone *zone)
{
    return keep(raw.iterator_val(it), raw.iterator_vallen(it), zone);
}

static void fill_in(void)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&one, &recursive);
    op = raw;
    op.get = host_get;
    op.get_header = host_get_header;
    op.set = host_set;
    op.del = host_del;
    op.update = host_update;
    op.rnum = host_rnum;
    op.backup = host_backup;
    op.for_each = host_for_each;
    op.error = raw.error != NULL ? raw.error : the_error;
    op.iterator_release_key = raw.iterator_release_key != NULL ? raw.iterator_release_key
                                                               : keep_key;
    op.iterator_release_val = raw.iterator_release_val != NULL ? raw.iterator_release_val
                                                               : keep_val;
}

bool scans_are_free(void)
{
    return described ? plugin.caps & KUMO_CAP_REENTRANT_SCAN
                     : getenv("KUMO_TEST_REENTRANT") != NULL;
}

bool threads_are_free(void)
{
    return plugin.thread_model != KUMO_THREAD_SINGLE;
}

/* ---- loading ---- */

/* Which slots may be NULL, by their place in the table. */
static bool is_optional(int slot)
{
    return slot == 9 || (described && (slot == 5 || (slot >= 10 && slot <= 12) || slot >= 18));
}

static void check_slots(void)
{
    void *slots[22];
    int i;
    memcpy(slots, &raw, sizeof slots);
    for (i = 0; i < 22; i++) {
        if (slots[i] == NULL && !is_optional(i)) {
            printf("FAILED: slot %d is NULL\n", i);
            exit(1);
        }
    }
}

static void describe(const kumo_plugin *(*init)(uint32_t, const kumo_host *))
{
    const kumo_plugin *p = init(KUMO_ABI_VERSION, &host);
    size_t i;
    if (p == NULL || p->struct_size < offsetof(kumo_plugin, sync) || p->abi_version == 0 ||
        p->abi_version > KUMO_ABI_VERSION || p->thread_model > KUMO_THREAD_SINGLE) {
        printf("FAILED: kumo_plugin_init: %s\n", p == NULL ? error_text : "not for this host");
        exit(1);
    }
    memcpy(&plugin, p, p->struct_size < sizeof plugin ? p->struct_size : sizeof plugin);
    raw = plugin.op;
    described = true;
    printf("%s %s: %s\n", plugin.name, plugin.version, plugin.description);
    for (i = 0; i < plugin.params_num; i++) {
        printf("    %s: %s\n", plugin.params[i].name, plugin.params[i].help);
    }
}

void load(const char *library, const char *where)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    const kumo_plugin *(*plugin_init)(uint32_t, const kumo_host *) = NULL;
    kumo_storage_op (*storage_init)(void) = NULL;
    void *symbol;
    directory = where;
    if (handle == NULL) {
        printf("FAILED: %s\n", dlerror());
        exit(1);
    }
    if ((symbol = dlsym(handle, "kumo_plugin_init")) != NULL) {
        memcpy(&plugin_init, &symbol, sizeof symbol);
        describe(plugin_init);
    } else if ((symbol = dlsym(handle, "kumo_storage_init")) != NULL) {
        memcpy(&storage_init, &symbol, sizeof symbol);
        raw = storage_init();
        printf("%s: classic\n", library);
    } else {
        printf("FAILED: %s has neither kumo_plugin_init nor kumo_storage_init\n", library);
        exit(1);
    }
    check_slots();
    fill_in();
}
