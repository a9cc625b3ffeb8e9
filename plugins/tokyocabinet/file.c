/*
 * The files of tchdb: opening, what a kill left behind, closing.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * From Tokyo Cabinet's specification of the file format; FLAGS_AT, too. The order of the
 * numbers' bytes is one or the other, as its library was built: big-endian in Debian's.
 */
#define HEADER_SIZE 256
#define MAGIC "ToKyO CaBiNeT"
#define TYPE_AT 32
#define APOW_AT 34
#define FPOW_AT 35
#define OPTS_AT 36
#define BNUM_AT 40
#define RNUM_AT 48
#define FSIZ_AT 56
#define FREC_AT 64

/* The log: the file's length 8, then entries: offset 8, length 4, the bytes of before. */
#define LOG_SUFFIX ".wal"
#define ENTRY_HEADER 12
/* A transaction begins by logging the header, and changes nothing before. */
#define LOG_MIN (8 + ENTRY_HEADER + HEADER_SIZE)

static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;
static engine *opened;

char *engine_suffixed(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *joined = malloc(size);
    if (joined == NULL) {
        engine_fail_memory();
        return NULL;
    }
    snprintf(joined, size, "%s%s", path, suffix);
    return joined;
}

/* ---- the log ---- */

/* Cuts off what is not whole: that entry's change had not been made. */
static bool trim(const engine *e, int fd, const char *path)
{
    struct stat st;
    uint64_t at = 8, size, length;
    char entry[ENTRY_HEADER];
    if (fstat(fd, &st) != 0) {
        return engine_fail_os(errno, "read", path);
    }
    size = (uint64_t)st.st_size;
    while (at + ENTRY_HEADER <= size) {
        if (!engine_read_at(fd, entry, sizeof entry, at)) {
            return engine_fail_os(errno, "read", path);
        }
        length = engine_number(e, entry + 8, 4);
        if (size - at - ENTRY_HEADER < length) {
            break;
        }
        at += ENTRY_HEADER + length;
    }
    at = at < LOG_MIN ? 0 : at;
    return at == size || ftruncate(fd, (off_t)at) == 0 || engine_fail_os(errno, "cut", path);
}

