/*
 * The backup of tchdb: a copy of the file at one moment.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * With the writers' lock, so it is one moment, between two transactions. Not tchdbcopy:
 * that one opens and closes the file, which gives up its lock.
 */
static bool copy(engine *e, int fd, const char *tmp)
{
    enum { CHUNK = 1 << 20 };
    char *buffer = malloc(CHUNK);
    uint64_t at, size = e->hdb->fsiz;
    if (buffer == NULL) {
        return engine_fail_memory();
    }
    for (at = 0; at < size;) {
        size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK, done = 0;
        if (!engine_read_at(e->fd, buffer, n, at)) {
            free(buffer);
            return engine_fail_os(errno, "read", e->path);
        }
        if (at == 0) {
            buffer[FLAGS_AT] &= (char)~HDBFOPEN; /* n is more: the header alone is */
        }
        while (done < n) {
            ssize_t wrote = write(fd, buffer + done, n - done);
            if (wrote < 0 && errno != EINTR) {
                free(buffer);
                return engine_fail_os(errno, "write", tmp);
            }
            done += wrote > 0 ? (size_t)wrote : 0;
        }
        at += n;
    }
    free(buffer);
    return true;
}

/* A new name in a directory is on the disk once the directory is. */
static bool sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = engine_suffixed(slash == NULL ? "." : path, "");
    int fd;
    bool good;
    if (dir == NULL) {
        return false;
    }
    if (slash != NULL) {
        dir[slash == path ? 1 : slash - path] = '\0';
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = (fd >= 0 && fsync(fd) == 0) || engine_fail_os(errno, "sync the directory", dir);
    if (fd >= 0) {
        close(fd);
    }
    free(dir);
    return good;
}

static bool write_copy(engine *e, const char *tmp, const char *dst)
{
    struct stat st;
    bool good;
    int fd;
    if (unlink(tmp) != 0 && errno != ENOENT) { /* left by a backup that was killed */
        return engine_fail_os(errno, "remove", tmp);
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return engine_fail_os(errno, "create", tmp);
    }
    pthread_mutex_lock(&e->writers);
    good = !e->broken ||
           engine_fail(KUMO_ERROR_IO, "tchdb: %s cannot be copied: a change of it failed",
                       e->path);
    good = good && copy(e, fd, tmp);
    pthread_mutex_unlock(&e->writers);
    if (good && (fstat(e->fd, &st) != 0 || fchmod(fd, st.st_mode & 0777) != 0 ||
                 fsync(fd) != 0)) {
        good = engine_fail_os(errno, "write", tmp);
    }
    if (close(fd) != 0 && good) {
        good = engine_fail_os(errno, "write", tmp);
    }
    if (good && link(tmp, dst) != 0) { /* unlike rename, it does not replace */
        good = engine_fail_os(errno, "create", dst);
    }
    unlink(tmp);
    if (good && !sync_directory_of(dst)) {
        unlink(dst);
        good = false;
    }
    return good;
}

bool kumo_tchdb_backup(void *data, const char *dstpath)
{
    struct stat st;
    char *tmp;
    bool good;
    if (strchr(dstpath, '#') != NULL) {
        return engine_fail(KUMO_ERROR_INVALID,
                           "tchdb: %s could not be opened again; remove the #", dstpath);
    }
    if (lstat(dstpath, &st) == 0) { /* link would tell, but only when all is written */
        return engine_fail_os(EEXIST, "create", dstpath);
    }
    tmp = engine_suffixed(dstpath, ".tmp");
    good = tmp != NULL && write_copy(data, tmp, dstpath);
    free(tmp);
    return good;
}
