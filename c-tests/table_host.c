/* The host of table_test: it loads the plugin, and calls it as its description asks for. */
#include "table_test.h"

#include <dlfcn.h>

int failures;
__thread int32_t error_code;
__thread char error_text[512];
bool refuse_finalizers;
int expansions;
kumo_storage_op op;
kumo_plugin plugin;
bool described;

static kumo_storage_op raw; /* the plugin's own */
static const char *directory;

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

/* ---- what the tests do all the time ---- */

void path_of(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void *open_at(const char *path)
{
    void *db = op.create();
    CHECK(db != NULL);
    error_code = 0;
    if (db != NULL && !op.open(db, path)) {
        op.free(db);
        return NULL;
    }
    return db;
}

void *open_new(const char *name)
{
    char path[PATH_MAX];
    void *db;
    path_of(path, name);
    db = open_at(path);
    if (db == NULL) {
        printf("FAILED: cannot open %s: %s\n", path, error_text);
        exit(1);
    }
    return db;
}

void close_db(void *db)
{
    op.close(db);
    op.free(db);
}

msgpack_zone zone_new(void)
{
    msgpack_zone zone;
    memset(&zone, 0, sizeof zone);
    zone.chunk_size = MSGPACK_ZONE_CHUNK_SIZE;
    return zone;
}

void zone_clear(msgpack_zone *zone)
{
    enter();
    msgpack_zone_clear(zone);
    leave();
}

void zone_end(msgpack_zone *zone)
{
    zone_clear(zone);
    msgpack_zone_destroy(zone);
}

bool set(void *db, const char *key, const char *val)
{
    return op.set(db, key, (uint32_t)strlen(key), val, (uint32_t)strlen(val));
}

bool has_bytes(void *db, const char *key, size_t keylen, const char *val, size_t vallen)
{
    msgpack_zone zone = zone_new();
    uint32_t len = 12345;
    const char *found;
    bool good;
    error_code = 0;
    found = op.get(db, key, (uint32_t)keylen, &len, &zone);
    good = val == NULL ? found == NULL && error_code == 0
                       : found != NULL && len == vallen && memcmp(found, val, vallen) == 0;
    zone_end(&zone);
    return good;
}

bool has(void *db, const char *key, const char *val)
{
    return has_bytes(db, key, strlen(key), val, val == NULL ? 0 : strlen(val));
}

bool ask(void *casdata, const char *oldval, size_t oldvallen)
{
    asked *a = casdata;
    a->times++;
    a->oldvallen = oldvallen;
    memcpy(a->oldval, oldval, oldvallen < sizeof a->oldval ? oldvallen : sizeof a->oldval);
    return a->answer;
}

bool was_asked_about(const asked *a, const char *val)
{
    return a->times == 1 && a->oldvallen == strlen(val) &&
           memcmp(a->oldval, val, a->oldvallen) == 0;
}

bool update(void *db, const char *key, const char *val, asked *a)
{
    return op.update(db, key, (uint32_t)strlen(key), val, (uint32_t)strlen(val), ask, a);
}

bool del(void *db, const char *key, asked *a)
{
    return op.del(db, key, (uint32_t)strlen(key), ask, a);
}

bool del_force(void *db, const char *key)
{
    asked a = {.answer = true};
    return del(db, key, &a);
}

void scan_fill(void *db)
{
    char key[32], val[32];
    int i;
    for (i = 0; i < SCANNED; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(val, sizeof val, "value %d", i);
        CHECK(set(db, key, val));
    }
}

int scan_number(void *it)
{
    char key[32] = "", val[32], expected[32];
    size_t keylen = op.iterator_keylen(it), vallen = op.iterator_vallen(it);
    int n = -1;
    if (keylen < sizeof key && vallen < sizeof val) {
        memcpy(key, op.iterator_key(it), keylen);
        memcpy(val, op.iterator_val(it), vallen);
        val[vallen] = '\0';
        if (sscanf(key, "key %d", &n) != 1 || n < 0 || n >= SCANNED) {
            return -1;
        }
        snprintf(expected, sizeof expected, "value %d", n);
        return strcmp(val, expected) == 0 ? n : -1;
    }
    return -1;
}

int visit(void *user, void *it)
{
    scan *s = user;
    int n = scan_number(it);
    CHECK(n >= 0);
    if (n >= 0) {
        s->seen[n]++;
    }
    return ++s->visited == s->stop_after ? s->stop_with : 0;
}

bool saw_each_once(const scan *s)
{
    int i;
    for (i = 0; i < SCANNED && s->seen[i] == 1; i++) {
    }
    return i == SCANNED && s->visited == SCANNED;
}
