/* set takes two locks, in an order that depends on the key: two threads wait for each other. */
#include "base.h"

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static bool update_two(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                       kumo_storage_casproc proc, void *arg)
{
    int first = klen > 0 ? key[klen - 1] & 1 : 0;
    bool done;
    pthread_mutex_lock(&locks[first]);
    gap();
    pthread_mutex_lock(&locks[!first]);
    done = update(l, key, klen, val, vlen, proc, arg);
    pthread_mutex_unlock(&locks[!first]);
    pthread_mutex_unlock(&locks[first]);
    return done;
}

static bool set_two(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_two(l, key, klen, val, vlen, NULL, NULL);
}

SPOILED_PLUGIN("deadlocks", op->set = set_two; op->update = update_two;)