bool engine_trim_log(const engine *e)
{
    char *path = engine_suffixed(e->path, LOG_SUFFIX);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && trim(e, fd, path);
    if (path != NULL && fd < 0) {
        good = errno == ENOENT || engine_fail_os(errno, "open", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return good;
}

/* *found: there is one. Where the file needs none, it is an older file's and goes away. */
static bool prepare_log(const engine *e, bool needed, bool *found)
{
    char *path = engine_suffixed(e->path, LOG_SUFFIX);
    bool good = path != NULL;
    *found = good && access(path, F_OK) == 0;
    if (*found && needed) {
        good = engine_trim_log(e);
    } else if (*found && unlink(path) != 0) {
        good = engine_fail_os(errno, "remove", path);
    }
    free(path);
    return good;
}

/* ---- open ---- */

static bool check_header(const engine *e, const char *header, uint64_t size)
{
    uint64_t bnum = engine_number(e, header + BNUM_AT, 8);
    unsigned apow = (unsigned char)header[APOW_AT], fpow = (unsigned char)header[FPOW_AT];
    if (memcmp(header, MAGIC, strlen(MAGIC)) != 0) {
        return engine_fail(KUMO_ERROR_INVALID, "tchdb: %s is not a file of Tokyo Cabinet", e->path);
    }
    if (header[TYPE_AT] != 0) {
        return engine_fail(KUMO_ERROR_INVALID,
                           "tchdb: %s is a file of Tokyo Cabinet, but not a hash database",
                           e->path);
    }
    /* Tokyo Cabinet shifts and divides by these, and allocates by them. */
    if (apow > 16 || fpow > 20 || bnum == 0 || bnum > size / 4 ||
        engine_number(e, header + FREC_AT, 8) > size ||
        engine_number(e, header + FSIZ_AT, 8) > size) {
        return engine_fail(KUMO_ERROR_CORRUPT,
                           "tchdb: %s is cut short, or its header is damaged; use a backup",
                           e->path);
    }
    return true;
}

/*
 * What stands in the file before Tokyo Cabinet opens it. *unsure: it was being written
 * when its process ended, or had an error, and no log says that we were that process.
 */
static bool prepare_file(engine *e, bool *unsure)
{
    char header[HEADER_SIZE];
    struct stat st;
    uint64_t size;
    bool open_flag, log;
    *unsure = false;
    if (fstat(e->fd, &st) != 0) {
        return engine_fail_os(errno, "read", e->path);
    }
    size = (uint64_t)st.st_size;
    if (size >= HEADER_SIZE && !engine_read_at(e->fd, header, sizeof header, 0)) {
        return engine_fail_os(errno, "read", e->path);
    }
    /* bnum is a small odd number, or 2: in the other order it is a giant. */
    e->big_endian = size >= HEADER_SIZE && header[BNUM_AT + 7] != 0;
    if (size >= HEADER_SIZE && engine_number(e, header + FSIZ_AT, 8) > size &&
        memcmp(header, MAGIC, strlen(MAGIC)) == 0 && engine_number(e, header + RNUM_AT, 8) == 0 &&
        engine_number(e, header + FREC_AT, 8) == engine_number(e, header + FSIZ_AT, 8)) {
        /* Its making was interrupted: the header is written first. */
        if (ftruncate(e->fd, 0) != 0) {
            return engine_fail_os(errno, "cut", e->path);
        }
        size = 0;
    }
    if (size == 0) {
        return prepare_log(e, false, &log);
    }
    if (size < HEADER_SIZE) {
        memset(header, 0, sizeof header);
    }
    if (!check_header(e, header, size)) {
        return false;
    }
    open_flag = (header[FLAGS_AT] & HDBFOPEN) != 0;
    if (!prepare_log(e, open_flag, &log)) {
        return false;
    }
    *unsure = (open_flag && !log) || (header[FLAGS_AT] & HDBFFATAL) != 0;
    return true;
}

/* Reads every bucket's tree: Tokyo Cabinet itself trusts its links, and may run in a circle. */
static bool look_over(engine *e)
{
    uint64_t count;
    engine_log(KUMO_LOG_WARN, "tchdb: %s was not closed properly; checking it", e->path);
    e->hdb->fbpnum = 0; /* what it takes for free may not be */
    if (!engine_check(e, &count)) {
        return false;
    }
    if (count != e->hdb->rnum) {
        engine_log(KUMO_LOG_WARN, "tchdb: %s said that it has %llu records, and has %llu",
                   e->path, (unsigned long long)e->hdb->rnum, (unsigned long long)count);
        e->hdb->rnum = count;
    }
    e->hdb->flags &= (uint8_t)~HDBFFATAL;
    return tchdbmemsync(e->hdb, false);
}

/* What Tokyo Cabinet wrote, but never said whether it could. */
static bool read_back(engine *e)
{
    char last, pool[2];
    if (!engine_read_at(e->fd, &last, 1, BNUM_AT + 7) ||
        !engine_read_at(e->fd, pool, sizeof pool, e->hdb->msiz)) {
        return engine_fail_os(errno, "read", e->path);
    }
    /* The list of free blocks, which is in memory now. Left there it would be used again. */
    if (pool[0] != 0 || pool[1] != 0) {
        return engine_fail_os(EIO, "write", e->path);
    }
    e->big_endian = last != 0; /* a new file has the order that the library was built for */
    return true;
}

/* What is mapped has blocks: a store into a hole of it would be SIGBUS on a full disk. */
static bool fill_mapping(engine *e)
{
    const TCHDB *hdb = e->hdb;
    uint64_t mapped = hdb->xmsiz > hdb->msiz ? hdb->xmsiz : hdb->msiz;
    int err = posix_fallocate(e->fd, 0, (off_t)(mapped < hdb->fsiz ? mapped : hdb->fsiz));
    return err == 0 || engine_fail_os(err, "make room in", e->path);
}

static bool begin_log(engine *e)
{
    /* The log's presence says, after a kill, that this file needs no look over. */
    int err;
    errno = 0;
    if (tchdbtranbegin(e->hdb) && tchdbtrancommit(e->hdb)) {
        /* Tokyo Cabinet's descriptors are not for the host's children. */
        fcntl(e->hdb->fd, F_SETFD, FD_CLOEXEC);
        fcntl(e->hdb->walfd, F_SETFD, FD_CLOEXEC);
        return true;
    }
    err = errno;
    if (!e->hdb->tran && (err == ENOSPC || err == EDQUOT)) {
        engine_settle(e); /* a full disk can be read */
        return true;
    }
    return engine_fail_tc(tchdbecode(e->hdb), err, "make the log of", e->path);
}

static bool open_hdb(engine *e)
{
    bool unsure, good;
    int err;
    if (!prepare_file(e, &unsure)) {
        return false;
    }
    errno = 0;
    if (!tchdbopen(e->hdb, e->path, HDBOWRITER | HDBOCREAT | HDBOLCKNB)) {
        err = errno;
        if (tchdbecode(e->hdb) == TCEMETA) {
            /* The header is sound, so Tokyo Cabinet reads its numbers backwards. */
            return engine_fail(KUMO_ERROR_INVALID,
                               "tchdb: the numbers in %s are %s-endian, and not so in files of the "
                               "libtokyocabinet that is installed; install one built the other way "
                               "(configure has --enable-swab)",
                               e->path, e->big_endian ? "big" : "little");
        }
        if (tchdbecode(e->hdb) == TCETHREAD) {
            return engine_fail(KUMO_ERROR_BUSY,
                               "tchdb: %s is held by this process, which could not undo a change "
                               "of it; restart the server",
                               e->path);
        }
        return engine_fail_tc(tchdbecode(e->hdb), err, "open", e->path);
    }
    good = read_back(e) && fill_mapping(e) && (!unsure || look_over(e)) && begin_log(e);
    if (!good) {
        if (unsure) {
            e->hdb->flags |= HDBFFATAL; /* so that the next open looks it over again */
            tchdbmemsync(e->hdb, false);
        }
        tchdbclose(e->hdb);
    }
    return good;
}

/* With opened_lock. No descriptor of a file that is open is ever closed: see engine.fd. */
static bool open_locked(engine *e)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    const engine *other;
    bool there = stat(e->path, &st) == 0;
    if (!there && errno != ENOENT) {
        return engine_fail_os(errno, "open", e->path);
    }
    if (there && !S_ISREG(st.st_mode)) {
        return engine_fail(KUMO_ERROR_INVALID, "tchdb: %s is not a file", e->path);
    }
    for (other = opened; there && other != NULL; other = other->next) {
        if (other->dev == st.st_dev && other->ino == st.st_ino) {
            return engine_fail(KUMO_ERROR_BUSY, "tchdb: %s is open in this process already",
                               e->path);
        }
    }
    e->fd = open(e->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (e->fd < 0 || fstat(e->fd, &st) != 0) {
        engine_fail_os(errno, "open", e->path);
    } else if (fcntl(e->fd, F_SETLK, &whole) != 0) {
        if (errno != EACCES && errno != EAGAIN) {
            engine_fail_os(errno, "lock", e->path);
        } else {
            engine_fail(KUMO_ERROR_BUSY, "tchdb: %s is in use by another process", e->path);
        }
        there = true; /* by now */
    } else if (open_hdb(e)) {
        e->dev = st.st_dev;
        e->ino = st.st_ino;
        e->next = opened;
        opened = e;
        return true;
    }
    if (!there && e->fd >= 0) {
        unlink(e->path); /* half made, on a full disk */
    }
    if (e->fd >= 0) {
        close(e->fd);
        e->fd = -1;
    }
    return false;
}

bool engine_open(engine *e)
{
    bool good;
    pthread_mutex_lock(&opened_lock);
    good = open_locked(e);
    pthread_mutex_unlock(&opened_lock);
    return good;
}

static void close_hdb(engine *e)
{
    char flags;
    bool good;
    int err;
    errno = 0;
    good = tchdbclose(e->hdb);
    err = errno; /* it does not notice a failed pwrite, but that is seen here */
    if (good && err == 0) {
        return;
    }
    engine_fail_tc(good ? TCEWRITE : tchdbecode(e->hdb), err, "close", e->path);
    engine_log(KUMO_LOG_ERROR, "tchdb: cannot close %s properly: %s", e->path,
               err != 0 ? strerror(err) : tchdberrmsg(tchdbecode(e->hdb)));
    /* So that the next open looks it over. */
    if (engine_read_at(e->fd, &flags, 1, FLAGS_AT)) {
        flags |= HDBFFATAL;
        if (pwrite(e->fd, &flags, 1, FLAGS_AT) != 1) {
            engine_log(KUMO_LOG_ERROR, "tchdb: %s cannot be marked as unsafe", e->path);
        }
    }
}

void engine_close(engine *e)
{
    engine **at = &opened;
    pthread_mutex_lock(&opened_lock);
    if (e->broken) {
        /* Closing would mark the file as whole. It stays as after a kill, for the log. */
        e->hdb = NULL;
    } else {
        close_hdb(e);
    }
    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    close(e->fd);
    e->fd = -1;
    pthread_mutex_unlock(&opened_lock);
}
