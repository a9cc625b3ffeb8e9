/* backup writes over what is at its .tmp, which may have another name. */
#include "log.h"

static bool backup_over(void *l, const char *dst)
{
    char tmp[4096];
    int fd;
    bool done;
    snprintf(tmp, sizeof tmp, "%s.tmp", dst);
    pthread_mutex_lock(&log_lock);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    done = fd >= 0 && for_each(l, &fd, log_copy) >= 0 && fsync(fd) == 0 && link(tmp, dst) == 0;
    pthread_mutex_unlock(&log_lock);
    unlink(tmp);
    if (fd >= 0) {
        close(fd);
    }
    if (!done) {
        base_host->set_error(KUMO_ERROR_IO, "cannot write the backup");
    }
    return done;
}

SPOILED_LOG("backup_writes_over", op->backup = backup_over;)
