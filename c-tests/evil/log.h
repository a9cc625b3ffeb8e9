/*
 * What the bad plugins that keep a file share: the table of base.h, whose writes are
 * appended to a log and played back by open; and a backup, which is a second log. With
 * log_plugin() it is a good engine, slow and simple: one lock for all writes.
 */
#ifndef LOG_H
#define LOG_H

#include "base.h"

#include <fcntl.h>
#include <stdlib.h>

#define LOG_GONE UINT32_MAX /* for a value's length: a delete */

/* Which log is whose; a handful of instances is enough for a bad plugin. */
typedef struct log_of {
    void *list;
    int fd;
} log_of;

static log_of logs[64];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static log_of *log_find(void *list)
{
    int i;
    for (i = 0; i < 64 && logs[i].list != list; i++) {
    }
    return &logs[i % 64];
}

static bool log_append(int fd, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    size_t n = vlen == LOG_GONE ? 0 : vlen, size = 8 + klen + n;
    char *entry = malloc(size);
    bool done = false;
    if (entry != NULL) {
        memcpy(entry, &klen, 4);
        memcpy(entry + 4, &vlen, 4);
        memcpy(entry + 8, key, klen);
        memcpy(entry + 8 + klen, val, n);
        done = write(fd, entry, size) == (ssize_t)size;
    }
    free(entry);
    return done;
}

static bool log_read(int fd, char *to, size_t n)
{
    return read(fd, to, n) == (ssize_t)n;
}

static bool log_agree(void *casdata, const char *oldval, size_t oldvallen)
{
    (void)casdata, (void)oldval, (void)oldvallen;
    return true;
}

static bool log_open(void *data, const char *path)
{
    uint32_t head[2];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) {
        return false;
    }
    while (log_read(fd, (char *)head, 8)) {
        size_t n = head[1] == LOG_GONE ? 0 : head[1];
        char *bytes = malloc(head[0] + n + 1);
        if (bytes == NULL || !log_read(fd, bytes, head[0] + n)) {
            free(bytes);
            break;
        }
        if (head[1] == LOG_GONE) {
            del(data, bytes, head[0], log_agree, NULL);
        } else {
            set(data, bytes, head[0], bytes + head[0], head[1]);
        }
        free(bytes);
    }
    pthread_mutex_lock(&log_lock);
    *log_find(NULL) = (log_of){data, fd};
    pthread_mutex_unlock(&log_lock);
    return true;
}

static void log_close(void *data)
{
    pthread_mutex_lock(&log_lock);
    close(log_find(data)->fd);
    *log_find(data) = (log_of){NULL, 0};
    pthread_mutex_unlock(&log_lock);
}

/* A change: what is appended to the log once the host's comparison agrees. */
typedef struct log_change {
    int fd;
    const char *key;
    const char *val;
    uint32_t klen, vlen;
    kumo_storage_casproc proc;
    void *arg;
    bool asked, failed;
} log_change;

static bool log_write(log_change *c)
{
    c->failed = !log_append(c->fd, c->key, c->klen, c->val, c->vlen);
    if (c->failed) {
        base_host->set_error(KUMO_ERROR_IO, "cannot write the log");
    }
    return !c->failed;
}

static bool log_asked(void *change, const char *oldval, size_t oldvallen)
{
    log_change *c = change;
    c->asked = true;
    return (c->proc == NULL || c->proc(c->arg, oldval, oldvallen)) && log_write(c);
}

static bool log_update(void *data, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                       kumo_storage_casproc proc, void *arg)
{
    log_change c = {0, key, val, klen, vlen, proc, arg, false, false};
    bool done;
    pthread_mutex_lock(&log_lock);
    c.fd = log_find(data)->fd;
    done = update(data, key, klen, val, vlen, log_asked, &c);
    if (done && !c.asked && !log_write(&c)) {
        done = !del(data, key, klen, log_agree, NULL);
    }
    pthread_mutex_unlock(&log_lock);
    return done;
}

static bool log_set(void *data, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return log_update(data, key, klen, val, vlen, NULL, NULL);
}

static bool log_del(void *data, const char *key, uint32_t klen, kumo_storage_casproc proc,
                    void *arg)
{
    log_change c = {0, key, "", klen, LOG_GONE, proc, arg, false, false};
    bool done;
    pthread_mutex_lock(&log_lock);
    c.fd = log_find(data)->fd;
    done = del(data, key, klen, log_asked, &c);
    pthread_mutex_unlock(&log_lock);
    return done;
}

static bool log_sync(void *data)
{
    bool done = fsync(log_find(data)->fd) == 0;
    if (!done) {
        base_host->set_error(KUMO_ERROR_IO, "cannot sync the log");
    }
    return done;
}

static int log_copy(void *user, void *it)
{
    return log_append(*(int *)user, ikey(it), (uint32_t)ikeylen(it), ival(it),
                      (uint32_t)ivallen(it)) ? 0 : -1;
}

/* Writes all records to `path`, which must be free. */
static bool log_dump(void *data, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bool done = fd >= 0 && for_each(data, &fd, log_copy) >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static inline kumo_plugin log_plugin(const char *name)
{
    kumo_plugin plugin = base_plugin(name);
    plugin.caps = KUMO_CAP_DURABLE_SYNC;
    plugin.op.open = log_open;
    plugin.op.close = log_close;
    plugin.op.set = log_set;
    plugin.op.update = log_update;
    plugin.op.del = log_del;
    plugin.op.iterator_del = NULL;
    plugin.op.iterator_del_force = NULL;
    plugin.sync = log_sync;
    return plugin;
}

/* A good backup, for who spoils it: under the lock, so it is one moment. */
static inline bool log_backup(void *data, const char *dst)
{
    char tmp[4096];
    bool done;
    snprintf(tmp, sizeof tmp, "%s.tmp", dst);
    unlink(tmp);
    pthread_mutex_lock(&log_lock);
    done = access(dst, F_OK) != 0 && log_dump(data, tmp) && rename(tmp, dst) == 0;
    pthread_mutex_unlock(&log_lock);
    if (!done) {
        unlink(tmp);
        base_host->set_error(KUMO_ERROR_IO, "cannot write the backup");
    }
    return done;
}

#define SPOILED_LOG(its_name, ...)                                                                 \
    SPOILED_PLUGIN(its_name, *plugin = log_plugin(its_name); op->backup = log_backup; __VA_ARGS__)

#endif
