/*
 * A module of kumofs's kind in C++: msgpack-c's own header, a std::map under a lock, the
 * table as a positional initialiser. Nothing is thrown through it. msgpack_zone_push_finalizer_expand is left undefined,
 * for the host to have.
 */
#include <msgpack.h>
#include <kumo_storage.h>

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>

namespace {

typedef std::shared_ptr<const std::string> text;

struct db {
    std::mutex lock;
    std::map<std::string, text> records;
};

struct cursor {
    db *in;
    const std::string &key;
    const text &val;
};

/* The zone shares the value until it is cleared. */
void drop(void *shared) { delete static_cast<text *>(shared); }

const char *hand_out(const text &val, msgpack_zone *zone)
{
    text *shared = new text(val);
    if (!msgpack_zone_push_finalizer(zone, drop, shared)) {
        delete shared;
        return NULL;
    }
    return val->data();
}

void *kumo_cxx_create()
try {
    return new db;
} catch (const std::bad_alloc &) {
    return NULL;
}

void kumo_cxx_free(void *data) { delete static_cast<db *>(data); }
bool kumo_cxx_open(void *, const char *) { return true; }
void kumo_cxx_close(void *) {}

text find(void *data, const char *key, uint32_t keylen)
{
    db *d = static_cast<db *>(data);
    std::lock_guard<std::mutex> guard(d->lock);
    std::map<std::string, text>::iterator at = d->records.find(std::string(key, keylen));
    return at == d->records.end() ? text() : at->second;
}

const char *kumo_cxx_get(void *data, const char *key, uint32_t keylen, uint32_t *result_vallen,
                         msgpack_zone *zone)
try {
    text val = find(data, key, keylen);
    if (!val) {
        return NULL;
    }
    *result_vallen = static_cast<uint32_t>(val->size());
    return hand_out(val, zone);
} catch (const std::bad_alloc &) {
    return NULL;
}

/* As two of the original's modules: 0 for what is absent. */
int32_t kumo_cxx_get_header(void *data, const char *key, uint32_t keylen, char *result_val,
                            uint32_t vallen)
try {
    text val = find(data, key, keylen);
    return val ? static_cast<int32_t>(val->copy(result_val, vallen)) : 0;
} catch (const std::bad_alloc &) {
    return -1;
}

bool change(void *data, const std::string &key, const text &val, kumo_storage_casproc proc,
            void *casdata)
{
    db *d = static_cast<db *>(data);
    std::lock_guard<std::mutex> guard(d->lock);
    std::map<std::string, text>::iterator at = d->records.find(key);
    if (at == d->records.end() ? !val
                               : proc && !proc(casdata, at->second->data(), at->second->size())) {
        return false;
    }
    if (val) {
        d->records[key] = val;
    } else {
        d->records.erase(at);
    }
    return true;
}

bool kumo_cxx_update(void *data, const char *key, uint32_t keylen, const char *val,
                     uint32_t vallen, kumo_storage_casproc proc, void *casdata)
try {
    return change(data, std::string(key, keylen), std::make_shared<std::string>(val, vallen), proc,
                  casdata);
} catch (const std::bad_alloc &) {
    return false;
}

bool kumo_cxx_set(void *data, const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    return kumo_cxx_update(data, key, keylen, val, vallen, NULL, NULL);
}

bool kumo_cxx_del(void *data, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                  void *casdata)
try {
    return change(data, std::string(key, keylen), text(), proc, casdata);
} catch (const std::bad_alloc &) {
    return false;
}

uint64_t kumo_cxx_rnum(void *data)
{
    db *d = static_cast<db *>(data);
    std::lock_guard<std::mutex> guard(d->lock);
    return d->records.size();
}

bool kumo_cxx_backup(void *, const char *) { return false; }
const char *kumo_cxx_error(void *) { return "unknown error"; }

/* Of a copy: the values are shared. */
int kumo_cxx_for_each(void *data, void *user, int (*func)(void *user, void *iterator_data))
{
    db *d = static_cast<db *>(data);
    std::map<std::string, text> records;
    int result = 0;
    try {
        std::lock_guard<std::mutex> guard(d->lock);
        records = d->records;
    } catch (const std::bad_alloc &) {
        return -1;
    }
    for (std::map<std::string, text>::iterator at = records.begin();
         at != records.end() && result >= 0; ++at) {
        cursor c = {d, at->first, at->second};
        result = func(user, &c);
    }
    return result;
}

const char *kumo_cxx_iterator_key(void *it) { return static_cast<cursor *>(it)->key.data(); }
const char *kumo_cxx_iterator_val(void *it) { return static_cast<cursor *>(it)->val->data(); }
size_t kumo_cxx_iterator_keylen(void *it) { return static_cast<cursor *>(it)->key.size(); }
size_t kumo_cxx_iterator_vallen(void *it) { return static_cast<cursor *>(it)->val->size(); }

const char *kumo_cxx_iterator_release_key(void *it, msgpack_zone *zone)
try {
    return hand_out(std::make_shared<std::string>(static_cast<cursor *>(it)->key), zone);
} catch (const std::bad_alloc &) {
    return NULL;
}

const char *kumo_cxx_iterator_release_val(void *it, msgpack_zone *zone)
try {
    return hand_out(static_cast<cursor *>(it)->val, zone);
} catch (const std::bad_alloc &) {
    return NULL;
}

bool kumo_cxx_iterator_del(void *it, kumo_storage_casproc proc, void *casdata)
{
    cursor *c = static_cast<cursor *>(it);
    return change(c->in, c->key, text(), proc, casdata); /* a delete takes no memory */
}

bool kumo_cxx_iterator_del_force(void *it) { return kumo_cxx_iterator_del(it, NULL, NULL); }

kumo_storage_op kumo_cxx_op = {
    kumo_cxx_create,
    kumo_cxx_free,
    kumo_cxx_open,
    kumo_cxx_close,
    kumo_cxx_get,
    kumo_cxx_get_header,
    kumo_cxx_set,
    kumo_cxx_del,
    kumo_cxx_update,
    NULL,
    kumo_cxx_rnum,
    kumo_cxx_backup,
    kumo_cxx_error,
    kumo_cxx_for_each,
    kumo_cxx_iterator_key,
    kumo_cxx_iterator_val,
    kumo_cxx_iterator_keylen,
    kumo_cxx_iterator_vallen,
    kumo_cxx_iterator_release_key,
    kumo_cxx_iterator_release_val,
    kumo_cxx_iterator_del,
    kumo_cxx_iterator_del_force,
};

}

kumo_storage_op kumo_storage_init(void)
{
    return kumo_cxx_op;
}
