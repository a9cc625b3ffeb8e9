/*
 * The directory as a whole: it is locked, swept, flushed.
 *
 *     .fs_engine/lock       held by the process that serves the directory
 *     .fs_engine/flush      up to which CAS items were flushed, and when all will be
 *     .fs_engine/N.tmp      a file that is being written
 *
 * A flush is a number: every item whose CAS is not greater is gone at once. The files are
 * removed after that, and what a killed process leaves of them, when they are next seen.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#define _DEFAULT_SOURCE /* flock */
#define _POSIX_C_SOURCE 200809L

#include "fs_engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_FILE FS_OWN "/flush"

static bool complain(fs_engine *e, const char *what, const char *why)
{
    FS_LOG(e, EXTENSION_LOG_WARNING, "fs_engine: %s: %s: %s", e->path, what, why);
    return false;
}

static bool has_end(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

/* ---- the sweep ---- */

static void sweep_file(fs_engine *e, const char *path, bool start)
{
    fs_meta meta;
    size_t size;
    pthread_mutex_t *lock;
    if (fs_file_read(e, path, &meta, &size, NULL) != FS_FOUND) {
        return;
    }
    if (start) { /* nobody else is here yet */
        FS_ADD(e->stats.items, 1);
        FS_ADD(e->stats.bytes, size);
        if (meta.cas > e->cas) {
            e->cas = meta.cas;
        }
    }
    if (!fs_dead(e, &meta)) {
        return;
    }
    lock = fs_lock_of(e, path);
    pthread_mutex_lock(lock);
    fs_look(e, path, NULL);
    pthread_mutex_unlock(lock);
}

static void sweep_directory(fs_engine *e, const char *path, bool start)
{
    const struct dirent *entry;
    DIR *dir;
    int fd = openat(e->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return;
    }
    dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        char inner[FS_PATH_MAX];
        int n = strcmp(path, ".") == 0
                    ? snprintf(inner, sizeof inner, "%s", entry->d_name)
                    : snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || n >= FS_PATH_MAX) {
            continue;
        }
        if (fs_name_is_part(entry->d_name)) {
            sweep_directory(e, inner, start);
            if (start) { /* later, a writer might be about to use it */
                unlinkat(e->dir, inner, AT_REMOVEDIR);
            }
        } else {
            sweep_file(e, inner, start);
        }
    }
    closedir(dir);
}

void fs_directory_sweep(fs_engine *e, bool start)
{
    sweep_directory(e, ".", start);
}

/* ---- flush ---- */

/* In this file's place, a new one: as with items, it is the one or the other. */
static bool write_flush(fs_engine *e, uint64_t cas, int64_t at)
{
    const char *tmp = FS_OWN "/flush.tmp";
    char text[64];
    int n = snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 "\n", cas, at);
    int fd = openat(e->dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool well = fd >= 0 && write(fd, text, (size_t)n) == n && (!e->sync || fsync(fd) == 0);
    if (fd >= 0) {
        close(fd);
    }
    if (!well || renameat(e->dir, tmp, e->dir, FLUSH_FILE) != 0) {
        return complain(e, FLUSH_FILE, strerror(errno));
    }
    return true;
}

static void read_flush(fs_engine *e)
{
    char text[64];
    int fd = openat(e->dir, FLUSH_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (n > 0) {
        text[n] = '\0';
        if (sscanf(text, "%" SCNu64 " %" SCNd64, &e->flush_cas, &e->flush_at) != 2) {
            complain(e, FLUSH_FILE, "is damaged, and ignored");
            e->flush_cas = 0;
            e->flush_at = 0;
        }
    }
}

/* Under the lock. It is on the disk before anybody acts on it. */
static bool set_flush(fs_engine *e, uint64_t cas, int64_t at)
{
    if (!write_flush(e, cas, at)) {
        return false;
    }
    __atomic_store_n(&e->flush_cas, cas, __ATOMIC_SEQ_CST);
    __atomic_store_n(&e->flush_at, at, __ATOMIC_SEQ_CST);
    return true;
}

ENGINE_ERROR_CODE fs_directory_flush(fs_engine *e, time_t when)
{
    int64_t at = when == 0 ? 0 : e->server->core->abstime(e->server->core->realtime(when));
    bool well, now = at <= fs_now(e);
    pthread_mutex_lock(&e->flush_lock);
    well = now ? set_flush(e, FS_READ(e->cas), 0) : set_flush(e, e->flush_cas, at);
    pthread_mutex_unlock(&e->flush_lock);
    if (!well) {
        FS_ADD(e->stats.failures, 1);
        return ENGINE_TMPFAIL;
    }
    if (now) {
        fs_directory_sweep(e, false);
    }
    return ENGINE_SUCCESS;
}

void fs_directory_flush_due(fs_engine *e)
{
    int64_t at = FS_READ(e->flush_at);
    bool mine = false;
    if (at == 0 || at > fs_now(e)) {
        return;
    }
    pthread_mutex_lock(&e->flush_lock);
    if (e->flush_at == at) {
        mine = set_flush(e, FS_READ(e->cas), 0);
    }
    pthread_mutex_unlock(&e->flush_lock);
    if (mine) {
        fs_directory_sweep(e, false);
    }
}

/* ---- open and close ---- */

static void remove_leftovers(fs_engine *e)
{
    const struct dirent *entry;
    int fd = openat(e->dir, FS_OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (has_end(entry->d_name, ".tmp")) {
            unlinkat(fd, entry->d_name, 0);
        }
    }
    closedir(dir);
}

bool fs_directory_open(fs_engine *e)
{
    struct timespec now;
    if (mkdir(e->path, 0777) != 0 && errno != EEXIST) {
        return complain(e, "mkdir", strerror(errno));
    }
    e->dir = open(e->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->dir < 0) {
        return complain(e, "open", strerror(errno));
    }
    if (mkdirat(e->dir, FS_OWN, 0777) != 0 && errno != EEXIST) {
        return complain(e, FS_OWN, strerror(errno));
    }
    e->lock = openat(e->dir, FS_OWN "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (e->lock < 0) {
        return complain(e, FS_OWN "/lock", strerror(errno));
    }
    if (flock(e->lock, LOCK_EX | LOCK_NB) != 0) {
        return complain(e, FS_OWN "/lock",
                        errno == EWOULDBLOCK ? "another server uses this directory"
                                             : strerror(errno));
    }
    remove_leftovers(e);
    read_flush(e);
    /* Greater than what was given before, also to items that have been removed since. */
    clock_gettime(CLOCK_REALTIME, &now);
    e->cas = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    if (e->cas < e->flush_cas) {
        e->cas = e->flush_cas;
    }
    fs_directory_sweep(e, true);
    fs_directory_flush_due(e);
    return true;
}

void fs_directory_close(fs_engine *e)
{
    if (e->lock >= 0) {
        close(e->lock);
    }
    if (e->dir >= 0) {
        close(e->dir);
    }
}
