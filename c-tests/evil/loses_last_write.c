/* close loses the write before it. */
#include "log.h"

static bool update_marks(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg);
static off_t mark; /* where the last write begins */

static bool update_marks(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg)
{
    mark = lseek(log_find(l)->fd, 0, SEEK_CUR);
    return log_update(l, key, klen, val, vlen, proc, arg);
}

static bool set_marks(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_marks(l, key, klen, val, vlen, NULL, NULL);
}

static void close_loses(void *l)
{
    if (mark > 0 && ftruncate(log_find(l)->fd, mark) != 0) {
        abort();
    }
    mark = 0;
    log_close(l);
}

SPOILED_LOG("loses_last_write", op->set = set_marks; op->update = update_marks;
            op->close = close_loses;)
