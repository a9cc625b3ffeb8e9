/* Tokyo Cabinet's hash database, by its direct API. */
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>
#include <tchdb.h>

static bool failed(TCHDB *db, const char *what)
{
    fprintf(stderr, "Tokyo Cabinet: %s: %s\n", what, tchdberrmsg(tchdbecode(db)));
    return false;
}

static const char *version(void)
{
    return tcversion;
}

/* Twice as many buckets as records, and all of the file mapped. */
static void *open_db(const char *directory, uint64_t records)
{
    char path[4096];
    TCHDB *db = tchdbnew();
    snprintf(path, sizeof path, "%s/db.tch", directory);
    if (tchdbsetmutex(db) && tchdbtune(db, (int64_t)records * 2, -1, -1, 0) &&
        tchdbsetxmsiz(db, INT64_C(4) << 30) && tchdbopen(db, path, HDBOWRITER | HDBOCREAT))
        return db;
    failed(db, "open");
    tchdbdel(db);
    return NULL;
}

static bool close_db(void *db)
{
    bool done = tchdbclose(db) || failed(db, "close");
    tchdbdel(db);
    return done;
}

static void *begin(void *db)
{
    return db;
}

static void end(void *db)
{
    (void)db;
}

static bool set(void *db, const char *key, size_t key_len, const char *value, size_t value_len)
{
    return tchdbput(db, key, (int)key_len, value, (int)value_len) || failed(db, "put");
}

static int not_found(TCHDB *db, const char *what)
{
    return tchdbecode(db) == TCENOREC ? 0 : (failed(db, what), -1);
}

static int get(void *db, const char *key, size_t key_len, take_value take, void *context)
{
    int len;
    char *value = tchdbget(db, key, (int)key_len, &len);
    if (value == NULL)
        return not_found(db, "get");
    take(context, value, (size_t)len);
    free(value);
    return 1;
}

static int del(void *db, const char *key, size_t key_len)
{
    return tchdbout(db, key, (int)key_len) ? 1 : not_found(db, "out");
}

static bool each(void *db, take_record take, void *context)
{
    TCXSTR *key = tcxstrnew(), *value = tcxstrnew();
    bool begun = tchdbiterinit(db);
    while (begun && tchdbiternext3(db, key, value))
        take(context, tcxstrptr(key), (size_t)tcxstrsize(key), tcxstrptr(value),
             (size_t)tcxstrsize(value));
    tcxstrdel(key);
    tcxstrdel(value);
    return (begun && tchdbecode(db) == TCENOREC) || failed(db, "iterate");
}

static bool sync_db(void *db)
{
    return tchdbsync(db) || failed(db, "sync");
}

const struct peer peer_tokyocabinet = {version, open_db, close_db, begin, end,    set,
                                       get,     NULL,    del,      each,  sync_db};
