/* What the tests do all the time. */
#include "test.h"

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
