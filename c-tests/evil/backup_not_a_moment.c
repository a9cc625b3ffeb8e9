/* backup copies record by record while writes go on: no one moment has them all. */
#include "log.h"

static int copy_slowly(void *user, void *it)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    return log_copy(user, it);
}

static bool backup_slowly(void *l, const char *dst)
{
    char tmp[4096];
    int fd;
    bool done;
    snprintf(tmp, sizeof tmp, "%s.tmp", dst);
    unlink(tmp);
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    done = fd >= 0 && for_each(l, &fd, copy_slowly) >= 0 && fsync(fd) == 0 &&
           access(dst, F_OK) != 0 && rename(tmp, dst) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!done) {
        unlink(tmp);
        base_host->set_error(KUMO_ERROR_IO, "cannot write the backup");
    }
    return done;
}

SPOILED_LOG("backup_not_a_moment", op->backup = backup_slowly;)
