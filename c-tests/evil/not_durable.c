/* Writes reach the file when it is closed, and not before. */
#include "log.h"

static char stored_at[4096];

static bool open_late(void *l, const char *path)
{
    snprintf(stored_at, sizeof stored_at, "%s", path);
    return log_open(l, path);
}

static void close_late(void *l)
{
    if (ftruncate(log_find(l)->fd, 0) != 0 || lseek(log_find(l)->fd, 0, SEEK_SET) != 0 ||
        for_each(l, &log_find(l)->fd, log_copy) < 0) {
        abort();
    }
    log_close(l);
}

SPOILED_LOG("not_durable", op->open = open_late; op->close = close_late; op->set = set;
            op->update = update; op->del = del;)
