// Kyoto Cabinet's hash database. It has no checksums to turn on.
#include "peer.h"
#include <cstdio>
#include <kchashdb.h>
#include <string>

using kyotocabinet::BasicDB;
using kyotocabinet::DB;
using kyotocabinet::HashDB;

static HashDB *as_db(void *db) { return static_cast<HashDB *>(db); }

static bool failed(void *db, const char *what)
{
    std::fprintf(stderr, "Kyoto Cabinet: %s: %s\n", what, as_db(db)->error().message());
    return false;
}

static const char *version() { return kyotocabinet::VERSION; }

static void *open_db(const char *directory, uint64_t records)
{
    auto *db = new HashDB;
    db->tune_buckets(static_cast<int64_t>(records) * 2);
    db->tune_map(INT64_C(4) << 30);
    if (db->open(std::string(directory) + "/db.kch", HashDB::OWRITER | HashDB::OCREATE))
        return db;
    failed(db, "open");
    delete db;
    return nullptr;
}

static bool close_db(void *db)
{
    bool done = as_db(db)->close() || failed(db, "close");
    delete as_db(db);
    return done;
}

static void *begin(void *db) { return db; }
static void end(void *) {}

static bool set(void *db, const char *key, size_t key_len, const char *value, size_t value_len)
{
    return as_db(db)->set(key, key_len, value, value_len) || failed(db, "set");
}

// The value is looked at where it is.
static int get(void *db, const char *key, size_t key_len, take_value take, void *context)
{
    struct Take : DB::Visitor {
        take_value take;
        void *context;
        int found = 0;
        const char *visit_full(const char *, size_t, const char *value, size_t len,
                               size_t *) override
        {
            take(context, value, len);
            found = 1;
            return NOP;
        }
    } visitor;
    visitor.take = take;
    visitor.context = context;
    if (!as_db(db)->accept(key, key_len, &visitor, false)) {
        failed(db, "accept");
        return -1;
    }
    return visitor.found;
}

static int del(void *db, const char *key, size_t key_len)
{
    if (as_db(db)->remove(key, key_len))
        return 1;
    if (as_db(db)->error() == BasicDB::Error::NOREC)
        return 0;
    failed(db, "remove");
    return -1;
}

static bool each(void *db, take_record take, void *context)
{
    struct Take : DB::Visitor {
        take_record take;
        void *context;
        const char *visit_full(const char *key, size_t key_len, const char *value, size_t len,
                               size_t *) override
        {
            take(context, key, key_len, value, len);
            return NOP;
        }
    } visitor;
    visitor.take = take;
    visitor.context = context;
    return as_db(db)->iterate(&visitor, false) || failed(db, "iterate");
}

static bool sync_db(void *db) { return as_db(db)->synchronize(true) || failed(db, "synchronize"); }

extern "C" const peer peer_kyotocabinet = {version, open_db, close_db, begin, end,    set,
                                           get,     nullptr, del,      each,  sync_db};
