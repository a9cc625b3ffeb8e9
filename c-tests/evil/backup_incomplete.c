/* backup has all records but one. */
#include "log.h"

static int copy_but_one(void *user, void *it)
{
    int *fd = user;
    if (*fd < 0) { /* the first */
        *fd = -*fd;
        return 0;
    }
    return log_copy(user, it);
}

static bool backup_but_one(void *l, const char *dst)
{
    int fd = open(dst, O_WRONLY | O_CREAT | O_EXCL, 0600), minus = -fd;
    bool done;
    if (fd < 0) {
        return false;
    }
    pthread_mutex_lock(&log_lock);
    done = for_each(l, &minus, copy_but_one) >= 0;
    pthread_mutex_unlock(&log_lock);
    close(fd);
    return done;
}

SPOILED_LOG("backup_incomplete", op->backup = backup_but_one;)
