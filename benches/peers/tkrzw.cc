// Tkrzw's hash database, updated in place; plain, and with CRC-32.
#include "peer.h"
#include <cstdio>
#include <string>
#include <tkrzw_dbm_hash.h>
#include <tkrzw_lib_common.h>

using tkrzw::DBM;
using tkrzw::HashDBM;
using tkrzw::Status;
using std::string_view;

static HashDBM *as_db(void *db) { return static_cast<HashDBM *>(db); }

static bool done(const Status &status, const char *what)
{
    if (status == Status::SUCCESS)
        return true;
    std::fprintf(stderr, "Tkrzw: %s: %s\n", what, tkrzw::ToString(status).c_str());
    return false;
}

static const char *version() { return tkrzw::PACKAGE_VERSION; }

static void *open_db(const char *directory, uint64_t records, HashDBM::RecordCRCMode crc)
{
    HashDBM::TuningParameters tuning;
    tuning.num_buckets = static_cast<int64_t>(records) * 2;
    tuning.record_crc_mode = crc;
    auto *db = new HashDBM;
    if (done(db->OpenAdvanced(std::string(directory) + "/db.tkh", true, 0, tuning), "open"))
        return db;
    delete db;
    return nullptr;
}

static void *open_plain(const char *directory, uint64_t records)
{
    return open_db(directory, records, HashDBM::RECORD_CRC_NONE);
}

static void *open_crc(const char *directory, uint64_t records)
{
    return open_db(directory, records, HashDBM::RECORD_CRC_32);
}

static bool close_db(void *db)
{
    bool closed = done(as_db(db)->Close(), "close");
    delete as_db(db);
    return closed;
}

static void *begin(void *db) { return db; }
static void end(void *) {}

static bool set(void *db, const char *key, size_t key_len, const char *value, size_t value_len)
{
    return done(as_db(db)->Set({key, key_len}, {value, value_len}), "set");
}

static int get(void *db, const char *key, size_t key_len, take_value take, void *context)
{
    struct Take : DBM::RecordProcessor {
        take_value take;
        void *context;
        int found = 0;
        string_view ProcessFull(string_view, string_view value) override
        {
            take(context, value.data(), value.size());
            found = 1;
            return NOOP;
        }
    } processor;
    processor.take = take;
    processor.context = context;
    return done(as_db(db)->Process({key, key_len}, &processor, false), "get") ? processor.found : -1;
}

static int del(void *db, const char *key, size_t key_len)
{
    Status status = as_db(db)->Remove({key, key_len});
    if (status == Status::NOT_FOUND_ERROR)
        return 0;
    return done(status, "remove") ? 1 : -1;
}

static bool each(void *db, take_record take, void *context)
{
    struct Take : DBM::RecordProcessor {
        take_record take;
        void *context;
        string_view ProcessFull(string_view key, string_view value) override
        {
            take(context, key.data(), key.size(), value.data(), value.size());
            return NOOP;
        }
    } processor;
    processor.take = take;
    processor.context = context;
    // Before the first record and behind the last it calls ProcessEmpty.
    return done(as_db(db)->ProcessEach(&processor, false), "iterate");
}

static bool sync_db(void *db) { return done(as_db(db)->Synchronize(true), "synchronize"); }

extern "C" const peer peer_tkrzw = {version, open_plain, close_db, begin, end,    set,
                                    get,     nullptr,    del,      each,  sync_db};
extern "C" const peer peer_tkrzw_crc = {version, open_crc, close_db, begin, end,    set,
                                        get,     nullptr,  del,      each,  sync_db};
