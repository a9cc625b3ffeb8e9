/* LMDB: a transaction for each write, not synced, through a writable mapping;
 * a session has a read transaction that is renewed for each read. */
#include "peer.h"
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

struct db {
    MDB_env *env;
    MDB_dbi dbi;
};

struct session {
    struct db *db;
    MDB_txn *reading;
};

static bool done(int code, const char *what)
{
    if (code != 0)
        fprintf(stderr, "LMDB: %s: %s\n", what, mdb_strerror(code));
    return code == 0;
}

static const char *version(void)
{
    return mdb_version(NULL, NULL, NULL);
}

static void *open_db(const char *directory, uint64_t records)
{
    struct db *db = malloc(sizeof *db);
    MDB_txn *txn;
    (void)records;
    if (done(mdb_env_create(&db->env), "create") &&
        done(mdb_env_set_mapsize(db->env, (size_t)64 << 30), "map size") &&
        done(mdb_env_open(db->env, directory, MDB_NOSYNC | MDB_WRITEMAP | MDB_NOTLS, 0644), "open") &&
        done(mdb_txn_begin(db->env, NULL, 0, &txn), "begin") &&
        done(mdb_dbi_open(txn, NULL, 0, &db->dbi), "dbi") && done(mdb_txn_commit(txn), "commit"))
        return db;
    return NULL;
}

static bool close_db(void *data)
{
    struct db *db = data;
    mdb_env_close(db->env);
    free(db);
    return true;
}

static void *begin(void *db)
{
    struct session *session = malloc(sizeof *session);
    session->db = db;
    if (!done(mdb_txn_begin(session->db->env, NULL, MDB_RDONLY, &session->reading), "begin"))
        return NULL;
    mdb_txn_reset(session->reading);
    return session;
}

static void end(void *data)
{
    struct session *session = data;
    mdb_txn_abort(session->reading);
    free(session);
}

static bool set(void *data, const char *key, size_t key_len, const char *value, size_t value_len)
{
    struct session *session = data;
    MDB_val k = {key_len, (void *)key}, v = {value_len, (void *)value};
    MDB_txn *txn;
    return done(mdb_txn_begin(session->db->env, NULL, 0, &txn), "begin") &&
           done(mdb_put(txn, session->db->dbi, &k, &v, 0), "put") &&
           done(mdb_txn_commit(txn), "commit");
}

static int get(void *data, const char *key, size_t key_len, take_value take, void *context)
{
    struct session *session = data;
    MDB_val k = {key_len, (void *)key}, v;
    if (!done(mdb_txn_renew(session->reading), "renew"))
        return -1;
    int code = mdb_get(session->reading, session->db->dbi, &k, &v);
    if (code == 0)
        take(context, v.mv_data, v.mv_size);
    mdb_txn_reset(session->reading);
    return code == MDB_NOTFOUND ? 0 : done(code, "get") ? 1 : -1;
}

static int del(void *data, const char *key, size_t key_len)
{
    struct session *session = data;
    MDB_val k = {key_len, (void *)key};
    MDB_txn *txn;
    if (!done(mdb_txn_begin(session->db->env, NULL, 0, &txn), "begin"))
        return -1;
    int code = mdb_del(txn, session->db->dbi, &k, NULL);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code == MDB_NOTFOUND ? 0 : (done(code, "del"), -1);
    }
    return done(mdb_txn_commit(txn), "commit") ? 1 : -1;
}

static bool each(void *data, take_record take, void *context)
{
    struct session *session = data;
    MDB_cursor *cursor;
    MDB_val k, v;
    int code;
    if (!done(mdb_txn_renew(session->reading), "renew") ||
        !done(mdb_cursor_open(session->reading, session->db->dbi, &cursor), "cursor"))
        return false;
    while ((code = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0)
        take(context, k.mv_data, k.mv_size, v.mv_data, v.mv_size);
    mdb_cursor_close(cursor);
    mdb_txn_reset(session->reading);
    return code == MDB_NOTFOUND || done(code, "iterate");
}

static bool sync_db(void *data)
{
    struct db *db = data;
    return done(mdb_env_sync(db->env, 1), "sync");
}

const struct peer peer_lmdb = {version, open_db, close_db, begin, end,    set,
                               get,     NULL,    del,      each,  sync_db};
