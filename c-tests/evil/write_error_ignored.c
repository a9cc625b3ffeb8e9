/* Whether a write to the file succeeds, it does not ask. */
#include "log.h"

static bool update_blindly(void *l, const char *key, uint32_t klen, const char *val,
                           uint32_t vlen, kumo_storage_casproc proc, void *arg)
{
    bool done;
    pthread_mutex_lock(&log_lock);
    done = update(l, key, klen, val, vlen, proc, arg);
    if (done) {
        log_append(log_find(l)->fd, key, klen, val, vlen);
    }
    pthread_mutex_unlock(&log_lock);
    return done;
}

static bool set_blindly(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_blindly(l, key, klen, val, vlen, NULL, NULL);
}

SPOILED_LOG("write_error_ignored", op->set = set_blindly; op->update = update_blindly;)
