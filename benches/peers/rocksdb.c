/* RocksDB: a write-ahead log that is not synced, Bloom filters, a cache of 512
 * MiB, no compression. */
#include "peer.h"
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most keys that are asked for at once. */
enum { MOST = 64 };

struct db {
    rocksdb_t *db;
    rocksdb_writeoptions_t *writing;
    rocksdb_readoptions_t *reading;
};

static bool done(char *error, const char *what)
{
    if (error != NULL)
        fprintf(stderr, "RocksDB: %s: %s\n", what, error);
    rocksdb_free(error);
    return error == NULL;
}

/* Its C API does not tell; the build does. */
static const char *version(void)
{
    return ROCKSDB_VERSION;
}

static void *open_db(const char *directory, uint64_t records)
{
    struct db *db = malloc(sizeof *db);
    char *error = NULL;
    (void)records;
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_block_cache(table, rocksdb_cache_create_lru((size_t)512 << 20));
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_increase_parallelism(options, 2);
    rocksdb_options_set_block_based_table_factory(options, table);
    db->db = rocksdb_open(options, directory, &error);
    db->writing = rocksdb_writeoptions_create();
    db->reading = rocksdb_readoptions_create();
    rocksdb_options_destroy(options);
    return done(error, "open") ? db : NULL;
}

static bool close_db(void *data)
{
    struct db *db = data;
    rocksdb_close(db->db);
    rocksdb_writeoptions_destroy(db->writing);
    rocksdb_readoptions_destroy(db->reading);
    free(db);
    return true;
}

static void *begin(void *db)
{
    return db;
}

static void end(void *db)
{
    (void)db;
}

static bool set(void *data, const char *key, size_t key_len, const char *value, size_t value_len)
{
    struct db *db = data;
    char *error = NULL;
    rocksdb_put(db->db, db->writing, key, key_len, value, value_len, &error);
    return done(error, "put");
}

static int get(void *data, const char *key, size_t key_len, take_value take, void *context)
{
    struct db *db = data;
    char *error = NULL;
    size_t len;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned(db->db, db->reading, key, key_len, &error);
    if (!done(error, "get"))
        return -1;
    if (pinned == NULL)
        return 0;
    const char *value = rocksdb_pinnableslice_value(pinned, &len);
    take(context, value, len);
    rocksdb_pinnableslice_destroy(pinned);
    return 1;
}

static bool get_many(void *data, size_t num, const char *const *keys, const size_t *key_lens,
                     take_nth take, void *context)
{
    struct db *db = data;
    char *values[MOST], *errors[MOST];
    size_t lens[MOST];
    bool all = num <= MOST;
    if (!all)
        return false;
    rocksdb_multi_get(db->db, db->reading, num, keys, key_lens, values, lens, errors);
    for (size_t n = 0; n < num; n++) {
        all = done(errors[n], "multi get") && all;
        if (values[n] != NULL)
            take(context, n, values[n], lens[n]);
        rocksdb_free(values[n]);
    }
    return all;
}

/* It does not tell whether the key was there. */
static int del(void *data, const char *key, size_t key_len)
{
    struct db *db = data;
    char *error = NULL;
    rocksdb_delete(db->db, db->writing, key, key_len, &error);
    return done(error, "delete") ? 1 : -1;
}

static bool each(void *data, take_record take, void *context)
{
    struct db *db = data;
    char *error = NULL;
    rocksdb_iterator_t *it = rocksdb_create_iterator(db->db, db->reading);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t key_len, value_len;
        const char *key = rocksdb_iter_key(it, &key_len);
        const char *value = rocksdb_iter_value(it, &value_len);
        take(context, key, key_len, value, value_len);
    }
    rocksdb_iter_get_error(it, &error);
    rocksdb_iter_destroy(it);
    return done(error, "iterate");
}

static bool sync_db(void *data)
{
    struct db *db = data;
    char *error = NULL;
    rocksdb_flush_wal(db->db, 1, &error);
    return done(error, "flush");
}

const struct peer peer_rocksdb = {version, open_db,  close_db, begin, end,    set,
                                  get,     get_many, del,      each,  sync_db};
